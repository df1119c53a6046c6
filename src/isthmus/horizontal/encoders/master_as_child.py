"""The master as one more child of a round, with samples of its own."""

from dataclasses import replace

import numpy as np

from isthmus.core.errors import SpecError
from isthmus.data.samples import Samples
from isthmus.horizontal.encoders.root_data import RootData
from isthmus.horizontal.encoders.spec import Encoders
from isthmus.horizontal.fusion.rules import Gathered, Need, given
from isthmus.horizontal.fusion.weigher import Judge
from isthmus.horizontal.parameters import Parameters

_HALVES = 2
_FEWEST = 4


class MasterAsChild:
    """Trains on one half of the master's samples and judges by the other; the halves take turns.

    Judged by the samples that it was trained on, its update would seem better than it is, and the
    children would get too little weight.
    """

    def __init__(self, spec: Encoders, samples: Samples, seed: int) -> None:
        """Split the samples into halves.

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
                "`master_as_child` of the fusion rule to false."
            )
        halves = (np.arange(first, len(samples), _HALVES) for first in range(_HALVES))
        self._halves = [RootData(spec, samples.take(rows), seed) for rows in halves]
        self._samples = len(samples)

    def joined(self, gathered: Gathered, before: Parameters, number: int) -> Gathered:
        """Add the master's own update to a round as the last one.

        Args:
            gathered: The updates of the children, with counts.
            before: Parameters that the round starts from.
            number: Of the round.

        Returns:
            The same with one more row, and the loss gradient of the half not trained on.
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
        """Returns scores by the half that the update of this round was not trained on."""
        return self._judging(number).judge(before, number)

    def _judging(self, number: int) -> RootData:
        return self._halves[(number + 1) % _HALVES]
