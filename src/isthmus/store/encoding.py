"""JSON of structs whose numbers may come from numpy."""

from typing import Any

import msgspec
import numpy as np


def to_json(value: object) -> bytes:
    """JSON on one line; a TypeError for what msgspec and numpy do not know."""
    return _ENCODER.encode(value)


def _plain(value: Any) -> float:
    if isinstance(value, np.floating | np.integer):
        return value.item()
    raise TypeError(f"{type(value).__name__} is not stored as JSON")


_ENCODER = msgspec.json.Encoder(enc_hook=_plain)
