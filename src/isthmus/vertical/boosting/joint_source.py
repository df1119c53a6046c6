"""The `Source` of the columns of all parties, at the active party."""

from collections.abc import Iterator, Sequence

import numpy as np

from isthmus.core.arrays import Bools, Integers
from isthmus.core.telemetry import Telemetry
from isthmus.vertical.boosting import packing
from isthmus.vertical.boosting.messages import EncryptedGradients
from isthmus.vertical.boosting.packing import Packing
from isthmus.vertical.boosting.remote_source import RemoteSource, Start
from isthmus.vertical.boosting.trees import gradients
from isthmus.vertical.boosting.trees.boost import Problem
from isthmus.vertical.boosting.trees.local import LocalSource
from isthmus.vertical.boosting.trees.source import Histograms, Level, Partition, Sample
from isthmus.vertical.boosting.workers import Calculator


class JointSource:
    """Our own columns and those of passive parties, as one `Source`.

    A passive party gets no messages about a tree that may not split on any of its codes.
    """

    def __init__(
        self,
        ours: LocalSource,
        remotes: Sequence[RemoteSource],
        problem: Problem,
        calculator: Calculator,
        telemetry: Telemetry,
    ) -> None:
        """Join the sources of all parties.

        Args:
            ours: Our own columns.
            remotes: Each passive party, in the order of `book.owner`, which is 1 for the first.
            problem: Labels, facts about all codes, and the job's settings.
            calculator: Encrypts the gradients.
            telemetry: Receives timings.
        """
        self._ours = ours
        self._remotes = remotes
        self._problem = problem
        self._calculator = calculator
        self._telemetry = telemetry
        self.tree = 0
        """Number of the tree that is being grown, or of the next one."""

        # Of the tree that is being grown: its codes, and the positions of each party's codes.
        self._codes = self._our_part = np.empty(0, np.int64)
        self._parts = dict[RemoteSource, Integers]()

    def begin(self, sample: Sample) -> None:
        """Start a tree: encrypt its gradients once, and send them to every party that needs them.

        Args:
            sample: Rows, gradients and codes of the tree.
        """
        owner = self._problem.book.owner[sample.codes]
        parts = {remote: np.flatnonzero(owner == at) for at, remote in enumerate(self._remotes, 1)}
        self._codes = sample.codes
        self._our_part = np.flatnonzero(owner == 0)
        self._parts = {remote: part for remote, part in parts.items() if part.size}
        self._ours.begin(sample)
        if not self._parts:
            return

        sampled = np.zeros(len(self._problem.label), np.bool_)
        sampled[sample.rows] = True
        width = gradients.width(len(sample.rows), self._problem.spec.precision)
        packed = packing.packing(width, self._calculator.key.sum_bits)
        for remote, part in self._parts.items():
            remote.begin(Start(self.tree, sampled, sample.codes[part], packed))
        for block in self._encrypted(sample, packed):
            for remote in self._parts:
                remote.gradients(block)

    def histograms(self, level: Level) -> Histograms:
        """Returns the sums of one node of each pair, over the columns of all parties.

        Args:
            level: The nodes of a level.

        Returns:
            The sums.
        """
        for remote, part in self._parts.items():
            remote.ask(level.of(part))
        found = Histograms(
            np.zeros(level.starts.shape, np.bool_), np.zeros((2, *level.starts.shape), np.int64)
        )
        if self._our_part.size:
            self._ours.histograms(level.of(self._our_part)).into(found, self._our_part)
        for remote, part in self._parts.items():
            remote.answer().into(found, part)
        return found

    def partition(self, request: Partition) -> Bools:
        """Returns which rows go left at splits on the columns of all parties.

        Args:
            request: The splits.

        Returns:
            Shape (rows,).
        """
        asked = list[RemoteSource]()
        for remote, part in self._parts.items():
            splits = request.of(self._codes[part])
            if len(splits.split):
                remote.ask_partition(splits)
                asked.append(remote)
        went_left = self._ours.partition(request.of(self._codes[self._our_part]))
        for remote in asked:
            went_left[remote.partition()] = True
        return went_left

    def _encrypted(self, sample: Sample, packed: Packing) -> Iterator[EncryptedGradients]:
        step = self._problem.spec.block_rows
        blocks = self._calculator.encrypted_blocks(packed, sample.values, step)
        for first_row in range(0, len(sample.rows), step):
            with self._telemetry.timed("encryption"):
                ciphertexts = next(blocks)
            yield EncryptedGradients(first_row=first_row, ciphertexts=ciphertexts)
