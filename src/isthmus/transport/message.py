"""Typed messages: nothing else crosses between parties.

On the wire a message is one MessagePack map whose `type` is the class name. An array is encoded as
`[dtype, shape, raw buffer]` and decoded as a read-only view of the received bytes, without a copy.
The ledger derives how a value is protected from the declared type of its field.
"""

import math
from collections.abc import Iterable, Sized
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, ClassVar, TypeVar, cast, get_args, get_origin, get_type_hints

import msgspec
import numpy as np
from numpy.typing import NDArray

from isthmus.core.errors import PeerError

_BUFFER = 1  # MessagePack extension code of a raw array buffer
_LARGEST = 1e100  # magnitude of numbers in messages: sums of products of them stay finite
_DIMENSIONS = 8  # of an array at most: the product of very many sizes takes too long
_QUOTED = 400  # characters of a peer's text that an error of ours quotes at most


class Protection(StrEnum):
    """How a value is protected from its reader."""

    CLEAR = "clear"  # not at all: the reader sees the value itself
    BLINDED = "blinded"  # a group element under a secret exponent, or a secret function's value
    ENCRYPTED = "encrypted"  # only the holder of the private key can read it
    MASKED = "masked"  # a one-time random mask, uniform or at least 64 bits wider than the value


def _protected(by: Protection) -> msgspec.Meta:
    return msgspec.Meta(extra={"protection": by})


Encrypted = Annotated[bytes, _protected(Protection.ENCRYPTED)]
EncryptedByName = Annotated[dict[str, bytes], _protected(Protection.ENCRYPTED)]
Blinded = Annotated[bytes, _protected(Protection.BLINDED)]
MaskedBytes = Annotated[bytes, _protected(Protection.MASKED)]
MaskedIntegers = Annotated[list[bytes], _protected(Protection.MASKED)]
MaskedWords = Annotated[NDArray[np.uint32], _protected(Protection.MASKED)]
MaskedLongWords = Annotated[NDArray[np.uint64], _protected(Protection.MASKED)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**40)]
Finite = Annotated[float, msgspec.Meta(ge=-_LARGEST, le=_LARGEST)]
NonNegative = Annotated[float, msgspec.Meta(ge=0, le=_LARGEST)]


class Message(msgspec.Struct, frozen=True, kw_only=True, tag=True, forbid_unknown_fields=True):
    """Base class of every message. A wrong, missing or extra field is refused."""

    purpose: ClassVar[str] = ""
    """Why it is sent, in a few words: the ledger shows it."""

    reveals: ClassVar[str] = ""
    """What its reader learns, in one clause: `isthmus explain` shows it."""

    discloses: ClassVar[bool] = False
    """Whether it tells its reader about one party's rows, columns or labels, beyond a number about
    the progress of the joint training: the job must list it in `disclosed`."""

    max_bytes: ClassVar[int] = 16 * 2**20
    """The largest encoding that a reader accepts; checked before memory is taken."""


MessageT = TypeVar("MessageT", bound=Message)


class Value(msgspec.Struct, frozen=True):
    """The description of one field of a message in a ledger, without its value."""

    name: str
    kind: str
    shape: tuple[int, ...]
    bytes: int
    protection: Protection


def encode(message: Message) -> bytes:
    """Returns the bytes of a message on the wire."""
    return _ENCODER.encode(message)


def decode(data: bytes | bytearray | memoryview, kind: type[MessageT], peer: str) -> MessageT:
    """Decode a message of one expected type.

    Args:
        data: The bytes as received; arrays of the result are views of it.
        kind: The only type that is accepted.
        peer: Name of the sender, for the error.

    Returns:
        The message.

    Raises:
        PeerError: The message is of another type, or its fields are not as the type declares.
    """
    decoder = _decoder(kind)
    try:
        return cast(MessageT, decoder.decode(data))
    except (msgspec.DecodeError, ValueError, TypeError, RecursionError) as error:
        raise PeerError(
            f"{peer!r} sent something that is not a {kind.__name__}: {one_line(str(error))}. "
            "Compare `isthmus version` on both sides."
        ) from None


def one_line(text: str) -> str:
    """Returns a peer's text as one short, printable line."""
    return "".join(sign if sign.isprintable() else " " for sign in text[:_QUOTED]).strip()


def describe(message: Message) -> list[Value]:
    """Returns kind, shape, size and protection of each field of a message, for the ledger."""
    return [
        _describe(name, getattr(message, name), protection)
        for name, protection in protections(type(message)).items()
    ]


@cache
def protections(kind: type[Message]) -> dict[str, Protection]:
    """Returns the protection of each field of a message type, from the field's declared type."""
    hints = get_type_hints(kind, include_extras=True)
    return {name: _protection(hints[name]) for name in kind.__struct_fields__}


def listed(found: Iterable[Protection]) -> str:
    """Returns the names of protections, each once, "clear" last."""
    return ", ".join(sorted(set(found), key=lambda each: (each is Protection.CLEAR, each)))


def _protection(hint: Any) -> Protection:
    if get_origin(hint) is Annotated:
        for meta in get_args(hint)[1:]:
            if isinstance(meta, msgspec.Meta) and meta.extra and "protection" in meta.extra:
                return Protection(meta.extra["protection"])
    return Protection.CLEAR


def _describe(name: str, value: Any, protection: Protection) -> Value:
    kind = type(value).__name__
    match value:
        case np.ndarray():
            array = cast(NDArray[Any], value)
            return Value(name, str(array.dtype), array.shape, array.nbytes, protection)
        case bytes():
            return Value(name, kind, (len(value),), len(value), protection)
        case None:
            return Value(name, "none", (), len(_ENCODER.encode(value)), protection)
        case list() | tuple() | dict():
            items = len(cast(Sized, value))
            return Value(name, kind, (items,), len(_ENCODER.encode(value)), protection)
        case _:
            return Value(name, kind, (), len(_ENCODER.encode(value)), protection)


def _write_array(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        array = cast(NDArray[Any], value)
        return _Array(array.dtype.str, array.shape, msgspec.msgpack.Ext(_BUFFER, array.tobytes()))
    raise TypeError(f"{type(value).__name__} cannot cross: declare a field type of a message")


def _read_buffer(code: int, data: memoryview) -> memoryview:
    if code != _BUFFER:
        raise ValueError(f"unknown extension {code}")
    return data


def _read_array(declared: Any, value: Any) -> NDArray[Any]:
    if get_origin(declared) is not np.ndarray:
        raise TypeError(f"{declared} is not a field type of a message")
    wanted = np.dtype(get_args(get_args(declared)[1])[0])
    array = msgspec.convert(value, _Array)
    if array.dtype != wanted.str or type(array.data) is not memoryview:
        raise ValueError(f"expected an array of {wanted}")
    buffer = np.frombuffer(array.data, np.uint8)
    if math.prod(array.shape) * wanted.itemsize != buffer.size:
        raise ValueError(f"shape {array.shape} does not fill {buffer.size} bytes")
    values: NDArray[Any] = buffer.view(wanted).reshape(array.shape)
    if wanted.kind == "f" and not (np.abs(values) <= _largest(wanted)).all():  # False for NaN
        raise ValueError(f"an array holds values that are not numbers, or beyond {_LARGEST:g}")
    return values


def _largest(wanted: np.dtype[Any]) -> float:
    return min(_LARGEST, float(np.finfo(wanted).max))  # _LARGEST is infinite as a narrow type


class _Array(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    dtype: str
    shape: Annotated[tuple[Count, ...], msgspec.Meta(max_length=_DIMENSIONS)]
    data: object  # an Ext when encoded, a view of the received bytes when decoded


@cache
def _decoder(kind: type[Message]) -> msgspec.msgpack.Decoder[Message]:
    return msgspec.msgpack.Decoder(kind, dec_hook=_read_array, ext_hook=_read_buffer)


_ENCODER = msgspec.msgpack.Encoder(enc_hook=_write_array)
