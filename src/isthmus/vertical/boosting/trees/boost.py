"""The rounds of boosting: what each tree is grown on, and what it adds.

Like `grow`, this is run by the active party and for the pooled comparison alike. Everything a
round needs follows from the problem and the state so far, so that a run that was cut off goes on to
the same model.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from isthmus.core import seeds
from isthmus.core.arrays import Bools, Floats, Integers
from isthmus.vertical.boosting.spec import Boosting
from isthmus.vertical.boosting.trees import gradients, grow, leaves, objective, sampling
from isthmus.vertical.boosting.trees.grow import Growth
from isthmus.vertical.boosting.trees.source import Sample, Source
from isthmus.vertical.boosting.trees.tree import CodeBook, Tree


@dataclass(frozen=True)
class Problem:
    """What is to be learnt. Only the active party has it."""

    label: Floats
    """Shape (rows,)."""

    weight: Floats
    """What each row counts for, shape (rows,)."""

    held_out: Bools
    """Rows that only watch the loss, shape (rows,)."""

    book: CodeBook
    """Facts about all codes."""

    spec: Boosting

    seed: int
    """Of the samples; the active party's own where `sampling` is goss."""

    @property
    def training(self) -> Integers:
        """Positions of the rows that trees are grown on."""
        return np.flatnonzero(~self.held_out)


@dataclass(frozen=True)
class BoostingState:
    """The state of training between two levels of a tree: all that is needed to continue."""

    base: Floats
    """Score before the first tree, shape (outputs,)."""

    sums: Floats
    """Sum of the trees of finished rounds for each row, shape (outputs, rows)."""

    moved: Floats
    """`sums` with the finished trees of this round added, shape (outputs, rows)."""

    trees: tuple[Tree, ...] = ()
    """The trees of all rounds, the classes of a round one after the other."""

    losses: tuple[tuple[float, float], ...] = ()
    """Loss on the training and on the held-out rows after each round; NaN where there are none."""

    growth: Growth | None = None
    """The tree that is being grown."""


@dataclass(frozen=True)
class Ensemble:
    """Trees and how to add them up."""

    base: Floats
    """Score before the first tree, shape (outputs,)."""

    trees: tuple[Tree, ...]
    """The classes of a round one after the other."""

    average: bool
    """Whether the mean of the trees is added (a forest), or their sum."""

    def score(self, leaf: Integers) -> Floats:
        """Scores of rows.

        Args:
            leaf: Leaf of each row in each tree, shape (trees, rows).

        Returns:
            Shape (outputs, rows).
        """
        outputs = len(self.base)
        sums = np.zeros((outputs, leaf.shape[1]))
        for number, tree in enumerate(self.trees):
            sums[number % outputs] += tree.value[leaf[number]]
        rounds = len(self.trees) // outputs if self.average else 1
        return self.base[:, None] + sums / max(rounds, 1)


def start(problem: Problem) -> BoostingState:
    """The state before the first tree.

    Args:
        problem: What is to be learnt.

    Returns:
        The state.

    Raises:
        SpecError: Labels or weights do not fit the objective.
    """
    rows, spec = problem.training, problem.spec
    objective.check(problem.label[rows], problem.weight[rows], spec)
    base = objective.base_score(problem.label[rows], problem.weight[rows], spec)
    nothing = np.zeros((spec.outputs, len(problem.label)))
    return BoostingState(base, nothing, nothing)


def boost(problem: Problem, source: Source, state: BoostingState) -> Iterator[BoostingState]:
    """Train until the last round, or until the held-out rows gain nothing any more.

    Args:
        problem: What is to be learnt.
        source: Where sums and partitions come from.
        state: Where to begin: `start`, or what an earlier call yielded.

    Yields:
        The state after each level and after each tree; save the last one to continue from it.
    """
    while not ended(state, problem.spec):
        # 1. Draw what the next tree is grown on. A tree taken up again gets the same once more.
        sample = _sample(state, problem)
        growth = state.growth or _start_tree(sample, problem)
        if not growth.finished:
            source.begin(sample)

        # 2. Grow it level by level.
        while not growth.finished:
            growth = grow.advance(growth, sample, source, problem.book, problem.spec)
            yield replace(state, growth=growth)

        # 3. Add what its leaves say to the scores of all rows.
        state = _with_tree(state, growth, sample, problem)
        yield state


def ended(state: BoostingState, spec: Boosting) -> bool:
    """Whether the last round is over, or `patience` is."""
    rounds = len(state.losses)
    if spec.patience and rounds - _best_round(state) >= spec.patience:
        return True
    return rounds == spec.trees


def ensemble(state: BoostingState, spec: Boosting) -> Ensemble:
    """The trees of a state, up to the round with the lowest loss where `patience` is set."""
    rounds = _best_round(state) if spec.patience else len(state.losses)
    return Ensemble(state.base, state.trees[: rounds * spec.outputs], spec.forest)


def _best_round(state: BoostingState) -> int:
    """How many rounds lead to the lowest loss on held-out rows: the first of equals."""
    return int(np.argmin([held_out for _, held_out in state.losses])) + 1 if state.losses else 0


def _sample(state: BoostingState, problem: Problem) -> Sample:
    spec, rows, number = problem.spec, problem.training, len(state.trees)
    generator = seeds.generator(problem.seed, "tree", str(number))
    g, h = objective.derivatives(_score(state, problem)[:, rows], problem.label[rows], spec)
    output, weight = number % spec.outputs, problem.weight[rows]
    drawn = sampling.draw_rows(g[output] * weight, spec, generator)
    local = len(state.losses) < spec.local_trees
    codes = sampling.draw_codes(problem.book, spec, generator, local=local)
    factor = weight[drawn.rows] * drawn.factor
    room = leaves.STEEPEST[spec.objective] if spec.leaf_epsilon > 0 else (0.0, 0.0)
    encoded = gradients.encode(
        g[output, drawn.rows] * factor, h[output, drawn.rows] * factor, spec.precision, room
    )
    return Sample(rows[drawn.rows], encoded.values, encoded.units, codes, factor)


def _score(state: BoostingState, problem: Problem) -> Floats:
    """Scores that this round's gradients are taken at; each tree of a forest starts anew."""
    said = np.zeros_like(state.sums) if problem.spec.forest else state.sums
    return state.base[:, None] + said


def _start_tree(sample: Sample, problem: Problem) -> Growth:
    spec = problem.spec
    limit = objective.LEAF_LIMIT.get(spec.objective, np.inf)
    return grow.start_tree(sample, len(problem.label), problem.book, limit, spec)


def _with_tree(
    state: BoostingState, growth: Growth, sample: Sample, problem: Problem
) -> BoostingState:
    spec, output = problem.spec, len(state.trees) % problem.spec.outputs
    value = _values(state, growth, sample, problem)
    shrunk = value if spec.forest else spec.learning_rate * value
    tree = grow.finish_tree(growth, sample.units, shrunk)
    moved = state.moved.copy()
    moved[output] += tree.value[growth.node]
    after = replace(state, moved=moved, trees=(*state.trees, tree), growth=None)
    if output + 1 < spec.outputs:
        return after
    return replace(after, sums=moved, losses=(*state.losses, _losses(after, problem)))


def _values(state: BoostingState, growth: Growth, sample: Sample, problem: Problem) -> Floats:
    spec = problem.spec
    if spec.leaf_epsilon > 0:
        return leaves.private(growth, sample, spec)
    if spec.objective == "absolute":
        residual = problem.label - _score(state, problem)[0]
        return leaves.medians(growth, sample, residual[sample.rows])
    return leaves.newton(growth, sample, spec)


def _losses(state: BoostingState, problem: Problem) -> tuple[float, float]:
    rounds = len(state.losses) + 1
    score = state.base[:, None] + state.moved / (rounds if problem.spec.forest else 1)

    def over(rows: Integers) -> float:
        if not problem.weight[rows].any():
            return float("nan")
        label, weight = problem.label[rows], problem.weight[rows]
        return objective.loss(score[:, rows], label, weight, problem.spec)

    return over(problem.training), over(np.flatnonzero(problem.held_out))
