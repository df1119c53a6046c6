"""HEU's serialisation format of keys and ciphertexts, written and read here.

So HEU parses only what we wrote from checked numbers, never the bytes of a peer.

HEU 0.5 packs with MessagePack: a big integer is a *string* of little-endian two's complement; an
object is an array of these, followed by the number of its scheme in eight bytes. A matrix of
ciphertexts is [rows, columns, dimensions, [one string per object]]. The strings are not text, so
items are read raw.
"""

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

_STRING_HEADERS = {0xD9: 2, 0xDA: 3}  # bytes of a header; any other is a short string's, one byte
_SCHEME_BYTES = 8


def read_key(data: bytes, count: int) -> list[int]:
    """Returns the first `count` big integers of a key."""
    items = msgspec.msgpack.decode(data[:-_SCHEME_BYTES], type=list[msgspec.Raw])
    return [_read_number(bytes(item)) for item in items[:count]]


def write_key(scheme: int, numbers: Iterable[int], *small: int) -> bytes:
    """Returns a key that HEU can load: big integers, then small ones."""
    items = [_write_number(number) for number in numbers]
    return _array([*items, *map(msgspec.msgpack.encode, small)]) + _tag(scheme)


def read_ciphertexts(data: bytes) -> list[int]:
    """Returns the numbers in a vector of ciphertexts."""
    *_, items = msgspec.msgpack.decode(data, type=tuple[int, int, int, list[msgspec.Raw]])
    # Each string holds an array of one number, which starts after one byte, and then the tag.
    return [_read_number(_content(bytes(item))[1:-_SCHEME_BYTES]) for item in items]


def write_ciphertexts(scheme: int, data: bytes, width: int) -> bytes:
    """Returns a vector of ciphertexts that HEU can load.

    Args:
        scheme: HEU's number of the scheme.
        data: Big-endian numbers, one after the other: see `fixed_width`.
        width: Bytes of each number.

    Returns:
        The vector in HEU's format. Each number has one more byte than on the wire, for its sign.
    """
    count, tag, size = len(data) // width, _tag(scheme), width + 1
    head = _header(1 + len(_header(size)) + size + len(tag)) + b"\x91" + _header(size)
    fields = {"head": len(head), "number": width, "sign": 1, "tag": len(tag)}
    items = np.zeros(count, [(name, np.uint8, length) for name, length in fields.items()])
    items["head"], items["tag"] = list(head), list(tag)
    items["number"] = np.frombuffer(data, np.uint8).reshape(count, width)[:, ::-1]
    shape = b"".join(map(msgspec.msgpack.encode, (count, 1, 1)))
    return _count(4) + shape + _count(count) + items.tobytes()


def _read_number(string: bytes) -> int:
    return int.from_bytes(_content(string), "little", signed=True)


def _write_number(number: int) -> bytes:
    return _string(number.to_bytes(number.bit_length() // 8 + 1, "little", signed=True))


def _content(string: bytes) -> bytes:
    return string[_STRING_HEADERS.get(string[0], 1) :]


def _string(content: bytes) -> bytes:
    return _header(len(content)) + content


def _header(length: int) -> bytes:
    return b"\xda" + length.to_bytes(2, "big")


def _array(items: Sequence[bytes]) -> bytes:
    return _count(len(items)) + b"".join(items)


def _count(items: int) -> bytes:
    return b"\xdd" + items.to_bytes(4, "big")


def _tag(scheme: int) -> bytes:
    return scheme.to_bytes(_SCHEME_BYTES, "little")
