"""The compiled C code: where it is, and the types of its functions.

It is compiled when isthmus is installed (`hatch_build.py`), where there is a compiler. ctypes lets
go of the interpreter's lock (GIL) for the time of a call.
"""

import ctypes
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

LIBRARY = Path(__file__).parent / "compiled" / "kernel.so"
"""Where the build puts it: in a folder without modules, as it is none."""

SOURCE = Path(__file__).with_name("source")
"""The C code."""

LIMBS = (27, 40, 60)
"""Limbs of 52 bits of the sizes of numbers that the code has."""

Function = Callable[..., None]
"""A function of the library; it checks no argument but its type."""

_CONSTANTS = _WORDS = np.ctypeslib.ndpointer(np.uint64, flags="C")
_OUT = np.ctypeslib.ndpointer(np.uint64, flags=("C", "W"))
_BYTES = np.ctypeslib.ndpointer(np.uint8, flags="C")
_OUT_BYTES = np.ctypeslib.ndpointer(np.uint8, flags=("C", "W"))
_INDEX = np.ctypeslib.ndpointer(np.int32, flags="C")
_STARTS = np.ctypeslib.ndpointer(np.int64, flags="C")
_SIZE = ctypes.c_int64

_TYPES: Mapping[str, tuple[Any, ...]] = {
    "enter": (_CONSTANTS, _OUT, _BYTES, _SIZE, _SIZE),
    "leave": (_CONSTANTS, _OUT_BYTES, _WORDS, _SIZE, _SIZE),
    "times": (_CONSTANTS, _OUT, _WORDS, _WORDS, _SIZE),
    "squares": (_CONSTANTS, _OUT, _WORDS, _SIZE, _SIZE),
    "sums": (_CONSTANTS, _OUT, _WORDS, _INDEX, _STARTS, _INDEX, _SIZE),
    "powers": (_CONSTANTS, _OUT, _WORDS, _BYTES, _SIZE, _SIZE),
    "power": (_CONSTANTS, _OUT, _BYTES, _SIZE, _SIZE),
}


@dataclass(frozen=True)
class Functions:
    """The functions for numbers of one size; `source/kernel.c` says what they do."""

    enter: Function
    leave: Function
    times: Function
    squares: Function
    sums: Function
    powers: Function
    power: Function


Library = Mapping[int, Functions]
"""Functions by the limbs of their numbers, the shortest first."""


def load(path: Path) -> Library:
    """Load the compiled code.

    Args:
        path: The shared library.

    Returns:
        Its functions.

    Raises:
        OSError: There is no such library, it is none for this machine, or its instructions are not.
    """
    code = ctypes.CDLL(str(path))
    if not code.usable():
        raise OSError("this processor has no AVX-512 IFMA")
    return {
        limbs: Functions(**{name: _function(code, name, limbs) for name in _TYPES})
        for limbs in LIMBS
    }


def is_stale(path: Path) -> bool:
    """Returns whether a shared library was compiled from other source than lies beside it."""
    digest: Any = ctypes.CDLL(str(path)).source_digest
    digest.restype = ctypes.c_char_p
    return bool(digest() != source_digest().encode())


def source_digest() -> str:
    """Returns a digest of the C code; the build computes the same."""
    found = hashlib.sha256()
    for file in sorted(SOURCE.iterdir()):
        if file.suffix in {".c", ".h", ".inc"}:
            found.update(file.read_bytes())
    return found.hexdigest()


def _function(code: ctypes.CDLL, name: str, limbs: int) -> Function:
    found: Any = getattr(code, f"{name}_{limbs}")
    found.argtypes, found.restype = _TYPES[name], None
    return cast(Function, found)
