"""Memory straight from the system: zeros, given back whole, in large pages if they fit."""

import mmap

import numpy as np
from numpy.typing import NDArray

_LARGE = 2 * 2**20
"""Bytes of a large page. With small ones, most reads of a large table would miss the TLB."""

_FEW = 64 * 2**10
_LINE = 64  # of the processor's cache


def zeros(size: int) -> NDArray[np.uint8]:
    """Get memory.

    Args:
        size: Bytes.

    Returns:
        Zeros, which take room only once they are touched; they begin at a multiple of 64 bytes.
    """
    if size < _FEW:
        memory = np.zeros(size + _LINE - 1, np.uint8)
        start = -memory.ctypes.data % _LINE
        return memory[start : start + size]
    aligned = _LARGE if size >= _LARGE else 1
    pages = mmap.mmap(-1, size + aligned - 1, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory = np.frombuffer(pages, np.uint8)
    start = -memory.ctypes.data % aligned
    if size >= _LARGE and hasattr(mmap, "MADV_HUGEPAGE"):  # Linux
        pages.madvise(mmap.MADV_HUGEPAGE, start, size // _LARGE * _LARGE)
    return memory[start : start + size]
