"""All rules of the closed set: what each needs, and what holds for every one of them."""

from dataclasses import replace
from typing import Any, get_args

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.core.errors import JobError
from isthmus.horizontal.fusion import rules, spec
from isthmus.horizontal.fusion.rules import RULES, Gathered, Need
from isthmus.horizontal.fusion.spec import Fusion, FusionRule
from isthmus.horizontal.fusion.validation_gradient import Logits
from isthmus.horizontal.parameters import Layout, Vector
from isthmus.horizontal.tables import Tables

CHILDREN, SIZE = 7, 5
TABLES = Tables(Layout((("bias", (1,)), ("table", (2, 2)))), ("table",))

EVERY: tuple[FusionRule, ...] = (
    spec.Count(),
    spec.Uniform(),
    spec.TouchMean(tables=("table",)),
    spec.FedAvgM(),
    spec.FedAdam(),
    spec.FedYogi(),
    spec.FedProx(),
    spec.Scaffold(),
    spec.Median(),
    spec.TrimmedMean(faulty=2),
    spec.MultiKrum(faulty=2),
    spec.FLTrust(),
    spec.ValidationGradient(),
    spec.ActorCritic(),
    spec.ActorCritic(caps=spec.WeightCaps()),
)

FIELDS = {
    Need.COUNTS: "counts",
    Need.TABLES: "tables",
    Need.CONTROL_CHANGES: "control_changes",
    Need.ROOT_UPDATE: "root_update",
    Need.LOSS_GRADIENT: "loss_gradient",
    Need.WEIGHTS: "weights",
}

every = pytest.mark.parametrize("rule", EVERY, ids=rules.name)


def gathered(seed: int = 0) -> Gathered:
    """A round with all that any rule needs."""
    generator = np.random.default_rng(seed)
    target = generator.normal(size=SIZE).astype(np.float32)

    def loss_gradient(update: Vector) -> Vector:
        return update - target

    return Gathered(
        updates=(target + generator.normal(size=(CHILDREN, SIZE))).astype(np.float32),
        children=np.arange(CHILDREN),
        enrolled=CHILDREN,
        counts=generator.integers(1, 100, CHILDREN),
        tables=TABLES,
        control_changes=generator.normal(size=(CHILDREN, SIZE)).astype(np.float32),
        root_update=target,
        loss_gradient=loss_gradient,
        weights=generator.dirichlet(np.ones(CHILDREN)),
    )


def in_order(before: Gathered, order: list[int]) -> Gathered:
    assert before.counts is not None
    assert before.control_changes is not None
    assert before.weights is not None
    return replace(
        before,
        updates=before.updates[order],
        children=before.children[order],
        counts=before.counts[order],
        control_changes=before.control_changes[order],
        weights=before.weights[order],
    )


class TestClosedSet:
    def test_has_an_entry_and_a_case_here_for_each_rule_that_a_job_may_name(self) -> None:
        assert set(RULES) == set(get_args(Fusion)) == {type(rule) for rule in EVERY}

    @every
    def test_is_read_from_the_name_of_the_rule(self, rule: FusionRule) -> None:
        table: dict[str, Any] = msgspec.to_builtins(rule)
        assert table["rule"] == rules.name(rule)
        assert msgspec.convert(table, Fusion) == rule

    def test_refuses_a_rule_that_it_does_not_have(self) -> None:
        with pytest.raises(msgspec.ValidationError, match="Invalid value 'mean'"):
            msgspec.convert({"rule": "mean"}, Fusion)

    def test_refuses_a_key_of_another_rule(self) -> None:
        with pytest.raises(msgspec.ValidationError, match="faulty"):
            msgspec.convert({"rule": "median", "faulty": 2}, Fusion)


@every
class TestNeeds:
    def test_are_all_that_it_uses(self, rule: FusionRule) -> None:
        unused = {field: None for need, field in FIELDS.items() if need not in rules.needs(rule)}
        bare = replace(gathered(), **unused)  # type: ignore[arg-type]  # each may be None
        fused = rules.fuse(rule, bare, rules.start(rule, SIZE))
        assert np.isfinite(fused.update).all()

    def test_are_each_asked_for(self, rule: FusionRule) -> None:
        for need in rules.needs(rule) & FIELDS.keys():
            without = replace(gathered(), **{FIELDS[need]: None})  # type: ignore[arg-type]
            with pytest.raises(ValueError, match=need.value):
                rules.fuse(rule, without, rules.start(rule, SIZE))


@pytest.mark.parametrize(
    ("rule", "needs"),
    [
        (spec.Count(), False),
        (spec.MultiKrum(faulty=2), False),
        (spec.FLTrust(), True),
        (spec.ValidationGradient(), True),
        (spec.ActorCritic(), True),
        (spec.ActorCritic(mode="sum_only"), True),
    ],
)
class TestOwnSamples:
    def test_are_needed_to_judge_by(self, rule: FusionRule, *, needs: bool) -> None:
        assert rules.needs_own_samples(rule) == needs


@pytest.mark.parametrize(
    "rule",
    [
        rule
        for rule in EVERY
        if not rules.needs(rule)
        & {Need.EACH_UPDATE, Need.WEIGHTS, Need.TABLES}  # these are in the sum already
    ],
    ids=rules.name,
)
class TestSums:
    def test_are_all_that_the_rule_has_to_see(self, rule: FusionRule) -> None:
        # What secure aggregation hands to the master is one row: the mean that the rule would take.
        whole = gathered()
        assert whole.counts is not None
        assert whole.control_changes is not None
        by_count = Need.COUNTS in rules.needs(rule)
        share = whole.counts / whole.counts.sum() if by_count else np.full(CHILDREN, 1 / CHILDREN)
        one = Gathered(
            updates=(share @ whole.updates)[None].astype(np.float32),
            children=np.zeros(1, np.int64),
            enrolled=1,
            counts=whole.counts.sum(keepdims=True),
            control_changes=(share @ whole.control_changes)[None].astype(np.float32),
        )
        of_all = rules.fuse(rule, whole, rules.start(rule, SIZE))
        of_sum = rules.fuse(rule, one, rules.start(rule, SIZE))
        assert of_sum.update == pytest.approx(of_all.update, rel=1e-4, abs=1e-6)


@every
class TestFuse:
    @given(st.integers(0, 2**32), st.permutations(range(CHILDREN)))
    def test_does_not_depend_on_the_order_of_the_children(
        self, rule: FusionRule, seed: int, order: list[int]
    ) -> None:
        first = rules.fuse(rule, gathered(seed), rules.start(rule, SIZE))
        second = rules.fuse(rule, in_order(gathered(seed), order), rules.start(rule, SIZE))
        assert second.update == pytest.approx(first.update, rel=1e-4, abs=1e-5)
        if first.weights is not None:
            assert second.weights == pytest.approx(first.weights[order], abs=1e-5)

    @given(st.integers(0, 2**32))
    def test_of_equal_updates_is_that_update(self, rule: FusionRule, seed: int) -> None:
        whole = gathered(seed)
        same = whole.updates[0]
        equal = replace(whole, updates=np.tile(same, (CHILDREN, 1)), root_update=same)
        fused = rules.fuse(rule, equal, rules.start(rule, SIZE))
        if isinstance(rule, spec.FedAdam | spec.FedYogi):  # their own step, in its direction
            assert (np.sign(fused.update) == np.sign(same)).all()
        else:
            assert fused.update == pytest.approx(same, rel=1e-5)

    def test_is_the_same_to_the_bit_when_it_is_repeated(self, rule: FusionRule) -> None:
        first, second = (
            rules.fuse(rule, gathered(), rules.start(rule, SIZE)).update for _ in range(2)
        )
        assert first.tobytes() == second.tobytes()
        assert first.dtype == np.float32

    def test_weighs_children_by_shares_of_one(self, rule: FusionRule) -> None:
        weights = rules.fuse(rule, gathered(), rules.start(rule, SIZE)).weights
        if weights is None:
            assert isinstance(rule, spec.Median | spec.TrimmedMean | spec.TouchMean)
        else:
            assert weights.sum() == pytest.approx(1)
            assert weights.min() >= 0

    def test_resumes_from_a_checkpoint_to_the_same_bits(self, rule: FusionRule) -> None:
        after = rules.fuse(rule, gathered(1), rules.start(rule, SIZE)).state
        resumed = rules.start(rule, SIZE).restored(after.arrays())
        straight = rules.fuse(rule, gathered(2), after).update
        assert rules.fuse(rule, gathered(2), resumed).update.tobytes() == straight.tobytes()

    def test_refuses_fewer_children_than_it_needs(self, rule: FusionRule) -> None:
        least = rules.least_children(rule)
        few = in_order(gathered(), list(range(least - 1)))
        with pytest.raises(JobError, match=f"{least - 1} children .* needs {least}"):
            rules.fuse(rule, few, rules.start(rule, SIZE))

    def test_fuses_as_few_children_as_it_says(self, rule: FusionRule) -> None:
        least = in_order(gathered(), list(range(rules.least_children(rule))))
        assert least.weights is not None
        least = replace(least, weights=least.weights / least.weights.sum())
        fused = rules.fuse(rule, least, rules.start(rule, SIZE))
        assert np.isfinite(fused.update).all()


@pytest.mark.parametrize(
    "rule",
    [spec.Median(), spec.TrimmedMean(faulty=2), spec.MultiKrum(faulty=2), spec.FLTrust()],
    ids=rules.name,
)
class TestRobust:
    @given(st.integers(0, 2**32), st.sampled_from([-1e6, -10.0, 1e6]))
    def test_hardly_notices_one_wild_child(
        self, rule: FusionRule, seed: int, factor: float
    ) -> None:
        honest = gathered(seed)
        updates = honest.updates.copy()
        updates[0] *= np.float32(factor)
        fused = rules.fuse(rule, replace(honest, updates=updates), rules.start(rule, SIZE))
        assert honest.root_update is not None
        longest = np.linalg.norm(np.vstack([honest.updates, honest.root_update]), axis=1).max()
        assert np.linalg.norm(fused.update) <= np.sqrt(SIZE) * longest


class TestLeastChildren:
    @pytest.mark.parametrize(
        ("rule", "least"),
        [
            (spec.Count(), 1),
            (spec.TrimmedMean(faulty=3), 7),
            (spec.MultiKrum(faulty=3), 9),
            (spec.ActorCritic(), 1),
            (spec.ActorCritic(caps=spec.WeightCaps()), 4),
            (spec.ActorCritic(caps=spec.WeightCaps(effective_children=5)), 5),
        ],
    )
    def test_follow_from_what_the_rule_promises(self, rule: FusionRule, least: int) -> None:
        assert rules.least_children(rule) == least


class TestValidationGradient:
    rule = spec.ValidationGradient()

    def test_remembers_a_child_that_misses_a_round_and_lets_a_new_one_in(self) -> None:
        before = rules.fuse(self.rule, gathered(), Logits(np.zeros(0))).state
        others = in_order(gathered(), [0, 2, 3])
        newcomer = replace(others, children=np.array([0, 2, 7]), enrolled=8)
        after = rules.fuse(self.rule, newcomer, before).state
        assert len(after.logits) == 8
        assert (after.logits[[1, 3, 4, 5, 6]] == before.logits[[1, 3, 4, 5, 6]]).all()
        assert (after.logits[[0, 2]] != before.logits[[0, 2]]).all()
        assert after.logits[7] != 0


class TestActorCritic:
    def test_fuses_by_the_weights_that_were_chosen(self) -> None:
        chosen = np.array([0.5, 0.25, 0.25, 0, 0, 0, 0])
        whole = replace(gathered(), weights=chosen)
        fused = rules.fuse(spec.ActorCritic(), whole, rules.start(spec.ActorCritic(), SIZE))
        assert fused.update == pytest.approx(chosen @ whole.updates, abs=1e-6)

    def test_under_caps_tells_the_weights_that_it_fused_with(self) -> None:
        rule = spec.ActorCritic(caps=spec.WeightCaps())
        whole = replace(gathered(), weights=np.eye(CHILDREN)[0])
        fused = rules.fuse(rule, whole, rules.start(rule, SIZE))
        assert fused.weights == pytest.approx([0.3, *[0.7 / 6] * 6])
        assert fused.update == pytest.approx(fused.weights @ whole.updates, abs=1e-6)
