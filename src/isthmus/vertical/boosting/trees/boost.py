"""The rounds of boosting: what each tree is grown on, and what it adds.

Like `grow`, this is run by the active party and by the central model alike. Everything a round
needs follows from the problem and the course so far, so that a run that was cut off goes on to the
same model.
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
class Course:
    """Training between two levels of a tree: all that is needed to go on."""

    base: Floats
    """Score before the first tree, shape (outputs,)."""

    sums: Floats
    """What the trees of finished rounds say of each row, added up, shape (outputs, rows)."""

    moved: Floats
    """The same with the trees of this round, shape (outputs, rows)."""

    trees: tuple[Tree, ...] = ()
    """Of all rounds, the classes of a round one after the other."""

    losses: tuple[tuple[float, float], ...] = ()
    """Loss on the training and on the held-out rows after each round; NaN where there are none."""

    growth: Growth | None = None
    """The tree that is being grown."""


@dataclass(frozen=True)
class Ensemble:
    """Trees and what to make of them."""

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


def start(problem: Problem) -> Course:
    """Training before its first tree.

    Args:
        problem: What is to be learnt.

    Returns:
        The course.

    Raises:
        SpecError: Labels or weights do not fit the objective.
    """
    rows, spec = problem.training, problem.spec
    objective.check(problem.label[rows], problem.weight[rows], spec)
    base = objective.base_score(problem.label[rows], problem.weight[rows], spec)
    nothing = np.zeros((spec.outputs, len(problem.label)))
    return Course(base, nothing, nothing)


def boost(problem: Problem, source: Source, course: Course) -> Iterator[Course]:
    """Train until the last round, or until the held-out rows gain nothing any more.

    Args:
        problem: What is to be learnt.
        source: Where sums and partitions come from.
        course: Where to begin: `start`, or what an earlier call yielded.

    Yields:
        The course after each level and after each tree; keep the last one to go on from it.
    """
    while not ended(course, problem.spec):
        # 1. Draw what the next tree is grown on. A tree taken up again gets the same once more.
        sample = _sample(course, problem)
        growth = course.growth or _plant(sample, problem)
        if not growth.finished:
            source.begin(sample)

        # 2. Grow it level by level.
        while not growth.finished:
            growth = grow.advance(growth, sample, source, problem.book, problem.spec)
            yield replace(course, growth=growth)

        # 3. Add what its leaves say to the scores of all rows.
        course = _with_tree(course, growth, sample, problem)
        yield course


def ended(course: Course, spec: Boosting) -> bool:
    """Whether the last round is over, or `patience` is."""
    rounds = len(course.losses)
    if spec.patience and rounds - _best_round(course) >= spec.patience:
        return True
    return rounds == spec.trees


def ensemble(course: Course, spec: Boosting) -> Ensemble:
    """The trees of a course, up to the round with the lowest loss where `patience` is set."""
    rounds = _best_round(course) if spec.patience else len(course.losses)
    return Ensemble(course.base, course.trees[: rounds * spec.outputs], spec.forest)


def _best_round(course: Course) -> int:
    """How many rounds lead to the lowest loss on held-out rows: the first of equals."""
    return int(np.argmin([held_out for _, held_out in course.losses])) + 1 if course.losses else 0


def _sample(course: Course, problem: Problem) -> Sample:
    spec, rows, number = problem.spec, problem.training, len(course.trees)
    chance = seeds.generator(problem.seed, "tree", str(number))
    g, h = objective.derivatives(_score(course, problem)[:, rows], problem.label[rows], spec)
    output, weight = number % spec.outputs, problem.weight[rows]
    drawn = sampling.draw_rows(g[output] * weight, spec, chance)
    local = len(course.losses) < spec.local_trees
    codes = sampling.draw_codes(problem.book, spec, chance, local=local)
    factor = weight[drawn.rows] * drawn.factor
    room = leaves.STEEPEST[spec.objective] if spec.leaf_epsilon > 0 else (0.0, 0.0)
    encoded = gradients.encode(
        g[output, drawn.rows] * factor, h[output, drawn.rows] * factor, spec.precision, room
    )
    return Sample(rows[drawn.rows], encoded.values, encoded.units, codes, factor)


def _score(course: Course, problem: Problem) -> Floats:
    """Scores that this round's gradients are taken at; each tree of a forest starts anew."""
    said = np.zeros_like(course.sums) if problem.spec.forest else course.sums
    return course.base[:, None] + said


def _plant(sample: Sample, problem: Problem) -> Growth:
    spec = problem.spec
    limit = objective.LEAF_LIMIT.get(spec.objective, np.inf)
    return grow.plant(sample, len(problem.label), problem.book, limit, spec)


def _with_tree(course: Course, growth: Growth, sample: Sample, problem: Problem) -> Course:
    spec, output = problem.spec, len(course.trees) % problem.spec.outputs
    value = _values(course, growth, sample, problem)
    shrunk = value if spec.forest else spec.learning_rate * value
    tree = grow.harvest(growth, sample.units, shrunk)
    moved = course.moved.copy()
    moved[output] += tree.value[growth.node]
    after = replace(course, moved=moved, trees=(*course.trees, tree), growth=None)
    if output + 1 < spec.outputs:
        return after
    return replace(after, sums=moved, losses=(*course.losses, _losses(after, problem)))


def _values(course: Course, growth: Growth, sample: Sample, problem: Problem) -> Floats:
    spec = problem.spec
    if spec.leaf_epsilon > 0:
        return leaves.private(growth, sample, spec)
    if spec.objective == "absolute":
        residual = problem.label - _score(course, problem)[0]
        return leaves.medians(growth, sample, residual[sample.rows])
    return leaves.newton(growth, sample, spec)


def _losses(course: Course, problem: Problem) -> tuple[float, float]:
    rounds = len(course.losses) + 1
    score = course.base[:, None] + course.moved / (rounds if problem.spec.forest else 1)

    def over(rows: Integers) -> float:
        if not problem.weight[rows].any():
            return float("nan")
        label, weight = problem.label[rows], problem.weight[rows]
        return objective.loss(score[:, rows], label, weight, problem.spec)

    return over(problem.training), over(np.flatnonzero(problem.held_out))
