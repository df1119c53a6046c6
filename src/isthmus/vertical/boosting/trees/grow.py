"""Growing one tree, level by level, from integer sums.

Only this code chooses splits. The active party runs it with a `Source` that gets encrypted sums
from the passive parties; pooled training runs it with all columns in one place. Both get the same
integers, so both grow the same tree.
"""

from dataclasses import dataclass, replace

import numpy as np

from isthmus.core.arrays import Bools, Floats, Integers
from isthmus.core.errors import PeerError
from isthmus.vertical.boosting.spec import Boosting
from isthmus.vertical.boosting.trees import histogram
from isthmus.vertical.boosting.trees.gradients import Units
from isthmus.vertical.boosting.trees.source import Histograms, Level, Partition, Sample, Source
from isthmus.vertical.boosting.trees.split import Range, Split, best_split, leaf
from isthmus.vertical.boosting.trees.tree import CodeBook, Tree


@dataclass(frozen=True)
class Growth:
    """A tree between two levels, complete to resume from, as arrays.

    Nodes are numbered level by level in the order of creation; siblings have adjacent numbers.
    """

    node: Integers  # node of each row, sampled or not, shape (rows,)
    code: Integers  # shape (nodes,), as are all up to `high`; -1 at leaves
    child: Integers  # left child, -1 at leaves
    depth: Integers
    rows: Integers  # sampled rows in each node
    gain: Floats
    low: Floats  # bounds of the values of leaves below
    high: Floats
    left: Bools  # shape (nodes, width)
    totals: Integers  # sums of g and h, shape (2, nodes)
    pairs: Integers  # left node of each pair of siblings that may be split, shape (pairs,)
    sums: Integers  # of the pairs' parents by group, shape (2, pairs, codes, width)
    starts: Bools  # the groups, shape (pairs, codes, width)

    @property
    def finished(self) -> bool:
        """Whether no node is left to split."""
        return len(self.pairs) == 0


def start_tree(sample: Sample, rows: int, book: CodeBook, limit: float, spec: Boosting) -> Growth:
    """Returns a tree that has only a root.

    Args:
        sample: Rows, gradients and codes of the tree.
        rows: Number of rows, sampled or not.
        book: Facts about all codes.
        limit: Largest magnitude of a leaf's value; may be infinite.
        spec: The `[boosting]` table.

    Returns:
        The tree before its first level.
    """
    width = int(book.bins.max())
    open_pairs = int(len(sample.rows) >= spec.minimum_node_rows)
    starts = np.tile(book.take(sample.codes).starts(width), (open_pairs, 1, 1))
    return Growth(
        node=np.zeros(rows, np.int64),
        code=np.array([-1]),
        child=np.array([-1]),
        depth=np.array([0]),
        rows=np.array([len(sample.rows)]),
        gain=np.zeros(1),
        low=np.array([-limit]),
        high=np.array([limit]),
        left=np.zeros((1, width), np.bool_),
        totals=sample.values.sum(axis=1)[:, None],
        pairs=np.arange(open_pairs),
        sums=np.zeros((2, *starts.shape), np.int64),
        starts=starts,
    )


def advance(
    growth: Growth, sample: Sample, source: Source, book: CodeBook, spec: Boosting
) -> Growth:
    """Grow one more level.

    Args:
        growth: The tree so far, not finished.
        sample: Rows, gradients and codes of the tree, as given to `source.begin`.
        source: Computes sums and partitions.
        book: Facts about all codes.
        spec: The `[boosting]` table.

    Returns:
        The tree with the next level.

    Raises:
        PeerError: Groups, sums or partitions contradict the known gradients and rows.
    """
    # 1. Ask for the sums of one node of each pair; subtract from the parent's for its sibling.
    level = _level(growth, sample)
    known = _sums_of_both(growth, level, source.histograms(level), sample.codes)

    # 2. Choose the best split of each node.
    chosen = _choose(growth, known, sample, book, spec)
    if not chosen.splits:
        return _finished(growth)

    # 3. Ask the owners of the codes which rows go left; each side must have the sums of the split.
    request = Partition(growth.node, chosen.node, chosen.code, chosen.left)
    children = _children(growth, request, source.partition(request), sample)
    _check_children(children, chosen, spec)

    # 4. Number the children, and store their parents' sums if they may be split again.
    grown = _with_children(growth, chosen, children, sample, book, spec)
    may_split = (grown.depth < spec.depth) & (grown.rows >= spec.minimum_node_rows)
    left = grown.child[chosen.node]
    open_pairs = may_split[left] | may_split[left + 1]
    at = np.searchsorted(known.node, chosen.node[open_pairs])
    return replace(grown, pairs=left[open_pairs], sums=known.sums[:, at], starts=known.starts[at])


@dataclass(frozen=True)
class _NodeSums:
    """Sums of both nodes of all pairs."""

    node: Integers  # ascending, shape (nodes,)
    sums: Integers  # shape (2, nodes, codes, width)
    starts: Bools  # shape (nodes, codes, width)


def _level(growth: Growth, sample: Sample) -> Level:
    node, left = growth.node[sample.rows], growth.pairs
    if left[0] == 0:
        return Level(node, left, np.array([-1]), growth.starts)
    right_is_smaller = growth.rows[left + 1] < growth.rows[left]
    return Level(node, left + right_is_smaller, left + ~right_is_smaller, growth.starts)


def _sums_of_both(growth: Growth, level: Level, answer: Histograms, codes: Integers) -> _NodeSums:
    _check_groups(growth, answer, codes)
    paired = level.sibling >= 0
    rest = histogram.coarsen(growth.sums, answer.starts) - answer.sums
    node = np.concatenate([level.summed, level.sibling[paired]])
    order = np.argsort(node)
    known = _NodeSums(
        node[order],
        np.concatenate([answer.sums, rest[:, paired]], axis=1)[:, order],
        np.concatenate([answer.starts, answer.starts[paired]])[order],
    )
    # The sums of every code are over the same rows, so they add up to a total that we know.
    wrong = known.sums.sum(axis=-1) != growth.totals[:, known.node, None]
    if wrong.any():
        code = codes[np.flatnonzero(wrong.any(axis=(0, 1)))[0]]
        raise PeerError(
            f"the sums of code {code} do not add up to the gradients of the rows. Do not use this "
            "run: ask the owner of the code which version they run."
        )
    return known


def _check_groups(growth: Growth, answer: Histograms, codes: Integers) -> None:
    # Groups must be unions of the parent's groups, else the sibling's sums cannot be computed.
    wrong = (answer.starts & ~growth.starts).any(axis=(0, 2)) | ~answer.starts[..., 0].all(axis=0)
    if wrong.any():
        raise PeerError(
            f"the bins of code {codes[np.flatnonzero(wrong)[0]]} are in groups that cut through "
            "those of the node above. Do not use this run: ask the owner of the code which "
            "version they run."
        )


@dataclass(frozen=True)
class _Chosen:
    """The splits of a level."""

    splits: list[Split]
    node: Integers  # shape (splits,)
    code: Integers  # shape (splits,)
    left: Bools  # shape (splits, width)
    totals: Integers  # of the left side, shape (2, splits)


def _choose(
    growth: Growth, known: _NodeSums, sample: Sample, book: CodeBook, spec: Boosting
) -> _Chosen:
    facts = book.take(sample.codes)
    best = dict[int, Split]()
    for at, node in enumerate(known.node.tolist()):
        if growth.rows[node] >= spec.minimum_node_rows:
            bounds = Range(float(growth.low[node]), float(growth.high[node]))
            sums, starts = known.sums[:, at], known.starts[at]
            if split := best_split(sums, starts, bounds, sample.units, facts, spec):
                best[node] = split
    splits = list(best.values())
    return _Chosen(
        splits,
        np.array(list(best), np.int64),
        sample.codes[[split.position for split in splits]],
        np.array([split.left for split in splits], np.bool_),
        np.array([split.totals for split in splits], np.int64).T,
    )


@dataclass(frozen=True)
class _Children:
    """The children of a level's splits."""

    node: Integers  # node of each row, shape (rows,)
    rows: Integers  # sampled rows in each child, left before right, shape (2 * splits,)
    totals: Integers  # sums of g and h, shape (2, 2 * splits)


def _children(growth: Growth, request: Partition, went_left: Bools, sample: Sample) -> _Children:
    slot = histogram.slots(growth.node, request.split)
    child = np.where(slot >= 0, 2 * slot + ~went_left, -1)
    sampled = child[sample.rows]
    inside = sampled >= 0
    count, first = 2 * len(request.split), len(growth.code)
    return _Children(
        np.where(child >= 0, first + child, growth.node),
        np.bincount(sampled[inside], minlength=count),
        histogram.totals(sampled[inside], count, sample.values[:, inside]),
    )


def _check_children(children: _Children, chosen: _Chosen, spec: Boosting) -> None:
    wrong = (children.totals[:, ::2] != chosen.totals).any(axis=0)
    wrong |= (children.rows.reshape(-1, 2) < spec.minimum_bin_rows).any(axis=1)
    if wrong.any():
        code = chosen.code[np.flatnonzero(wrong)[0]]
        raise PeerError(
            f"the rows that code {code} sends left are not those that its sums were over. Do not "
            "use this run: ask the owner of the code which version they run."
        )


def _with_children(
    growth: Growth,
    chosen: _Chosen,
    children: _Children,
    sample: Sample,
    book: CodeBook,
    spec: Boosting,
) -> Growth:
    count, first = len(children.rows), len(growth.code)
    low, high = _bounds(growth, chosen, children, sample, book, spec)
    grown = replace(
        growth,
        node=children.node,
        code=np.append(growth.code, np.full(count, -1)),
        child=np.append(growth.child, np.full(count, -1)),
        depth=np.append(growth.depth, np.repeat(growth.depth[chosen.node] + 1, 2)),
        rows=np.append(growth.rows, children.rows),
        gain=np.append(growth.gain, np.zeros(count)),
        left=np.append(growth.left, np.zeros((count, growth.left.shape[1]), np.bool_), axis=0),
        totals=np.append(growth.totals, children.totals, axis=1),
        low=np.append(growth.low, low),
        high=np.append(growth.high, high),
    )
    grown.code[chosen.node] = chosen.code
    grown.child[chosen.node] = first + np.arange(0, count, 2)
    grown.gain[chosen.node] = [split.gain for split in chosen.splits]
    grown.left[chosen.node] = chosen.left
    return grown


def _bounds(
    growth: Growth,
    chosen: _Chosen,
    children: _Children,
    sample: Sample,
    book: CodeBook,
    spec: Boosting,
) -> tuple[Floats, Floats]:
    """Returns bounds of the leaves under each child.

    At a split on a monotone column, the mean of the two children's values is the bound of both.
    """
    low = np.repeat(growth.low[chosen.node], 2).reshape(-1, 2)
    high = np.repeat(growth.high[chosen.node], 2).reshape(-1, 2)
    g, h = sample.units.real(children.totals.reshape(2, -1, 2))
    middle = leaf(g, h, spec.l2, Range(low, high)).mean(axis=1)
    direction = book.monotone[chosen.code]
    rising, falling = direction > 0, direction < 0
    high[rising, 0] = low[rising, 1] = middle[rising]
    low[falling, 0] = high[falling, 1] = middle[falling]
    return low.ravel(), high.ravel()


def _finished(growth: Growth) -> Growth:
    return replace(
        growth, pairs=growth.pairs[:0], sums=growth.sums[:, :0], starts=growth.starts[:0]
    )


def finish_tree(growth: Growth, units: Units, value: Floats) -> Tree:
    """Returns the grown tree with its leaf values.

    Args:
        growth: The finished tree.
        units: Units of its sums.
        value: Value of each node if it is a leaf, shape (nodes,).

    Returns:
        The tree, with values at its leaves only.
    """
    return Tree(
        code=growth.code,
        child=growth.child,
        left=growth.left,
        value=np.where(growth.child < 0, value, 0.0),
        gain=growth.gain,
        cover=units.real(growth.totals)[1],
        rows=growth.rows,
    )
