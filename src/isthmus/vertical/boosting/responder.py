"""The passive party's answers to the active party's requests while a tree grows."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from isthmus.core.arrays import Bools, Integers
from isthmus.core.telemetry import Telemetry
from isthmus.crypto.scheme import Ciphertexts
from isthmus.transport.channel import Channel
from isthmus.vertical.boosting import encrypted, packing
from isthmus.vertical.boosting.coding import Columns
from isthmus.vertical.boosting.encrypted import RowSums
from isthmus.vertical.boosting.memory import PassiveMemory
from isthmus.vertical.boosting.messages import (
    Codes,
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
from isthmus.vertical.boosting.model import OwnSplit
from isthmus.vertical.boosting.node_rows import NodeRows, NodeSplits
from isthmus.vertical.boosting.packing import Packing
from isthmus.vertical.boosting.spec import Boosting
from isthmus.vertical.boosting.trees import gradients
from isthmus.vertical.boosting.workers import Calculator
from isthmus.vertical.checks import check_first_row, checked


@dataclass(frozen=True)
class _Tree:
    """The tree that is being grown."""

    number: int
    codes: Integers  # of ours that it may split on, shape (codes,)
    nodes: NodeRows
    gradients: RowSums
    packing: Packing


class Responder:
    """Answers requests: each method receives one request and sends the answer."""

    def __init__(
        self,
        active: Channel,
        ours: Columns,
        numbers: Codes,
        calculator: Calculator,
        spec: Boosting,
        telemetry: Telemetry,
    ) -> None:
        """Set the attributes of all trees.

        Args:
            active: The channel to the active party.
            ours: Our columns.
            numbers: Their codes, and the number of finished trees.
            calculator: Adds up ciphertexts.
            spec: The `[boosting]` table.
            telemetry: Receives progress.
        """
        self._active = active
        self._ours = ours
        self._codes = numbers.codes
        self._next = numbers.trees
        self._calculator = calculator
        self._spec = spec
        self._telemetry = telemetry
        self._tree: _Tree | None = None
        self._latest = -1  # the last node of the tree that was split

    def begin(self) -> None:
        """Start a tree, and answer with the sums of its root, added up while gradients arrive."""
        start = self._active.receive(TreeStart)
        self._telemetry.progress("train", start.tree, self._spec.trees * self._spec.outputs)
        sampled = self._sampled(start.rows)
        with checked(self._active, TreeStart):
            self._tree = self._start_tree(start, sampled)
        for first_row in range(0, start.rows, self._spec.block_rows):
            rows = min(self._spec.block_rows, start.rows - first_row)
            with self._telemetry.timed("transport"):
                block = self._active.receive(EncryptedGradients)
            with self._telemetry.timed("sums"), checked(self._active, EncryptedGradients):
                check_first_row(block.first_row, first_row)
                self._tree.gradients.add(block.ciphertexts, rows)
        with self._telemetry.timed("sums"), checked(self._active, EncryptedGradients):
            sums = self._tree.gradients.root()
        self._send(self._tree, sums)

    def descend(self) -> None:
        """Answer with the sums of the next level of the tree."""
        level = self._active.receive(LevelNodes)
        tree = self._growing()
        with checked(self._active, LevelNodes):
            tree.nodes.descend(level.place.astype(np.int64), level.pairs)
        nodes = tree.nodes.level
        summed = np.where(nodes.place < nodes.pairs, nodes.place, -1)
        with self._telemetry.timed("sums"):
            sums = tree.gradients.level(summed, nodes.starts)
        self._send(tree, sums)

    def split(self, memory: PassiveMemory) -> None:
        """Save splits on our columns, then answer which rows go left.

        Args:
            memory: Saves the splits before the answer is sent.
        """
        asked = self._active.receive(OwnSplits)
        tree = self._growing()
        with checked(self._active, OwnSplits):
            went_left = tree.nodes.split(_node_splits(asked, tree.codes))
            self._check_numbers(asked.node)
        facts = zip(asked.node.tolist(), asked.code.tolist(), asked.left, strict=True)
        memory.add(
            [
                OwnSplit(tree.number, node, code, np.flatnonzero(left).tolist())
                for node, code, left in facts
            ]
        )
        self._active.send(WentLeft(left=pack_bits(went_left)))

    def _sampled(self, rows: int) -> Bools:
        if rows == len(self._ours.bins):
            return np.ones(rows, np.bool_)
        message = self._active.receive(SampledRows)
        with checked(self._active, SampledRows):
            sampled = unpack_bits(message.sampled, (len(self._ours.bins),))
            if sampled.sum() != rows:
                raise ValueError(f"it does not name {rows} rows")
        return sampled

    def _start_tree(self, start: TreeStart, sampled: Bools) -> _Tree:
        if start.tree < self._next:
            raise ValueError("the tree was grown before")
        if start.tree >= self._spec.trees * self._spec.outputs:
            raise ValueError("the job has fewer trees")
        if not start.codes.size or not (np.diff(start.codes) > 0).all():
            raise ValueError("its codes are not in order")
        if not np.isin(start.codes, self._codes).all():
            raise ValueError("it names a code that was not assigned to us")
        self._next, self._latest = start.tree + 1, -1
        columns = np.searchsorted(self._codes, start.codes)
        bins, count = self._ours.bins.T[columns], self._ours.facts.bins[columns]
        nodes = NodeRows(bins.T, count, sampled, self._spec)
        rows = self._calculator.rows(
            bins[:, sampled].T, nodes.level.starts[0], self._spec.block_rows
        )
        width = gradients.width(start.rows, self._spec.precision)
        packed = packing.packing(width, self._calculator.key.sum_bits)
        return _Tree(start.tree, start.codes, nodes, rows, packed)

    def _check_numbers(self, nodes: Integers) -> None:
        # Scoring sorts our splits by tree and node: they must come in this order.
        numbers = [self._latest, *nodes.tolist()]
        if any(later <= earlier for earlier, later in pairwise(numbers)):
            raise ValueError("the numbers of the nodes do not go up")
        self._latest = numbers[-1]

    def _growing(self) -> _Tree:
        with checked(self._active, Next):
            if self._tree is None:
                raise ValueError("it asks about a tree that was not begun")
            return self._tree

    def _send(self, tree: _Tree, sums: Ciphertexts) -> None:
        with self._telemetry.timed("encryption"):
            ciphertexts = encrypted.sealed(self._calculator.key, tree.packing, sums)
        starts = pack_bits(tree.nodes.level.starts)
        self._active.send(EncryptedSums(starts=starts, ciphertexts=ciphertexts))


def _node_splits(asked: OwnSplits, codes: Integers) -> NodeSplits:
    if not np.isin(asked.code, codes).all() or asked.node.shape != asked.code.shape:
        raise ValueError("a code is none of those of ours that the tree may split on")
    return NodeSplits(
        place=asked.place.astype(np.int64),
        column=np.searchsorted(codes, asked.code),
        left=asked.left,
        others=asked.others.astype(np.int64),
    )
