"""From rows to vectors, and from gradients back to rows: the kernels of the built-in server.

Sgd, Adagrad and Adam do what the classes of these names in `torch.optim` do, with their `eps`.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.paramserver.tables.kernels.compiling import compiled
from isthmus.paramserver.tables.kernels.memory import prefetch
from isthmus.paramserver.window import Float32s, Int32s

SGD, ADAGRAD, ROWWISE_ADAGRAD, ADAM, FTRL = range(5)

_ADAGRAD_EPS = np.float32(1e-10)
_ADAM_EPS = np.float32(1e-8)
_ONE = np.float32(1)
_ZERO = np.float32(0)
_AHEAD = 16  # rows

Settings = tuple[float, float, float, float]


@dataclass(frozen=True)
class Rule:
    """An optimizer as the kernels take it."""

    number: int
    """One of those above."""

    settings: Settings
    """Learning rate; for Adam both decays; for FTRL beta, l1 and l2."""


class _Work(threading.local):
    """Arrays that `update` uses again and again, of each thread: new memory takes longer."""

    def __init__(self) -> None:
        self._arrays = dict[str, NDArray[Any]]()

    def array(self, name: str, size: int, first: Any) -> NDArray[Any]:
        """Returns an array of the type of `first`, which fills it when it is new."""
        if name not in self._arrays or len(self._arrays[name]) < size:
            self._arrays[name] = np.full(size, first)
        return self._arrays[name][:size]


_WORK = _Work()


def gather(rows: Float32s, slots: Int32s, dimension: int) -> Float32s:
    """Returns the values of the rows at these positions, shape (slots, dimension)."""
    vectors = np.empty((len(slots), dimension), np.float32)
    _gather(rows, slots, vectors)
    return vectors


def update(rows: Float32s, slots: Int32s, gradient: Float32s, rule: Rule) -> None:
    """Let the optimizer change every row that a batch has used, once.

    Args:
        rows: Values and state, shape (rows, width); changed in place.
        slots: The row of each gradient, shape (slots,).
        gradient: Shape (slots, dimension). Those of a row are added up in the order of slots.
        rule: The optimizer.
    """
    dimension = gradient.shape[1]
    places = _WORK.array("places", len(rows), np.int32(-1))
    touched = _WORK.array("touched", len(slots), np.int32(0))
    sums = _WORK.array("sums", len(slots) * dimension, np.float32(0)).reshape(-1, dimension)
    number = _add_up(slots, gradient, places, touched, sums)
    places[touched[:number]] = -1
    _ROWS[rule.number](rows, touched[:number], sums, rule.settings)


def update_dense(dense: Float32s, gradient: Float32s, trained: Sequence[slice], rule: Rule) -> None:
    """Let the optimizer change the dense numbers that a batch has trained.

    Args:
        dense: Values in the first row and state in the others, shape (1 + states, numbers);
            changed in place.
        gradient: Shape (numbers,).
        trained: The parts to change.
        rule: The optimizer; row-wise Adagrad is the same as Adagrad here.
    """
    for part in trained:
        start, stop, _ = part.indices(dense.shape[1])
        kernel = _DENSE[rule.number]
        kernel(dense[:, start:stop], gradient[start:stop], rule.settings)


@compiled
def _gather(rows: Float32s, slots: Int32s, vectors: Float32s) -> None:
    for slot in range(len(slots)):
        row = slots[slot]
        _ask_ahead(rows, slots, slot)
        for column in range(vectors.shape[1]):
            vectors[slot, column] = rows[row, column]


@compiled
def _ask_ahead(rows: Float32s, chosen: Int32s, at: int) -> None:
    """Let the memory of a row arrive that is needed soon."""
    if at + _AHEAD < len(chosen):
        row = rows.ctypes.data + np.int64(chosen[at + _AHEAD]) * rows.strides[0]
        prefetch(row)
        prefetch(row + 4 * rows.shape[1] - 1)


@compiled
def _add_up(
    slots: Int32s, gradient: Float32s, places: Int32s, touched: Int32s, sums: Float32s
) -> int:
    found = 0
    for slot in range(len(slots)):
        row = slots[slot]
        if slot + _AHEAD < len(slots):
            prefetch(places.ctypes.data + 4 * np.int64(slots[slot + _AHEAD]))
        place = places[row]
        if place < 0:
            places[row] = found
            touched[found] = row
            for column in range(gradient.shape[1]):
                sums[found, column] = gradient[slot, column]
            found += 1
        else:
            for column in range(gradient.shape[1]):
                sums[place, column] += gradient[slot, column]
    return found


@compiled
def _sgd_rows(rows: Float32s, touched: Int32s, sums: Float32s, settings: Settings) -> None:
    rate = np.float32(settings[0])
    for place in range(len(touched)):
        row = touched[place]
        _ask_ahead(rows, touched, place)
        for column in range(sums.shape[1]):
            rows[row, column] -= rate * sums[place, column]


@compiled
def _adagrad_rows(rows: Float32s, touched: Int32s, sums: Float32s, settings: Settings) -> None:
    size = sums.shape[1]
    rate = np.float32(settings[0])
    for place in range(len(touched)):
        row = touched[place]
        _ask_ahead(rows, touched, place)
        for column in range(size):
            rows[row, column], rows[row, size + column] = _adagrad(
                rows[row, column], rows[row, size + column], sums[place, column], rate
            )


@compiled
def _rowwise_rows(rows: Float32s, touched: Int32s, sums: Float32s, settings: Settings) -> None:
    size = sums.shape[1]
    rate = np.float32(settings[0])
    for place in range(len(touched)):
        row = touched[place]
        _ask_ahead(rows, touched, place)
        total = rows[row, size] + _sum_of_squares(sums, place) / np.float32(size)
        rows[row, size] = total
        step = rate / (np.sqrt(total) + _ADAGRAD_EPS)
        for column in range(size):
            rows[row, column] -= step * sums[place, column]


@compiled
def _sum_of_squares(sums: Float32s, place: int) -> Any:
    # Four sums side by side: a fixed order that a processor adds up at once.
    a = b = c = d = _ZERO
    size = sums.shape[1]
    whole = size - size % 4
    for column in range(0, whole, 4):
        a += sums[place, column] * sums[place, column]
        b += sums[place, column + 1] * sums[place, column + 1]
        c += sums[place, column + 2] * sums[place, column + 2]
        d += sums[place, column + 3] * sums[place, column + 3]
    for column in range(whole, size):
        a += sums[place, column] * sums[place, column]
    return (a + b) + (c + d)


@compiled
def _adam_rows(rows: Float32s, touched: Int32s, sums: Float32s, settings: Settings) -> None:
    size = sums.shape[1]
    first, second = np.float32(1 - settings[1]), np.float32(settings[2])
    rest = np.float32(1 - settings[2])
    for place in range(len(touched)):
        row = touched[place]
        _ask_ahead(rows, touched, place)
        rows[row, 3 * size] += _ONE
        step, root = _correction(rows[row, 3 * size], settings)
        for column in range(size):
            rows[row, column], rows[row, size + column], rows[row, 2 * size + column] = _adam(
                (rows[row, column], rows[row, size + column], rows[row, 2 * size + column]),
                sums[place, column],
                (first, second, rest),
                (step, root),
            )


@compiled
def _ftrl_rows(rows: Float32s, touched: Int32s, sums: Float32s, settings: Settings) -> None:
    size = sums.shape[1]
    for place in range(len(touched)):
        row = touched[place]
        _ask_ahead(rows, touched, place)
        for column in range(size):
            rows[row, column], rows[row, size + column], rows[row, 2 * size + column] = _ftrl(
                (rows[row, column], rows[row, size + column], rows[row, 2 * size + column]),
                sums[place, column],
                settings,
            )


@compiled
def _sgd_dense(dense: Float32s, gradient: Float32s, settings: Settings) -> None:
    rate = np.float32(settings[0])
    for number in range(len(gradient)):
        dense[0, number] -= rate * gradient[number]


@compiled
def _adagrad_dense(dense: Float32s, gradient: Float32s, settings: Settings) -> None:
    rate = np.float32(settings[0])
    for number in range(len(gradient)):
        dense[0, number], dense[1, number] = _adagrad(
            dense[0, number], dense[1, number], gradient[number], rate
        )


@compiled
def _adam_dense(dense: Float32s, gradient: Float32s, settings: Settings) -> None:
    first, second = np.float32(1 - settings[1]), np.float32(settings[2])
    rest = np.float32(1 - settings[2])
    start = 0
    while start < len(gradient):
        # Numbers next to each other mostly have seen as many steps: they share the correction.
        stop = start + 1
        while stop < len(gradient) and dense[3, stop] == dense[3, start]:
            stop += 1
        step, root = _correction(dense[3, start] + _ONE, settings)
        for number in range(start, stop):
            dense[3, number] += _ONE
            dense[0, number], dense[1, number], dense[2, number] = _adam(
                (dense[0, number], dense[1, number], dense[2, number]),
                gradient[number],
                (first, second, rest),
                (step, root),
            )
        start = stop


@compiled
def _ftrl_dense(dense: Float32s, gradient: Float32s, settings: Settings) -> None:
    for number in range(len(gradient)):
        dense[0, number], dense[1, number], dense[2, number] = _ftrl(
            (dense[0, number], dense[1, number], dense[2, number]), gradient[number], settings
        )


@compiled
def _adagrad(value: Any, total: Any, gradient: Any, rate: np.float32) -> tuple[Any, Any]:
    total += gradient * gradient
    return value - rate * gradient / (np.sqrt(total) + _ADAGRAD_EPS), total


@compiled
def _correction(steps: Any, settings: Settings) -> tuple[Any, Any]:
    """What Adam multiplies its step by, and divides its root by, at this step."""
    first = 1 - settings[1] ** np.float64(steps)
    second = 1 - settings[2] ** np.float64(steps)
    return np.float32(settings[0] / first), np.float32(np.sqrt(second))


@compiled
def _adam(
    state: tuple[Any, Any, Any],
    gradient: Any,
    decays: tuple[Any, Any, Any],
    correction: tuple[Any, Any],
) -> tuple[Any, Any, Any]:
    value, mean, square = state
    first, second, rest = decays
    step, root = correction
    mean += first * (gradient - mean)
    square = second * square + rest * gradient * gradient
    return value - step * mean / (np.sqrt(square) / root + _ADAM_EPS), mean, square


@compiled
def _ftrl(state: tuple[Any, Any, Any], gradient: Any, settings: Settings) -> tuple[Any, Any, Any]:
    value, z, n = state
    rate, beta, l1, l2 = settings
    more = n + gradient * gradient
    sigma = (np.sqrt(more) - np.sqrt(n)) / np.float32(rate)
    z += gradient - sigma * value
    if abs(z) <= np.float32(l1):
        return _ZERO, z, more
    nearer = z - np.float32(l1) if z > _ZERO else z + np.float32(l1)
    strength = (np.float32(beta) + np.sqrt(more)) / np.float32(rate) + np.float32(l2)
    return -nearer / strength, z, more


_ROWS = (_sgd_rows, _adagrad_rows, _rowwise_rows, _adam_rows, _ftrl_rows)
_DENSE = (_sgd_dense, _adagrad_dense, _adagrad_dense, _adam_dense, _ftrl_dense)
