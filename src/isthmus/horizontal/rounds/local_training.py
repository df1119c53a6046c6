"""Training at a child, round by round."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from isthmus.core.errors import SpecError
from isthmus.horizontal.messages import CommonWords, Reason, RoundStart
from isthmus.horizontal.parameters import Layout, Parameters, digest, finite, misfit
from isthmus.horizontal.privacy.spec import Privacy, SecureAggregation
from isthmus.horizontal.rounds import updates
from isthmus.horizontal.rounds.memory import ChildMemory, LastUpdate
from isthmus.horizontal.tables import Tables
from isthmus.store.checkpoint import Arrays

Train = Callable[[Parameters, int], tuple[Parameters, Mapping[str, float]]]
"""From read-only parameters and the number of the round, from 1, to trained parameters and
metrics."""


@dataclass(frozen=True)
class LocalTrainer:
    """Trains an encoder at one child, round by round."""

    samples: int
    layout: Layout
    train: Train
    state: Arrays = field(default_factory=Arrays)
    """State of `train` between rounds, changed in place; stored with every update."""

    privacy: Privacy = field(default_factory=Privacy)
    """The privacy and the compression of updates that the job asks for."""

    tables: tuple[str, ...] = ()
    """Arrays whose rows are averaged over the children that touched them."""

    vocabulary: str = ""
    """SHA-256 of the vocabulary of a network that has one."""

    counter: "WordCounter | None" = None
    """If given, layout and training come of it once there is a vocabulary."""

    def update(self, start: RoundStart, memory: ChildMemory) -> LastUpdate:
        """Train in one round, or return the update of this round from memory.

        An update is computed once. If the master asks for it again, because it lost it or the line
        broke, the stored one is sent.

        Args:
            start: The message of the master, with the layout of this trainer.
            memory: Stores the update before it is sent.

        Returns:
            The update, as it is sent.

        Raises:
            SpecError: Training gave other arrays, or numbers that are not finite.
            PeerError: Under secure aggregation, this round or a later one was trained before.
        """
        base = digest(start.parameters)
        last = memory.recall(start.round, base)
        if last is None:
            if self.privacy.secure_aggregation:
                memory.check_order(start.round)
            trained, metrics = self.train(start.parameters, start.round)
            update = self._difference(trained, start)
            tables = Tables(self.layout, self.tables)
            compressed = updates.compressed(update, self.privacy.compression, self.state, tables)
            last = LastUpdate(start.round, base, compressed, _finite_of(metrics))
            memory.keep(last, self.state)
        return last

    def _difference(self, trained: Parameters, start: RoundStart) -> Parameters:
        flaw = misfit(trained, self.layout)
        if not flaw:
            update = {
                name: np.asarray(trained[name] - before)  # which is no array where it has no axis
                for name, before in start.parameters.items()
            }
            if finite(update):
                return update
        raise SpecError(
            f"training in round {start.round} gave {flaw or 'numbers that are not finite'}; "
            "nothing was sent. Look for extreme values in your samples, or agree on smaller steps."
        )


CELLS = "cells"
"""Name of an array: counts in cells that words share, uint32, shape (cells,)."""


@dataclass(frozen=True)
class WordCounter:
    """What a child brings to a vocabulary of the words of all children."""

    spec: SecureAggregation
    """Of the sum of counts."""

    size: int
    """Cells of counts."""

    count: Callable[[], Arrays]
    """Counts words, under noise where the job asks for it: `CELLS`, and what `name` needs. It is
    called once in a run, and what it returns stored before anything leaves: noise that is drawn
    twice hides less."""

    name: Callable[[Arrays, NDArray[np.uint8]], CommonWords]
    """From what `count` returned and the cells that are large enough, a bit for each, to the words
    in them."""

    trainer: Callable[[bytes], LocalTrainer]
    """From the file `tokenizer.json` to the trainer with this vocabulary."""


MakeTrainer = Callable[[str], LocalTrainer | Reason]
"""From the type of an encoder to the trainer of this child, or the reason why it does not train."""


def _finite_of(metrics: Mapping[str, float]) -> dict[str, float]:
    return {name: float(value) for name, value in metrics.items() if np.isfinite(value)}
