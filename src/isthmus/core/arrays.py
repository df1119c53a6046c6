"""Types of numpy arrays."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Bools = NDArray[np.bool_]
Bins = NDArray[np.int8]
"""Bin of each row in each column, shape (rows, columns); the last bin is for missing values."""
