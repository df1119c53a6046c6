"""JSON encoding of structs that may hold numpy numbers."""

from numbers import Integral, Real
from typing import Any

import msgspec


def to_json(value: object) -> bytes:
    """Returns JSON on one line; raises a TypeError for types other than msgspec's and numpy's."""
    return _ENCODER.encode(value)


def _plain(value: Any) -> float:
    if isinstance(value, Integral):  # numpy's, known without importing it
        return int(value)
    if isinstance(value, Real):
        return float(value)
    raise TypeError(f"{type(value).__name__} is not stored as JSON")


_ENCODER = msgspec.json.Encoder(enc_hook=_plain)
