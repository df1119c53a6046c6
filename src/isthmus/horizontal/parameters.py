"""Parameters of a model by name, and as one vector: what masters and children exchange."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

Parameters = dict[str, NDArray[np.float32]]
"""Arrays of a model by name; an update is such parameters after training minus before."""

Vector = NDArray[np.float32]
"""All parameters of a model in a row, in the order of its layout, shape (size,)."""

Updates = NDArray[np.float32]
"""One vector per child, shape (children, size)."""


@dataclass(frozen=True)
class Layout:
    """Where each array of a model lies in its vector: sorted by name, the same at every party."""

    shapes: tuple[tuple[str, tuple[int, ...]], ...]

    @classmethod
    def of(cls, parameters: Parameters) -> "Layout":
        """The layout of a model with these arrays."""
        return cls(tuple((name, parameters[name].shape) for name in sorted(parameters)))

    @property
    def size(self) -> int:
        """Numbers in a vector."""
        return sum(math.prod(shape) for _, shape in self.shapes)

    def to_vector(self, arrays: Mapping[str, NDArray[np.float32]]) -> Vector:
        """Lay the arrays of a model, which have this layout, in a row."""
        return np.concatenate(
            [np.empty(0, np.float32), *(arrays[name].ravel() for name, _ in self.shapes)]
        )

    def to_parameters(self, vector: Vector) -> Parameters:
        """Cut a vector into the arrays of the model.

        Args:
            vector: What `to_vector` made, shape (size,).

        Returns:
            Views of the vector, by name.
        """
        ends = accumulate((math.prod(shape) for _, shape in self.shapes), initial=0)
        return {
            name: vector[start:end].reshape(shape)
            for (name, shape), (start, end) in zip(self.shapes, pairwise(ends), strict=True)
        }


def single(values: NDArray[np.floating]) -> Vector:
    """Values in single precision, in which parameters cross; no copy where they are so already."""
    return values.astype(np.float32, copy=False)


def digest(parameters: Parameters) -> str:
    """SHA-256 of names, shapes and numbers, in hex: equal models have equal digests."""
    layout = Layout.of(parameters)
    found = hashlib.sha256(repr(layout.shapes).encode())
    for name, _ in layout.shapes:
        found.update(np.ascontiguousarray(parameters[name], "<f4").data)
    return found.hexdigest()


def misfit(parameters: Parameters, layout: Layout) -> str:
    """Why parameters do not have a layout, in one clause; nothing where they do."""
    shapes, due = {name: it.shape for name, it in parameters.items()}, dict(layout.shapes)
    for name in sorted(shapes.keys() ^ due.keys()):
        return f"{name[:80]!r} is {'missing' if name in due else 'not one of its parameters'}"
    for name, shape in due.items():
        if shapes[name] != shape:
            return f"{name!r} has shape {shapes[name]} where {shape} was due"
        if parameters[name].dtype != np.float32:
            return f"{name!r} holds {parameters[name].dtype} where float32 was due"
    return ""


def finite(parameters: Parameters) -> bool:
    """Whether no number is infinite or not a number."""
    return all(bool(np.isfinite(array).all()) for array in parameters.values())
