"""Labels that come later than their sample: which are trained on at once, and which when known.

| labels of a task with conversions | at once | later, as a sample with this label alone        |
|-----------------------------------|---------|-------------------------------------------------|
| wait                              | missing | 1 or 0, at the end of the window                |
| fake_negative                     | 0       | 1, at the conversion                            |

With `wait` a positive waits as long as a negative: were it to come at once, the newest samples
would always be too often positive, and those that still wait too often negative. The clock is the
time of the samples themselves. A conversion at the very time of its sample is known at once. When
the data end, samples whose window reaches beyond the last time in the data are left out.

The loss gives all labels of a fake_negative task the importance weights of Ktena et al. 2019, which
follow from the model's own estimate; nothing in the samples marks them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.core.arrays import Integers
from isthmus.multitask.feed.attribution import Delays
from isthmus.multitask.feed.moments import steps_of
from isthmus.multitask.feed.sample_arrays import Arrays
from isthmus.multitask.feed.waiting import Late, Waiting
from isthmus.multitask.samples import Samples, take
from isthmus.multitask.spec import Multitask, given
from isthmus.paramserver.window import Float32s


@dataclass(frozen=True)
class Arrived:
    """Samples that arrive with a block of rows."""

    samples: Samples
    step: Integers
    """The row of the block with which each arrives, shape (samples,)."""


class LateLabels:
    """Keeps labels back until they are known."""

    def __init__(self, spec: Multitask) -> None:
        self._given = dict(given(spec))
        self._most = spec.queues.most_waiting
        self._fake = {
            number: task.conversions.until_then == "fake_negative"
            for number, task in enumerate(spec.tasks.values())
            if task.conversions
        }
        self._waiting = {task: Waiting(spec) for task in self._fake}

    def __len__(self) -> int:
        return sum(len(each) for each in self._waiting.values())

    def exchange(
        self, arrived: Arrived, delays: Mapping[int, Delays], before: int
    ) -> list[Arrived]:
        """Keep back the labels of samples that are not known yet, for those that are known by now.

        Args:
            arrived: Samples of a block with their final labels; those not known yet are taken out.
            delays: When the labels of all rows of the block are known, by task.
            before: Rows that were read before the block.

        Returns:
            Samples of this block and of earlier ones, whose labels are known with a row of it.
        """
        samples, rows = arrived.samples, arrived.step
        final, found = samples.labels.copy(), list[Arrived]()
        for task, delay in delays.items():
            waiting = self._waiting[task]
            held = self._take_out(samples, final, task, (delay.until > delay.clock)[rows])
            alone = _labelled(take(samples, held), task, final[held, task])
            until = delay.until if self._fake[task] else delay.over
            waiting.add(Late(alone, until[rows[held]], before + rows[held]))
            due = waiting.due(float(delay.clock[-1]))
            found.append(Arrived(due.samples, steps_of(delay.clock, due.until)))
            waiting.oldest(max(len(waiting) - self._most, 0))
        return found

    def end(self, told: Mapping[int, float]) -> list[Samples]:
        """End the data: what waits on is trained on if its label is known.

        Args:
            told: The time until which the data tell of conversions, by task. A sample whose window
                is not over by then is neither positive nor negative.

        Returns:
            The samples with known labels: task by task, in the order of reading. In the order of
            their times the negatives would all be last.
        """
        found = list[Samples]()
        for task, waiting in self._waiting.items():
            late = waiting.oldest(len(waiting))
            known = np.flatnonzero(self._fake[task] | (late.until <= told[task]))
            found.append(take(late.samples, known))
        return found

    def state(self) -> dict[str, NDArray[Any]]:
        """Returns all that wait, as arrays."""
        found = dict[str, NDArray[Any]]()
        for task, waiting in self._waiting.items():
            found |= waiting.state(f"waiting{task}")
        return found

    def restore(self, state: Arrays) -> None:
        """Let wait what waited when the state was made."""
        for task, waiting in self._waiting.items():
            waiting.restore(f"waiting{task}", state)

    def _take_out(
        self, samples: Samples, final: Float32s, task: int, later: NDArray[np.bool_]
    ) -> NDArray[np.intp]:
        """Take labels out that are not known yet; returns the positions of these samples."""
        label, earlier = final[:, task], self._given[task]
        if self._fake[task]:
            held = label == 1
            samples.labels[held, task] = 0
        else:
            held = later & ~np.isnan(label)
            if earlier is not None:
                held &= final[:, earlier] == 1
            samples.labels[held, task] = np.nan
        return np.flatnonzero(held)


def _labelled(samples: Samples, task: int, label: Float32s) -> Samples:
    """Returns samples with one label alone."""
    labels = np.full_like(samples.labels, np.nan)
    labels[:, task] = label
    return replace(samples, labels=labels)
