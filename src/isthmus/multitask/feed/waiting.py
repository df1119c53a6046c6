"""Samples that wait for a late label: each leaves when its label is known."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.core.arrays import Floats
from isthmus.multitask.feed.sample_arrays import Arrays, cut, none, of_arrays, to_arrays
from isthmus.multitask.samples import Samples, concatenate, take
from isthmus.multitask.spec import Multitask
from isthmus.paramserver.window import Int64s

_MOST = 2**17  # samples of a part, so that merging two of them is no long pause


@dataclass(frozen=True)
class Late:
    """Samples with the label that they wait for."""

    samples: Samples
    until: Floats
    """Time at which the label is known, in seconds, shape (samples,)."""

    read: Int64s
    """How many rows had been read before each of them, shape (samples,)."""

    def __len__(self) -> int:
        return len(self.until)

    def cut(self, begin: int, end: int) -> "Late":
        """Returns those from one to before another, without copying."""
        return Late(cut(self.samples, begin, end), self.until[begin:end], self.read[begin:end])

    def take(self, chosen: NDArray[np.intp]) -> "Late":
        """Returns those at these positions."""
        return Late(take(self.samples, chosen), self.until[chosen], self.read[chosen])


class Waiting:
    """The samples that wait for the label of one task.

    They lie in parts, each of samples read after those of the part before, and each sorted by the
    time at which samples leave. Small neighbours are merged.
    """

    def __init__(self, spec: Multitask) -> None:
        self._none = none(spec)
        self._parts = list[Late]()

    def __len__(self) -> int:
        return sum(len(part) for part in self._parts)

    def add(self, late: Late) -> None:
        """Add samples; all of them were read after those that wait already."""
        if not len(late):
            return
        self._parts.append(_sorted([late]))
        merged = list[Late]()
        for part in self._parts:
            if merged and _belong_together(merged[-1], part):
                merged[-1] = _sorted([merged[-1], part])
            else:
                merged.append(part)
        self._parts = merged

    def due(self, clock: float) -> Late:
        """Take out the samples whose labels are known at a time, in the order of their times."""
        found = [Late(self._none, np.empty(0), np.empty(0, np.int64))]
        left = list[Late]()
        for part in self._parts:
            known = int(np.searchsorted(part.until, clock, side="right"))
            if not known:
                left.append(part)
                continue
            found.append(part.cut(0, known))
            left.append(part.cut(known, len(part)))
        self._parts = [part for part in left if len(part)]
        return _sorted([part for part in found if len(part)] or found[:1])

    def oldest(self, count: int) -> Late:
        """Take out samples before their time.

        Args:
            count: How many; no more than wait.

        Returns:
            Those that were read first, in the order in which they were read.
        """
        found = [Late(self._none, np.empty(0), np.empty(0, np.int64))]
        while count > 0:
            part = self._parts.pop(0)
            order = np.argsort(part.read, kind="stable")
            found.append(part.take(order[:count]))
            if count < len(part):
                self._parts.insert(0, part.take(np.sort(order[count:])))
            count -= len(found[-1])
        return _joined(found)

    def state(self, name: str) -> dict[str, NDArray[Any]]:
        """Returns what waits as arrays, each under a name that begins with `name`."""
        whole = _joined([Late(self._none, np.empty(0), np.empty(0, np.int64)), *self._parts])
        found = to_arrays(name, whole.samples)
        return found | {f"{name}.until": whole.until, f"{name}.read": whole.read}

    def restore(self, name: str, state: Arrays) -> None:
        """Let wait what waited when the state was made."""
        samples = of_arrays(name, state, len(self._none.lists))
        late = Late(samples, state[f"{name}.until"], state[f"{name}.read"])
        whole = late.take(np.argsort(late.read, kind="stable"))
        begins = range(0, len(whole), _MOST)
        self._parts = [_sorted([whole.cut(begin, begin + _MOST)]) for begin in begins]


def _belong_together(first: Late, second: Late) -> bool:
    return len(first) <= 2 * len(second) and len(first) + len(second) <= _MOST


def _joined(parts: Sequence[Late]) -> Late:
    return Late(
        concatenate([part.samples for part in parts]),
        np.concatenate([part.until for part in parts]),
        np.concatenate([part.read for part in parts]),
    )


def _sorted(parts: Sequence[Late]) -> Late:
    whole = _joined(parts)
    return whole.take(np.lexsort((whole.read, whole.until)))
