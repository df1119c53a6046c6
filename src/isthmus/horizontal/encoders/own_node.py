"""The master's own samples as one more node of a round, beside the children."""

from dataclasses import replace

import numpy as np

from isthmus.core.errors import SpecError
from isthmus.data.samples import Samples
from isthmus.horizontal.encoders.fusion import Gathered, Need
from isthmus.horizontal.encoders.fusion.rules import given
from isthmus.horizontal.encoders.root import Root
from isthmus.horizontal.encoders.spec import Encoders
from isthmus.horizontal.encoders.weighing import Judge
from isthmus.horizontal.parameters import Parameters

_HALVES = 2
_FEWEST = 4


class OwnNode:
    """Trains on one half of the master's samples and judges by the other; they take turns.

    Judged by samples that it was trained on, its update would seem better than it is, and would
    push the children out.
    """

    def __init__(self, spec: Encoders, samples: Samples, seed: int) -> None:
        """Part the samples.

        Args:
            spec: What the job says.
            samples: Of the type of its network.
            seed: The job's.

        Raises:
            SpecError: They are too few, or do not fit the network or the classes of the job.
        """
        if len(samples) < _FEWEST:
            raise SpecError(
                f"the master has {len(samples)} samples of its own, and it takes {_FEWEST} to "
                "train on one half of them and to judge by the other. Give it more, or set "
                "`own_node` of the fusion rule to false."
            )
        halves = (np.arange(first, len(samples), _HALVES) for first in range(_HALVES))
        self._halves = [Root(spec, samples.take(rows), seed) for rows in halves]
        self._samples = len(samples)

    def joined(self, gathered: Gathered, before: Parameters, number: int) -> Gathered:
        """A round with the master's own update as the last one, judged by the other half.

        Args:
            gathered: Of the children, with counts.
            before: What the round starts from.
            number: Of the round.

        Returns:
            The same, and one more row.
        """
        update = self._halves[number % _HALVES].update(before, number)
        return replace(
            gathered,
            updates=np.vstack([gathered.updates, update]),
            children=np.append(gathered.children, gathered.enrolled),
            enrolled=gathered.enrolled + 1,
            counts=np.append(given(gathered.counts, Need.COUNTS), self._samples),
            loss_gradient=self._judging(number).loss_gradient(before, number),
        )

    def judge(self, before: Parameters, number: int) -> Judge:
        """Scores by the half that the update of this round does not come from."""
        return self._judging(number).judge(before, number)

    def _judging(self, number: int) -> Root:
        return self._halves[(number + 1) % _HALVES]
