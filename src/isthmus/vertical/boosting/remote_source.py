"""The columns of one passive party, as a source of sums.

Every request takes two calls, one to send it and one to receive the answer, so that all parties can
work at the same time.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isthmus.core.arrays import Bools, Integers
from isthmus.core.telemetry import Telemetry
from isthmus.crypto.scheme import PrivateKey
from isthmus.transport.channel import Channel
from isthmus.vertical.boosting import encrypted
from isthmus.vertical.boosting.checks import checked
from isthmus.vertical.boosting.messages import (
    EncryptedGradients,
    EncryptedSums,
    LevelNodes,
    Next,
    OwnSplits,
    SampledRows,
    TreeStart,
    WentLeft,
    pack_bits,
    unpack_bits,
)
from isthmus.vertical.boosting.packing import Packing
from isthmus.vertical.boosting.trees import histogram
from isthmus.vertical.boosting.trees.source import Histograms, Level, Partition
from isthmus.vertical.boosting.trees.tree import CodeBook

View = NDArray[np.int16]
"""Which rows a party saw together in one tree, shape (rows,): rows in the same place have the same
number, rows that it saw in no place -1. A place is a node, or one side of a split."""


@dataclass(frozen=True)
class Start:
    """What a passive party is told at the start of a tree."""

    tree: int
    """Number of the tree, from 0."""

    sampled: Bools
    """Whether the tree is grown on a row, shape (rows,)."""

    codes: Integers
    """Codes of this party that the tree may split on, ascending, shape (codes,)."""

    packing: Packing
    """How its sums share ciphertexts."""


class RemoteSource:  # what it knows of a tree is set by `begin`, of a level by `ask`
    """Asks one passive party about the tree that is being grown."""

    def __init__(
        self, passive: Channel, book: CodeBook, key: PrivateKey, telemetry: Telemetry
    ) -> None:
        """Take what all trees have in common.

        Args:
            passive: The line to the party.
            book: Facts about all codes.
            key: The private key to decrypt its sums with.
            telemetry: Where the time goes.
        """
        self._passive = passive
        self._book = book
        self._key = key
        self._telemetry = telemetry
        self.views = list[View]()
        """One view per tree that this party took part in."""

    @property
    def party(self) -> str:
        """Name of the party."""
        return self._passive.peer

    def begin(self, start: Start) -> None:
        """Announce a tree. Send its gradients next; then `answer` returns the sums of its root."""
        self._start = start
        rows = int(start.sampled.sum())
        self.views.append(np.where(start.sampled, 0, -1).astype(np.int16))
        self._passive.send(Next(task="tree"))
        self._passive.send(TreeStart(tree=start.tree, codes=start.codes, rows=rows))
        if rows < len(start.sampled):
            self._passive.send(SampledRows(sampled=pack_bits(start.sampled)))

    def gradients(self, block: EncryptedGradients) -> None:
        """Send a block of encrypted gradients."""
        self._passive.send(block)

    def ask(self, level: Level) -> None:
        """Ask for the sums of a level; for the root nothing is sent, its sums come anyway.

        Args:
            level: The request, for this party's codes alone.
        """
        self._level = level
        if level.sibling[0] >= 0:
            place = histogram.slots(level.node, self._nodes).astype(np.int16)
            seen = np.flatnonzero(self._start.sampled)[place >= 0]
            self.views[-1][seen] = 3 * level.node[place >= 0]
            self._passive.send(Next(task="level"))
            self._passive.send(LevelNodes(pairs=len(level.summed), place=place))

    def answer(self) -> Histograms:
        """The sums of the level that was asked for.

        Returns:
            Sums of this party's codes.

        Raises:
            PeerError: The answer is none that an honest party gives.
        """
        finest = self._level.starts[..., : self._width]
        with self._telemetry.timed("transport"):
            answer = self._passive.receive(EncryptedSums)
        with self._telemetry.timed("decryption"), checked(self._passive, EncryptedSums):
            starts = _coarser(unpack_bits(answer.starts, finest.shape), finest)
            sums = encrypted.opened(self._key, self._start.packing, answer.ciphertexts, starts)
        beyond = [(0, 0)] * 2 + [(0, self._level.starts.shape[-1] - self._width)]
        return Histograms(np.pad(starts, beyond), np.pad(sums, [(0, 0), *beyond]))

    def ask_partition(self, request: Partition) -> None:
        """Ask which rows go left.

        Args:
            request: Splits on this party's codes, and no others.
        """
        others = np.flatnonzero(~self._start.sampled)
        in_split = histogram.slots(request.node, request.split)
        self._rows = np.flatnonzero(in_split >= 0)
        self._split_node = request.node[self._rows]
        own = np.arange(self._width) < self._book.bins[request.code][:, None]
        self._passive.send(Next(task="split"))
        self._passive.send(
            OwnSplits(
                place=histogram.slots(request.split, self._nodes).astype(np.int16),
                node=request.split,
                code=request.code,
                left=request.left[:, : self._width] & own,
                others=in_split[others].astype(np.int16),
            )
        )

    def partition(self) -> Integers:
        """Which rows go left, by position; see `ask_partition`.

        Returns:
            Positions among all rows, shape (left,).

        Raises:
            PeerError: The answer is none that an honest party gives.
        """
        with self._telemetry.timed("transport"):
            answer = self._passive.receive(WentLeft)
        with checked(self._passive, WentLeft):
            left = unpack_bits(answer.left, self._rows.shape)
        self.views[-1][self._rows] = 3 * self._split_node + 1 + left
        return self._rows[left]

    @property
    def _nodes(self) -> Integers:
        """Nodes of the level that was asked for last: those summed, and then their siblings."""
        siblings = self._level.sibling
        return np.append(self._level.summed, siblings[siblings >= 0])

    @property
    def _width(self) -> int:
        return int(self._book.bins[self._start.codes].max())


def _coarser(starts: Bools, finest: Bools) -> Bools:
    if (starts & ~finest).any() or not starts[..., 0].all():
        raise ValueError("its groups of bins are not made of those of the level before")
    return starts
