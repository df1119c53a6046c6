"""What holds for the actor-critic in every mode."""

from dataclasses import replace

import numpy as np
import pytest

from isthmus.core.errors import SpecError
from isthmus.horizontal.actor_critic.modes import weigher
from isthmus.horizontal.fusion.spec import ActorCritic, WeightCaps
from isthmus.horizontal.fusion.state import State
from isthmus.horizontal.fusion.weigher import Chosen, Planner
from isthmus.store import checkpoint
from isthmus.store.checkpoint import Arrays, Checkpoint
from tests.unit.horizontal.actor_critic.rounds import gathered, judge

CAPS = WeightCaps(largest=0.3, effective_children=4)

RULES = (
    ActorCritic(mode="residual"),
    ActorCritic(mode="residual", measure="accuracy", candidates=7),
    ActorCritic(mode="residual", caps=CAPS),
    ActorCritic(mode="literal"),
    ActorCritic(mode="literal", critics=1, discount=0.0),
    ActorCritic(mode="literal", caps=CAPS),
    ActorCritic(mode="sum_only"),
    ActorCritic(mode="sum_only", caps=CAPS),
)

every = pytest.mark.parametrize("rule", RULES)
by_mode = pytest.mark.parametrize("mode", ["residual", "literal", "sum_only"])


def after(rule: ActorCritic, rounds: int, seed: int = 1) -> Chosen[State]:
    """What it made of the last of some rounds in which child 0 turned its sign."""
    chooses = weigher(rule, 6, seed)
    state = chooses.start()
    for number in range(rounds):
        chosen = chooses.choose(gathered(number, flipped=[0]), judge, state)
        state = chosen.state
    return chosen


@every
class TestWeigher:
    def test_chooses_shares_of_one(self, rule: ActorCritic) -> None:
        weights = after(rule, 7).weights
        assert weights.sum() == pytest.approx(1)
        assert weights.min() >= 0

    def test_stays_within_the_caps(self, rule: ActorCritic) -> None:
        if rule.caps is None:
            pytest.skip("there are none")
        weights = after(rule, 7).weights
        assert weights.max() <= CAPS.largest + 1e-9
        assert 1 / (weights @ weights) >= CAPS.effective_children - 1e-6

    def test_is_the_same_to_the_bit_when_it_is_repeated(self, rule: ActorCritic) -> None:
        assert after(rule, 7).weights.tobytes() == after(rule, 7).weights.tobytes()

    def test_tries_other_weights_in_another_job(self, rule: ActorCritic) -> None:
        assert after(rule, 7).weights.tolist() != after(rule, 7, seed=2).weights.tolist()

    def test_changes_neither_state_nor_updates(self, rule: ActorCritic) -> None:
        chooses, brought = weigher(rule, 6, 1), gathered(0)
        state = after(rule, 6).state
        before = {name: it.copy() for name, it in state.arrays().items()}
        chooses.choose(brought, judge, state)
        assert brought.updates.tobytes() == gathered(0).updates.tobytes()
        assert all((state.arrays()[name] == it).all() for name, it in before.items())

    def test_goes_on_when_children_stay_away(self, rule: ActorCritic) -> None:
        chooses, whole = weigher(rule, 6, 1), gathered(7)
        here = np.array([0, 2, 3, 5])
        few = replace(whole, updates=whole.updates[here], children=here, counts=np.full(4, 10))
        chosen = chooses.choose(few, judge, after(rule, 7).state)
        assert chosen.weights.shape == (4,)
        assert chosen.weights.sum() == pytest.approx(1)
        again = chooses.choose(whole, judge, chosen.state)
        assert again.weights.shape == (6,)


@every
class TestState:
    def test_resumes_from_a_checkpoint_to_the_same_bits(
        self, rule: ActorCritic, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        path, state = tmp_path_factory.mktemp("run") / "state", after(rule, 7).state
        checkpoint.save(path, "job", Checkpoint(state.arrays()))
        saved = checkpoint.load(path, "job")
        assert saved is not None
        chooses = weigher(rule, 6, 1)
        resumed = chooses.start().restored(saved.arrays)
        straight, other = (chooses.choose(gathered(7, [0]), judge, it) for it in (state, resumed))
        assert other.weights.tobytes() == straight.weights.tobytes()
        assert _bytes(other.state.arrays()) == _bytes(straight.state.arrays())

    def test_of_another_number_of_children_is_refused(self, rule: ActorCritic) -> None:
        with pytest.raises(SpecError, match="checkpoint"):
            weigher(rule, 7, 1).start().restored(after(rule, 1).state.arrays())


class TestModes:
    @by_mode
    def test_takes_weight_from_a_child_that_turns_its_sign(self, mode: str) -> None:
        rule = ActorCritic(mode=mode)  # type: ignore[arg-type]  # one of the three
        chooses = weigher(rule, 6, 1)
        state, given = chooses.start(), list[float]()
        for number in range(40):
            chosen = chooses.choose(gathered(number, flipped=[0]), judge, state)
            state = chosen.state
            given.append(chosen.weights[0])
        assert np.mean(given[-10:]) < 0.7 / 6

    def test_only_sum_only_plans_before_it_sees_a_round(self) -> None:
        modes = {rule.mode for rule in RULES if isinstance(weigher(rule, 6, 1), Planner)}
        assert modes == {"sum_only"}

    def test_only_residual_tells_what_it_saw_of_a_child(self) -> None:
        assert after(ActorCritic(), 1).evidence.keys() == {"cosine", "length", "loss_change"}
        assert after(ActorCritic(mode="literal"), 1).evidence == {}
        assert after(ActorCritic(mode="sum_only"), 1).evidence == {}


def _bytes(arrays: Arrays) -> dict[str, bytes]:
    return {name: it.tobytes() for name, it in arrays.items()}
