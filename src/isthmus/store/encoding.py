"""JSON of structs whose numbers may come from numpy."""

from numbers import Real
from typing import Any

import msgspec


def to_json(value: object) -> bytes:
    """JSON on one line; a TypeError for what msgspec and numpy do not know."""
    return _ENCODER.encode(value)


def _plain(value: Any) -> float:
    if isinstance(value, Real) and hasattr(value, "item"):  # a number of numpy, which need not load
        found: float = value.item()
        return found
    raise TypeError(f"{type(value).__name__} is not stored as JSON")


_ENCODER = msgspec.json.Encoder(enc_hook=_plain)
