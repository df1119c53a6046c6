"""Requests to one passive party for the sums and partitions of its columns.

Every request takes two calls, one to send it and one to receive the answer, so that all parties can
compute at the same time.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isthmus.core.arrays import Bools, Integers
from isthmus.core.telemetry import Telemetry
from isthmus.crypto.scheme import PrivateKey
from isthmus.transport.channel import Channel
from isthmus.vertical.boosting import encrypted
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
from isthmus.vertical.checks import checked

View = NDArray[np.int16]
"""Which rows a party saw together in one tree, shape (rows,): rows in the same node have the same
number, rows that it saw in no node have -1. Here each side of a split counts as a node, too."""


@dataclass(frozen=True)
class Start:
    """The facts about a tree that a passive party gets at its start."""

    tree: int
    """Number of the tree, from 0."""

    sampled: Bools
    """Whether the tree is grown on a row, shape (rows,)."""

    codes: Integers
    """Codes of this party that the tree may split on, ascending, shape (codes,)."""

    packing: Packing
    """The packing of its sums."""


class RemoteSource:  # `begin` sets the attributes of a tree, `ask` those of a level
    """Asks one passive party for sums and partitions of the tree that is being grown."""

    def __init__(
        self, passive: Channel, book: CodeBook, key: PrivateKey, telemetry: Telemetry
    ) -> None:
        """Set the attributes of all trees.

        Args:
            passive: The channel to the party.
            book: Facts about all codes.
            key: The private key that decrypts its sums.
            telemetry: Receives timings.
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
        """Ask for the sums of a level. Nothing is sent for the root: its sums come without asking.

        Args:
            level: The nodes of the level, with this party's codes only.
        """
        self._level = level
        if level.sibling[0] >= 0:
            place = histogram.slots(level.node, self._nodes).astype(np.int16)
            seen = np.flatnonzero(self._start.sampled)[place >= 0]
            self.views[-1][seen] = 3 * level.node[place >= 0]
            self._passive.send(Next(task="level"))
            self._passive.send(LevelNodes(pairs=len(level.summed), place=place))

    def answer(self) -> Histograms:
        """Receive the sums of the level that was asked for.

        Returns:
            Sums of this party's codes.

        Raises:
            PeerError: The answer is one that no honest party gives.
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
        """Receive which rows go left; see `ask_partition`.

        Returns:
            Positions among all rows, shape (left,).

        Raises:
            PeerError: The answer is one that no honest party gives.
        """
        with self._telemetry.timed("transport"):
            answer = self._passive.receive(WentLeft)
        with checked(self._passive, WentLeft):
            left = unpack_bits(answer.left, self._rows.shape)
        self.views[-1][self._rows] = 3 * self._split_node + 1 + left
        return self._rows[left]

    @property
    def _nodes(self) -> Integers:
        """Nodes of the level that was asked for last: the summed ones, then their siblings."""
        siblings = self._level.sibling
        return np.append(self._level.summed, siblings[siblings >= 0])

    @property
    def _width(self) -> int:
        return int(self._book.bins[self._start.codes].max())


def _coarser(starts: Bools, finest: Bools) -> Bools:
    if (starts & ~finest).any() or not starts[..., 0].all():
        raise ValueError("its groups of bins are not made of those of the level before")
    return starts
