"""Yes or no of many things as eight in a byte: how they cross."""

from collections.abc import Sequence

import numpy as np

from isthmus.core.arrays import Bools
from isthmus.vertical.boosting.messages import Bits


def pack(values: Bools) -> Bits:
    """Bits of booleans of any shape, the last byte filled up with zeros."""
    return np.packbits(values)


def unpack(bits: Bits, shape: Sequence[int]) -> Bools:
    """Read what `pack` wrote.

    Args:
        bits: The bytes as they came, shape (bytes,).
        shape: What they must hold.

    Returns:
        The booleans.

    Raises:
        ValueError: There are more or fewer bits.
    """
    count = int(np.prod(shape))
    if bits.shape != (-(-count // 8),):
        raise ValueError(f"{bits.size} bytes do not hold {count} bits")
    return np.unpackbits(bits, count=count).astype(np.bool_).reshape(shape)
