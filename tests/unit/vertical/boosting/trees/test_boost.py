"""The rounds of boosting, over columns in one place."""

from dataclasses import replace

import numpy as np
import pytest

from isthmus.core.arrays import Floats
from isthmus.core.errors import SpecError
from isthmus.vertical.boosting.spec import Boosting, Objective
from isthmus.vertical.boosting.trees import boost, objective, pooled, sampling
from isthmus.vertical.boosting.trees.boost import BoostingState, Problem
from isthmus.vertical.boosting.trees.local import LocalSource
from isthmus.vertical.boosting.trees.tree import CodeBook, Tree
from tests.unit.vertical.boosting.small import book, signal

WIDTH, CODES, ROWS = 9, 6, 600
BINS, SCORE = signal(1, ROWS, CODES, WIDTH)
BOOK = book([WIDTH] * CODES, owner=[0, 1, 1, 0, 2, 2])


def label(kind: Objective) -> Floats:
    chance = np.random.default_rng(2)
    scaled = SCORE / 3
    if kind == "binary":
        return (chance.random(ROWS) < 1 / (1 + np.exp(-SCORE))).astype(np.float64)
    if kind == "multiclass":
        return np.digitize(SCORE + chance.normal(size=ROWS), [-1.0, 1.0]).astype(np.float64)
    if kind == "poisson":
        return chance.poisson(np.exp(scaled)).astype(np.float64)
    if kind == "tweedie":
        return chance.poisson(np.exp(scaled)) * chance.gamma(2.0, size=ROWS)
    return SCORE + chance.normal(size=ROWS)


def problem(spec: Boosting, facts: CodeBook = BOOK) -> Problem:
    held_out = sampling.hold_out(ROWS, spec.validation_share, np.random.default_rng(3))
    return Problem(label(spec.objective), np.ones(ROWS), held_out, facts, spec, seed=4)


def fit(spec: Boosting) -> BoostingState:
    return pooled.fit(BINS, problem(spec))


def same(one: Tree, other: Tree) -> bool:
    return all(np.array_equal(value, getattr(other, name)) for name, value in vars(one).items())


def training_losses(state: BoostingState) -> list[float]:
    return [train for train, _ in state.losses]


@pytest.mark.parametrize(
    "kind", ["binary", "multiclass", "squared", "absolute", "poisson", "tweedie"]
)
class TestObjectives:
    def test_have_a_loss_that_falls_round_by_round(self, kind: Objective) -> None:
        spec = Boosting(objective=kind, classes=3 * (kind == "multiclass"), trees=8)
        state = fit(spec)
        losses = training_losses(state)
        assert (np.diff(losses) < 0).all()
        start = objective.loss(
            np.repeat(state.base[:, None], ROWS, axis=1), label(kind), np.ones(ROWS), spec
        )
        assert losses[-1] < 0.95 * start

    def test_predict_what_training_knew_of_its_rows(self, kind: Objective) -> None:
        spec = Boosting(objective=kind, classes=3 * (kind == "multiclass"), trees=3)
        state = fit(spec)
        model = boost.ensemble(state, spec)
        expected = objective.prediction(state.base[:, None] + state.sums, spec)
        assert (pooled.predict(model, BINS, spec) == expected).all()


class TestRounds:
    def test_grow_one_tree_per_class(self) -> None:
        state = fit(Boosting(objective="multiclass", classes=3, trees=2))
        assert len(state.trees) == 6
        assert len(state.losses) == 2

    def test_of_the_squared_error_fit_the_mean_residual_of_each_leaf(self) -> None:
        spec = Boosting(objective="squared", trees=1, learning_rate=1.0, l2=0.0)
        state = fit(spec)
        predicted = pooled.predict(boost.ensemble(state, spec), BINS, spec)[0]
        for value in np.unique(predicted):
            own = label("squared")[predicted == value]
            assert value == pytest.approx(own.mean(), abs=1e-6)

    def test_of_local_trees_split_on_the_active_partys_codes(self) -> None:
        state = fit(Boosting(trees=4, local_trees=2))
        owners = [set(BOOK.owner[tree.code[tree.code >= 0]].tolist()) for tree in state.trees]
        assert owners[0] == owners[1] == {0}
        assert owners[2] != {0}

    def test_draw_their_codes_anew(self) -> None:
        state = fit(Boosting(trees=6, code_share=0.2, depth=2))
        drawn = [frozenset(tree.code[tree.code >= 0].tolist()) for tree in state.trees]
        assert all(len(codes) == 1 for codes in drawn)
        assert len(set(drawn)) > 1

    def test_count_a_row_of_weight_two_as_two_rows(self) -> None:
        spec = Boosting(trees=3, minimum_bin_rows=1, minimum_node_rows=2)
        whole = problem(spec)
        weight = np.where(np.arange(ROWS) < 100, 2.0, 1.0)
        weighted = pooled.fit(BINS, replace(whole, weight=weight))
        rows = np.concatenate([np.arange(ROWS), np.arange(100)])
        repeated = Problem(
            whole.label[rows], np.ones(len(rows)), whole.held_out[rows], BOOK, spec, seed=4
        )
        twice = pooled.fit(BINS[rows], repeated)
        assert weighted.sums == pytest.approx(twice.sums[:, :ROWS], abs=1e-5)

    def test_do_not_look_at_labels_of_held_out_rows(self) -> None:
        spec = Boosting(trees=3, validation_share=0.3)
        whole = problem(spec)
        changed = replace(whole, label=np.where(whole.held_out, 1 - whole.label, whole.label))
        pairs = zip(pooled.fit(BINS, whole).trees, pooled.fit(BINS, changed).trees, strict=True)
        assert all(same(*pair) for pair in pairs)

    @pytest.mark.parametrize(
        "spec",
        [
            Boosting(trees=3),
            Boosting(trees=3, sampling="goss", code_share=0.6),
            Boosting(trees=2, objective="multiclass", classes=3, sampling="uniform", row_share=0.5),
            Boosting(trees=3, forest=True),
        ],
        ids=["all", "goss", "multiclass", "forest"],
    )
    def test_go_on_to_the_same_model_from_any_level(self, spec: Boosting) -> None:
        task = problem(spec)
        source = LocalSource(BINS, np.arange(CODES), WIDTH, spec.minimum_bin_rows)
        states = list(boost.boost(task, source, boost.start(task)))
        for cut in range(0, len(states) - 1, 2):
            again = LocalSource(BINS, np.arange(CODES), WIDTH, spec.minimum_bin_rows)
            *_, last = boost.boost(task, again, states[cut])
            assert (last.sums == states[-1].sums).all()
            assert training_losses(last) == training_losses(states[-1])


class TestPatience:
    SPEC = Boosting(trees=200, depth=4, learning_rate=0.8, validation_share=0.3, patience=3)

    def test_ends_training_when_held_out_rows_gain_nothing(self) -> None:
        state = fit(self.SPEC)
        held_out = [loss for _, loss in state.losses]
        assert len(held_out) == int(np.argmin(held_out)) + 1 + 3

    def test_keeps_the_trees_up_to_the_best_round(self) -> None:
        state = fit(self.SPEC)
        model = boost.ensemble(state, self.SPEC)
        task = problem(self.SPEC)
        score = pooled.predict(model, BINS, self.SPEC)[0]
        held = task.held_out
        likelihood = np.where(task.label == 1, score, 1 - score)[held]
        best = min(loss for _, loss in state.losses)
        assert -np.log(likelihood).mean() == pytest.approx(best)


class TestSampling:
    def test_by_goss_learns_almost_as_much_from_a_fifth_of_the_rows(self) -> None:
        every = training_losses(fit(Boosting(trees=15)))
        few = training_losses(fit(Boosting(trees=15, sampling="goss")))
        start = np.log(2)
        assert start - few[-1] > 0.7 * (start - every[-1])

    def test_by_chance_grows_trees_on_a_share_of_the_rows(self) -> None:
        state = fit(Boosting(trees=3, sampling="uniform", row_share=0.5))
        assert [int(tree.rows[0]) for tree in state.trees] == [300] * 3


class TestForest:
    SPEC = Boosting(trees=10, forest=True, objective="squared", depth=5, l2=0.0)

    def test_predicts_the_mean_of_its_trees(self) -> None:
        model = boost.ensemble(fit(self.SPEC), self.SPEC)
        one_by_one = [
            pooled.predict(replace(model, trees=(tree,)), BINS, self.SPEC) for tree in model.trees
        ]
        assert pooled.predict(model, BINS, self.SPEC) == pytest.approx(np.mean(one_by_one, axis=0))

    def test_is_better_than_its_trees(self) -> None:
        losses = training_losses(fit(self.SPEC))
        assert losses[-1] < 0.95 * losses[0]


class TestPrivateLeaves:
    def test_differ_from_run_to_run(self) -> None:
        spec = Boosting(trees=1, leaf_epsilon=1.0)
        assert (fit(spec).sums != fit(spec).sums).any()

    def test_leave_the_splits_of_the_first_tree_alone(self) -> None:
        (noisy,), (exact,) = (
            fit(Boosting(trees=1, leaf_epsilon=1.0)).trees,
            fit(Boosting(trees=1)).trees,
        )
        assert (noisy.code == exact.code).all()
        assert (noisy.left == exact.left).all()

    def test_come_out_however_small_the_gradients_are(self) -> None:
        spec = Boosting(trees=6, leaf_epsilon=1e-3, learning_rate=1.0, l2=0.0, precision=30)
        assert np.isfinite(fit(spec).sums).all()

    def test_do_not_go_with_weights(self) -> None:
        task = problem(Boosting(leaf_epsilon=1.0))
        with pytest.raises(SpecError, match="leave out one of the two"):
            boost.start(replace(task, weight=np.full(ROWS, 2.0)))


class TestBadLabels:
    def test_are_refused_before_the_first_tree(self) -> None:
        task = problem(Boosting())
        with pytest.raises(SpecError, match="values other than 0 and 1"):
            boost.start(replace(task, label=SCORE))
