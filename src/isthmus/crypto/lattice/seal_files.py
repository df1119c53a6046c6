"""Objects of Microsoft SEAL as raw bytes.

`tenseal.sealapi` reads and writes files only, and knows no arrays. So objects of SEAL are made of
raw bytes in files: in memory or, on systems without such files, in the folder for temporary ones,
where each is deleted at once. SEAL does not promise to keep their format: `tenseal` is pinned, and
the first use in a process encrypts and decrypts known values this way (`seal.py`).
"""
# pyarrow has no types, so all that comes from it is unknown.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false

import os
import struct
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from isthmus.crypto.lattice.parameters import SEAL_SEED_BYTES
from isthmus.crypto.lattice.residues import Residues

_HEADER = struct.Struct("<HBBBBHQ")
_MAGIC, _MAJOR, _MINOR = 0xA15E, 4, 3
_PLAIN, _ZSTD = 0, 2
_BLAKE2XB = 1  # the generator that SEAL expands seeds with

_PLAINTEXT = struct.Struct("<4QQd")
_CIPHERTEXT = struct.Struct("<4QB3QdQ")
_SIZE = struct.Struct("<Q")
_GENERATOR = struct.Struct("<B")

NO_PRIMES = (0, 0, 0, 0)
"""SEAL's name of a ring (`parms_id`), in a plaintext that is not transformed."""


def plaintext(level: Sequence[int], coefficients: Residues) -> bytes:
    """Returns a plaintext, or a secret key, in the ring that SEAL names so."""
    return _framed(_PLAINTEXT.pack(*level, coefficients.size, 1.0) + _array(coefficients))


def ciphertext(level: Sequence[int], residues: Residues, *, transformed: bool) -> bytes:
    """Returns a ciphertext, or a public key, of residues, shape (polynomials, primes, degree)."""
    polynomials, primes, degree = residues.shape
    start = _CIPHERTEXT.pack(*level, transformed, polynomials, degree, primes, 1.0, 1)
    return _framed(start + _array(residues))


def seeded(level: Sequence[int], polynomial: Residues, seed: bytes) -> bytes:
    """Returns a ciphertext of one polynomial, shape (primes, degree), and the other's seed."""
    primes, degree = polynomial.shape
    start = _CIPHERTEXT.pack(*level, 0, 2, degree, primes, 1.0, 1)
    return _framed(start + _array(polynomial) + _framed(_GENERATOR.pack(_BLAKE2XB) + seed))


def fresh(thing: Any, shape: tuple[int, int]) -> tuple[Residues, bytes]:
    """Returns the first polynomial of SEAL's fresh ciphertext, and the seed of the other."""
    count = shape[0] * shape[1]
    tail = _HEADER.size + _GENERATOR.size + SEAL_SEED_BYTES
    data = _saved(thing, _CIPHERTEXT.size + _array_bytes(count) + tail)
    first = np.frombuffer(data, "<u8", count, len(data) - tail - count * 8).reshape(shape)
    return first, data[-SEAL_SEED_BYTES:]


def residues(thing: Any, shape: tuple[int, int, int]) -> Residues:
    """Returns the residues of SEAL's ciphertext."""
    count = int(np.prod(shape))
    data = _saved(thing, _CIPHERTEXT.size + _array_bytes(count))
    return np.frombuffer(data, "<u8", count, len(data) - count * 8).reshape(shape)


def secret_residues(thing: Any, shape: tuple[int, int]) -> Residues:
    """Returns the residues of SEAL's secret key."""
    count = shape[0] * shape[1]
    data = _saved(thing, _PLAINTEXT.size + _array_bytes(count))
    return np.frombuffer(data, "<u8", count, len(data) - count * 8).reshape(shape)


def loaded(empty: Any, context: Any, data: bytes) -> Any:
    """Fill an object of SEAL.

    Args:
        empty: An object without content.
        context: SEAL's context.
        data: What SEAL would have written.

    Returns:
        The object, filled.
    """
    with _file() as (descriptor, path):
        _write(descriptor, data)
        empty.load(context, path)
    return empty


def _array(residues: Residues) -> bytes:
    return _framed(_SIZE.pack(residues.size) + residues.tobytes())


def _array_bytes(count: int) -> int:
    return _HEADER.size + _SIZE.size + count * 8


def _framed(body: bytes) -> bytes:
    """Returns bytes as SEAL writes an object without compressing it."""
    size = _HEADER.size + len(body)
    return _HEADER.pack(_MAGIC, _HEADER.size, _MAJOR, _MINOR, _PLAIN, 0, size) + body


def _saved(thing: Any, size: int) -> bytes:
    """Write an object of SEAL.

    Args:
        thing: The object.
        size: Bytes of its body.

    Returns:
        The body, not compressed.

    Raises:
        ValueError: SEAL writes it in another way.
    """
    with _file() as (descriptor, path):
        thing.save(path)
        data = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
    magic, header, major, minor, form, _, written = _HEADER.unpack_from(data)
    if (magic, header, major, minor) != (_MAGIC, _HEADER.size, _MAJOR, _MINOR):
        raise ValueError(f"SEAL writes version {major}.{minor}, not {_MAJOR}.{_MINOR}")
    if written != len(data) or form not in {_PLAIN, _ZSTD}:
        raise ValueError("SEAL writes objects in another way")
    body = data[_HEADER.size :]
    if form == _ZSTD:
        body = pa.decompress(body, decompressed_size=size, codec="zstd", asbytes=True)
    if len(body) != size:
        raise ValueError("SEAL writes objects of another size")
    return body


@contextmanager
def _file() -> Generator[tuple[int, str]]:
    """An empty file that only this process can name, and that is gone after the block."""
    if hasattr(os, "memfd_create") and Path("/proc/self/fd").is_dir():
        descriptor = os.memfd_create("isthmus")
        path = f"/proc/self/fd/{descriptor}"
    else:
        descriptor, path = tempfile.mkstemp(prefix="isthmus-")
    try:
        yield descriptor, path
    finally:
        os.close(descriptor)
        if not path.startswith("/proc/"):
            Path(path).unlink()


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
