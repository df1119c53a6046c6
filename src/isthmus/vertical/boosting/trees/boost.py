"""The rounds of boosting: the sample of each tree, its leaf values, and the scores after it.

The active party and pooled training run the same code, as for `grow`. A round depends on nothing
but the problem and the state, so a resumed run ends with the same model.
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
    """The learning problem: labels, weights and settings. Only the active party has it."""

    label: Floats
    """Shape (rows,)."""

    weight: Floats
    """Weight of each row, shape (rows,)."""

    held_out: Bools
    """Whether a row is held out, to measure the validation loss, shape (rows,)."""

    book: CodeBook
    """Facts about all codes."""

    spec: Boosting

    seed: int
    """Seed of the draws of rows and codes; joint training has a secret one."""

    @property
    def training(self) -> Integers:
        """Positions of the training rows, without held-out rows."""
        return np.flatnonzero(~self.held_out)


@dataclass(frozen=True)
class BoostingState:
    """The state of training between two levels of a tree, complete to resume from."""

    base: Floats
    """Score before the first tree, shape (outputs,)."""

    sums: Floats
    """Sum of the trees of finished rounds for each row, shape (outputs, rows)."""

    moved: Floats
    """`sums` with the finished trees of this round added, shape (outputs, rows)."""

    trees: tuple[Tree, ...] = ()
    """The trees of all rounds; within a round, one per class."""

    losses: tuple[tuple[float, float], ...] = ()
    """Loss on training rows and on held-out rows after each round; NaN if there are no rows."""

    growth: Growth | None = None
    """The tree that is being grown, or None."""


@dataclass(frozen=True)
class Ensemble:
    """The trees of a model, and how their values are combined."""

    base: Floats
    """Score before the first tree, shape (outputs,)."""

    trees: tuple[Tree, ...]
    """The trees of all rounds; within a round, one per class."""

    average: bool
    """Whether the mean of the trees is added (a forest) instead of their sum."""

    def score(self, leaf: Integers) -> Floats:
        """Returns the scores of rows.

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
    """Returns the state before the first tree.

    Args:
        problem: The learning problem.

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
    """Train until the last round, or until the validation loss stops falling.

    Args:
        problem: The learning problem.
        source: Computes sums and partitions.
        state: The result of `start`, or a state that an earlier call yielded.

    Yields:
        The state after each level and after each tree; save one to resume from it.
    """
    while not ended(state, problem.spec):
        # 1. Draw the sample of the next tree. A resumed tree gets the same sample again.
        sample = _sample(state, problem)
        growth = state.growth or _start_tree(sample, problem)
        if not growth.finished:
            source.begin(sample)

        # 2. Grow it level by level.
        while not growth.finished:
            growth = grow.advance(growth, sample, source, problem.book, problem.spec)
            yield replace(state, growth=growth)

        # 3. Add the values of its leaves to the scores of all rows.
        state = _with_tree(state, growth, sample, problem)
        yield state


def ended(state: BoostingState, spec: Boosting) -> bool:
    """Returns whether training has ended: all rounds are done, or `patience` is exhausted."""
    rounds = len(state.losses)
    if spec.patience and rounds - _best_round(state) >= spec.patience:
        return True
    return rounds == spec.trees


def is_kept(state: BoostingState, spec: Boosting) -> bool:
    """Returns whether the model of a state has all of its rounds."""
    return not spec.patience or _best_round(state) == len(state.losses)


def training_scores(state: BoostingState, spec: Boosting) -> Floats:
    """Returns the expected labels of the training rows, or probabilities, by all rounds of a state.

    Args:
        state: The state after a round.
        spec: The `[boosting]` table.

    Returns:
        Shape (outputs, rows).
    """
    rounds = len(state.losses) if spec.forest else 1
    return objective.prediction(state.base[:, None] + state.sums / max(rounds, 1), spec)


def ensemble(state: BoostingState, spec: Boosting) -> Ensemble:
    """Returns the model of a state; if `patience` is set, up to the round of the lowest loss."""
    rounds = _best_round(state) if spec.patience else len(state.losses)
    return Ensemble(state.base, state.trees[: rounds * spec.outputs], spec.forest)


def _best_round(state: BoostingState) -> int:
    """Returns the number of rounds up to the (first) lowest validation loss."""
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
    room = leaves.MAX_DERIVATIVES[spec.objective] if spec.leaf_epsilon > 0 else (0.0, 0.0)
    encoded = gradients.encode(
        g[output, drawn.rows] * factor, h[output, drawn.rows] * factor, spec.precision, room
    )
    return Sample(rows[drawn.rows], encoded.values, encoded.units, codes, factor)


def _score(state: BoostingState, problem: Problem) -> Floats:
    """Returns the scores at which gradients are computed: for a forest, always the base score."""
    sums = np.zeros_like(state.sums) if problem.spec.forest else state.sums
    return state.base[:, None] + sums


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
