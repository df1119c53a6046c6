"""The round protocol: a master and its children, honest and not, late, dead and new."""

import threading
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from isthmus.core.errors import ChannelError, JobError, PeerError, SpecError
from isthmus.horizontal.messages import (
    Confirmation,
    EncoderRequest,
    Instruction,
    Published,
    Reason,
    RoundStart,
    RoundUpdate,
    Turn,
)
from isthmus.horizontal.parameters import Layout, Parameters, digest
from isthmus.horizontal.rounds.inbox import Arrival, Inbox
from isthmus.horizontal.rounds.local_training import LocalTrainer, Train
from isthmus.horizontal.rounds.training import Contribution, Fused, Training
from isthmus.horizontal.spec import Rounds
from isthmus.store.checkpoint import Arrays
from isthmus.transport.channel import Channel
from isthmus.transport.loopback import LoopbackEnd
from isthmus.transport.message import Message
from tests.federation import ENCODER, INITIAL, Federation, Role, learner, mean, shift, trainer_of

JOIN = 2
"""Words by which a child joins: its request and its confirmation."""


def weights(trained: float) -> Parameters:
    """All parameters at one value."""
    return {name: np.full_like(array, trained) for name, array in INITIAL.items()}


def same(ours: Parameters, theirs: Parameters) -> bool:
    return digest(ours) == digest(theirs)


class TestEqualsTheCentralComputation:
    def test_of_a_linear_model_by_gradient_descent(self) -> None:
        generator = np.random.default_rng(5)
        truth = generator.normal(size=3).astype(np.float32)
        sizes = {"a": 30, "b": 7, "c": 90}
        x = {
            name: generator.normal(size=(size, 3)).astype(np.float32)
            for name, size in sizes.items()
        }
        y = {name: x[name] @ truth + np.float32(0.5) for name in x}
        initial: Parameters = {"b": np.zeros((), np.float32), "w": np.zeros(3, np.float32)}

        def step(inputs: np.ndarray, label: np.ndarray, at: Parameters) -> Parameters:
            residual = inputs @ at["w"] + at["b"] - label
            return {
                "b": (at["b"] - 0.1 * residual.mean()).astype(np.float32),
                "w": (at["w"] - 0.1 * inputs.T @ residual / len(label)).astype(np.float32),
            }

        def role(name: str) -> Role:
            def train(at: Parameters, _round: int) -> tuple[Parameters, Mapping[str, float]]:
                return step(x[name], y[name], at), {}

            return learner(lambda _: LocalTrainer(sizes[name], Layout.of(initial), train))

        federation = Federation.of({name: role(name) for name in sizes})
        trained = federation.play(Rounds(count=25), training=Training(ENCODER, initial, mean))

        central, pooled = initial, (np.vstack(list(x.values())), np.concatenate(list(y.values())))
        for _ in range(25):
            central = step(*pooled, central)
        assert trained.parameters["w"] == pytest.approx(central["w"], rel=1e-4, abs=1e-5)
        assert trained.parameters["b"] == pytest.approx(central["b"], rel=1e-4, abs=1e-5)


class TestSteps:
    def test_end_with_the_same_parameters_and_digest_at_everybody(self) -> None:
        federation = Federation.of(
            {"a": learner(trainer_of(shift(1.0), 3)), "b": learner(trainer_of(shift(5.0)))}
        )
        trained = federation.play(Rounds(count=2))
        assert not federation.raised
        assert same(trained.parameters, weights(4.0))
        assert trained.holders == ("a", "b")
        for received in federation.returned.values():
            assert same(received.parameters, trained.parameters)
            assert received.model == trained.model == digest(trained.parameters)
            assert received.rounds == 2
        assert federation.returned["b"].metrics == {"by": 5.0}

    def test_record_each_contribution_and_the_model_of_each_round(self) -> None:
        federation = Federation.of(
            {"a": learner(trainer_of(shift(1.0), 3)), "b": learner(trainer_of(shift(5.0)))}
        )
        trained = federation.play(Rounds(count=2))
        first, second = trained.rounds
        assert (first.model, second.model) == (digest(weights(2.0)), trained.model)
        assert first.left_out == {}
        taken = first.taken["a"]
        assert taken.digest == digest(weights(1.0))
        assert (taken.samples, taken.weight, taken.metrics) == (3, 0.75, {"by": 1.0})

    def test_begin_when_one_child_asks_and_others_only_help(self) -> None:
        roles = {
            "a": learner(trainer_of(shift(1.0)), wanted=None),
            "b": learner(trainer_of(shift(1.0))),
        }
        assert Federation.of(roles).play(Rounds(count=1)).holders == ("a", "b")

    def test_do_not_begin_when_no_child_asks(self) -> None:
        roles = {name: learner(trainer_of(shift(1.0)), wanted=None) for name in "ab"}
        with pytest.raises(JobError, match="no child asks for a shared encoder"):
            Federation.of(roles, arrivals=2).play(Rounds(count=1))

    def test_give_the_result_also_to_a_child_that_declines(self) -> None:
        federation = Federation.of(
            {
                "a": learner(trainer_of(shift(1.0))),
                "b": learner(trainer_of(shift(1.0))),
                "c": learner(lambda _: "no samples of this type"),
            }
        )
        trained = federation.play(Rounds(count=3))
        assert trained.holders == ("a", "b", "c")
        assert (federation.returned["c"].rounds, federation.returned["c"].metrics) == (0, {})
        assert [it.left_out for it in trained.rounds] == [
            {"c": "declined: no samples of this type"}
        ] * 3

    def test_end_early_when_the_fusion_says_so(self) -> None:
        def fuse(before: Parameters, taken: Sequence[Contribution], state: Arrays) -> Fused:
            return mean(before, taken, state)._replace(done=len(state) == 2)

        def count(before: Parameters, taken: Sequence[Contribution], state: Arrays) -> Fused:
            seen = {**state, str(len(state)): np.ones(1)}
            return fuse(before, taken, seen)._replace(state=seen)

        federation = Federation.of({"a": learner(trainer_of(shift(1.0)))})
        assert len(federation.play(Rounds(count=9, quorum=1), count).rounds) == 2

    def test_take_two_hundred_children_in_one_process(self) -> None:
        names = [f"child-{number:03d}" for number in range(200)]
        federation = Federation.of({name: learner(trainer_of(shift(1.0))) for name in names})
        trained = federation.play(Rounds(count=3, quorum=200))
        assert trained.holders == tuple(names)
        assert trained.parameters["w"] == pytest.approx(weights(3.0)["w"])
        assert all(len(it.taken) == 200 for it in trained.rounds)


class TestALateChild:
    def test_is_left_out_and_let_back_in(self) -> None:
        may_finish, back = threading.Event(), threading.Event()

        def slow(parameters: Parameters, number: int) -> tuple[Parameters, Mapping[str, float]]:
            if number == 2:
                may_finish.wait()
            if number > 2:
                back.set()
            return shift(1.0)(parameters, number)

        def fuse(before: Parameters, taken: Sequence[Contribution], state: Arrays) -> Fused:
            if "slow" not in [it.child for it in taken]:
                may_finish.set()
            return mean(before, taken, state)._replace(done=back.is_set())

        roles = {"a": learner(trainer_of(shift(1.0))), "slow": learner(trainer_of(slow))}
        first_round, of_a = 2, 1
        federation = Federation.of(roles, arrivals=2 * JOIN + first_round + of_a)
        rounds = federation.play(Rounds(count=100_000, quorum=1), fuse).rounds
        present = ["slow" in it.taken for it in rounds]
        assert present[0]
        assert not present[1]
        assert present[-1]
        assert rounds[1].left_out == {"slow": "late since round 2"}
        assert not federation.raised

    def test_still_gets_the_result_of_a_run_that_ended_meanwhile(self) -> None:
        over = threading.Event()

        def slow(parameters: Parameters, number: int) -> tuple[Parameters, Mapping[str, float]]:
            over.wait()
            return shift(1.0)(parameters, number)

        def fuse(before: Parameters, taken: Sequence[Contribution], state: Arrays) -> Fused:
            over.set()
            return mean(before, taken, state)

        federation = Federation.of(
            {"a": learner(trainer_of(shift(1.0))), "slow": learner(trainer_of(slow))},
            arrivals=2 * JOIN + 1,
        )
        trained = federation.play(Rounds(count=1, quorum=1), fuse)
        assert "slow" not in trained.rounds[0].taken
        assert trained.holders == ("a", "slow")


class TestADeadChild:
    def test_does_not_hold_up_the_others(self) -> None:
        def dies(line: LoopbackEnd) -> None:
            enrol(line)
            line.receive(RoundStart)
            line.abort()

        federation = Federation.of({"a": learner(trainer_of(shift(1.0))), "b": dies})
        trained = federation.play(Rounds(count=3, quorum=1, deadline=3600.0))
        assert [set(it.taken) for it in trained.rounds] == [{"a"}] * 3
        assert trained.rounds[0].left_out == {"b": "gone"}

    def test_that_comes_back_is_asked_again_where_the_round_needs_it(self) -> None:
        federation = Federation.of({"a": learner(trainer_of(shift(1.0)))})

        def dies(line: LoopbackEnd) -> None:
            enrol(line)
            line.receive(RoundStart)
            line.abort()
            federation.add("b", learner(trainer_of(shift(1.0))))

        federation.add("b", dies)
        trained = federation.play(Rounds(count=2))
        assert [set(it.taken) for it in trained.rounds] == [{"a", "b"}] * 2
        assert trained.holders == ("a", "b")

    def test_that_comes_back_before_its_line_is_known_to_be_broken_takes_its_place(self) -> None:
        federation = Federation.of({"a": learner(trainer_of(shift(1.0)))})
        over = threading.Event()

        def hangs(line: LoopbackEnd) -> None:
            enrol(line)
            line.receive(RoundStart)
            federation.add("b", learner(trainer_of(shift(1.0))))
            over.wait()

        federation.add("b", hangs)

        def fuse(before: Parameters, taken: Sequence[Contribution], state: Arrays) -> Fused:
            over.set()
            return mean(before, taken, state)

        trained = federation.play(Rounds(count=2), fuse)
        assert [set(it.taken) for it in trained.rounds] == [{"a", "b"}] * 2

    def test_whose_update_is_in_is_not_counted_twice(self) -> None:
        said_by_b: list[object] = []
        joined_again = threading.Event()

        class Watched(Inbox):
            def next(self, until: float) -> Arrival | None:
                arrival = super().next(until)
                if arrival is not None and arrival.peer == "b":
                    said_by_b.append(arrival.content)
                    if isinstance(arrival.content, RoundUpdate):
                        federation.add("b", learner(trainer_of(shift(50.0))))
                    elif isinstance(arrival.content, Confirmation) and len(said_by_b) > JOIN:
                        joined_again.set()
                return arrival

        def after(parameters: Parameters, number: int) -> tuple[Parameters, Mapping[str, float]]:
            joined_again.wait()
            return shift(1.0)(parameters, number)

        federation = Federation(Watched(EncoderRequest))
        federation.add("a", learner(trainer_of(after)))
        federation.add("b", learner(trainer_of(shift(1.0))))
        trained = federation.play(Rounds(count=1))
        assert same(trained.parameters, weights(1.0))
        assert trained.holders == ("a", "b")


class TestAMasterWhomNobodyJoins:
    """Its deadline is for rounds: how long it waits for children is another number."""

    def test_waits_no_longer_than_it_was_told_and_names_who_is_missing(self) -> None:
        federation = Federation(Inbox(EncoderRequest, expected=["a", "b"]))
        with pytest.raises(ChannelError) as stopped:
            federation.play(Rounds(count=3, deadline=86_400.0), wait=0.1)
        assert stopped.value.exit_code == 4
        assert str(stopped.value).startswith(
            "before the first round, 0 of at least 2 children were there within 0.1 s; missing: "
            "'a' (has not come), 'b' (has not come). "
        )

    def test_goes_on_with_those_that_have_come(self) -> None:
        inbox = Inbox(EncoderRequest, expected=["a", "b", "late"])
        federation = Federation(inbox)
        for name in "ab":
            federation.add(name, learner(trainer_of(shift(1.0))))
        trained = federation.play(Rounds(count=1, deadline=1.0), wait=0.5)
        assert trained.holders == ("a", "b")
        assert trained.rounds[0].left_out == {"late": "has not come"}

    def test_lets_those_that_have_come_look_for_their_samples(self) -> None:
        looked = threading.Event()

        def slowly(encoder: str) -> LocalTrainer | Reason:
            looked.wait(0.5)
            return trainer_of(shift(1.0))(encoder)

        federation = Federation.of({"a": learner(slowly), "b": learner(slowly)})
        assert federation.play(Rounds(count=1), wait=0.1).holders == ("a", "b")


class TestTheQuorum:
    def test_missed_at_the_beginning_stops_with_one_sentence(self) -> None:
        federation = Federation.of(
            {"a": learner(trainer_of(shift(1.0))), "b": lambda line: line.abort()},
            arrivals=JOIN + 1,
        )
        with pytest.raises(ChannelError) as stopped:
            federation.play(Rounds(count=3, deadline=60.0))
        assert "before the first round" in str(stopped.value)
        assert "at least 2 children were there within 60 s; missing: 'b' (gone)" in str(
            stopped.value
        )

    def test_missed_in_a_round_stops_with_one_sentence(self) -> None:
        def dies(line: LoopbackEnd) -> None:
            enrol(line)
            line.receive(RoundStart)

        roles = {"a": learner(trainer_of(shift(1.0))), "b": dies}
        federation = Federation.of(roles, arrivals=2 * JOIN + 2)
        with pytest.raises(ChannelError) as stopped:
            federation.play(Rounds(count=3))
        assert str(stopped.value).startswith("in round 1, 1 of at least 2 children were there")
        assert "missing: 'b' (gone)" in str(stopped.value)
        assert "goes on where it stopped" in str(stopped.value)


class TestANewcomer:
    def test_joins_the_round_after_the_one_in_which_it_came(self) -> None:
        federation = Federation.of({name: learner(trainer_of(shift(1.0))) for name in "ab"})

        def fuse(before: Parameters, taken: Sequence[Contribution], state: Arrays) -> Fused:
            if len(federation.ends) == 2:
                federation.add("new", learner(trainer_of(shift(1.0)), wanted=None))
            return mean(before, taken, state)._replace(done=len(taken) == 3)

        trained = federation.play(Rounds(count=1000), fuse)
        assert set(trained.rounds[0].taken) == {"a", "b"}
        assert set(trained.rounds[-1].taken) == {"a", "b", "new"}
        assert trained.holders == ("a", "b", "new")


class TestTheMasterSendsAway:
    """And goes on with the others."""

    def played_with(self, mallory: Role) -> tuple[str, Federation]:
        """Why the master has refused it."""
        federation = Federation.of(
            {
                "a": learner(trainer_of(shift(1.0))),
                "b": learner(trainer_of(shift(1.0))),
                "mallory": mallory,
            }
        )
        trained = federation.play(Rounds(count=3))
        assert same(trained.parameters, weights(3.0))
        assert trained.holders == ("a", "b")
        (note,) = [event.note for event in federation.events if event.stage == "refuse"]
        assert note.startswith("'mallory' was refused: ")
        last = trained.rounds[-1].left_out["mallory"]
        assert note.endswith(last)
        return last, federation

    def answers(self, update: Parameters, ahead: int = 0) -> Role:
        def role(line: LoopbackEnd) -> None:
            enrol(line)
            start = line.receive(RoundStart)
            line.send(RoundUpdate(round=start.round + ahead, update=update, metrics={}))
            told = line.receive(Turn)
            assert told.task == "leave"
            assert told.reason

        return role

    def test_a_child_that_repeats_a_round(self) -> None:
        def role(line: LoopbackEnd) -> None:
            enrol(line)
            first = line.receive(RoundStart).round
            for _ in range(2):
                line.send(RoundUpdate(round=first, update=weights(1.0), metrics={}))
            line.receive(Turn)
            line.receive(RoundStart)
            assert line.receive(Turn).task == "leave"

        why, federation = self.played_with(role)
        assert "it sent an update of round 1 where round 2 was due" in why
        assert not federation.raised

    @pytest.mark.parametrize(
        ("update", "why"),
        [
            (
                {**weights(1.0), "w": np.ones((2, 3), np.float32)},
                r"'w' has shape (2, 3) where (2, 2)",
            ),
            ({"w": weights(1.0)["w"]}, "'bias' is missing"),
            ({**weights(1.0), "x": np.ones(1, np.float32)}, "'x' is not one of its parameters"),
            ({**weights(1.0), "bias": np.full((), np.nan, np.float32)}, "not numbers"),
            ({**weights(1.0), "bias": np.full((), np.inf, np.float32)}, "not numbers"),
            ({**weights(1.0), "bias": np.ones(())}, "expected an array of float32"),
        ],
        ids=["shape", "missing", "extra", "nan", "infinity", "double"],
    )
    def test_a_child_whose_update_does_not_fit(self, update: Parameters, why: str) -> None:
        found, federation = self.played_with(self.answers(update))
        assert why in found
        assert not federation.raised

    def test_a_child_that_asks_for_another_encoder(self) -> None:
        why, federation = self.played_with(learner(trainer_of(shift(1.0)), wanted="text"))
        assert "it asks for the encoder 'text', we train 'linear'" in why
        assert isinstance(federation.raised["mallory"], PeerError)
        assert "'master' trains 'linear', and we ask for 'text'" in str(
            federation.raised["mallory"]
        )

    def test_a_child_that_confirms_without_samples(self) -> None:
        why, _ = self.played_with(learner(trainer_of(shift(1.0), samples=0)))
        assert "it confirms without a sample" in why

    def test_a_child_that_speaks_out_of_turn(self) -> None:
        def role(line: LoopbackEnd) -> None:
            enrol(line)
            line.send(Confirmation(samples=10**9))
            line.receive(RoundStart)
            line.receive(Turn)

        why, _ = self.played_with(role)
        assert "expected RoundUpdate from 'mallory', got Confirmation" in why

    def test_a_child_whose_update_the_job_does_not_allow(self) -> None:
        def examine(contribution: Contribution) -> str:
            return "its update is too large" if contribution.update["bias"] > 2 else ""

        roles = {"a": learner(trainer_of(shift(1.0))), "mallory": learner(trainer_of(shift(9.0)))}
        training = Training(ENCODER, INITIAL, mean, examine)
        trained = Federation.of(roles).play(Rounds(count=2, quorum=1), training=training)
        assert same(trained.parameters, weights(2.0))
        assert trained.rounds[1].left_out == {"mallory": "refused: its update is too large"}


class TestTheMasterStops:
    def test_when_honest_updates_add_up_to_more_than_a_number_can_hold(self) -> None:
        roles = {name: learner(trainer_of(shift(3e38))) for name in "ab"}

        def add(before: Parameters, taken: Sequence[Contribution], _state: Arrays) -> Fused:
            with np.errstate(over="ignore"):
                return Fused({n: before[n] + sum(it.update[n] for it in taken) for n in before})

        with pytest.raises(JobError, match="round 1 are not finite numbers"):
            Federation.of(roles).play(Rounds(count=2), add)


class TestAChildStopsOn:
    def stopped(self, train: Train, messages: Sequence[Message]) -> Exception:
        """What it raises at a master that sends these messages."""
        federation = Federation.of({"ours": learner(trainer_of(train))})
        ((_, line, _),) = federation.ends
        line.receive(EncoderRequest)
        line.send(Instruction(encoder=ENCODER))
        line.receive(Confirmation)
        for message in messages:
            line.send(message)
        federation.wait()
        return federation.raised["ours"]

    def test_training_that_diverges(self) -> None:
        start = RoundStart(round=4, parameters=INITIAL)
        error = self.stopped(shift(float("inf")), [Turn(task="train"), start])
        assert isinstance(error, SpecError)
        assert "training in round 4 gave numbers that are not finite; nothing was sent" in str(
            error
        )

    def test_training_that_gives_another_type_of_numbers(self) -> None:
        def double(parameters: Parameters, _: int) -> tuple[Parameters, Mapping[str, float]]:
            return {name: array.astype(float) for name, array in parameters.items()}, {}

        start = RoundStart(round=1, parameters=INITIAL)
        error = self.stopped(double, [Turn(task="train"), start])
        assert isinstance(error, SpecError)
        assert "'bias' holds float64 where float32 was due" in str(error)

    def test_parameters_of_another_encoder(self) -> None:
        start = RoundStart(round=1, parameters={"w": np.ones(3, np.float32)})
        error = self.stopped(shift(1.0), [Turn(task="train"), start])
        assert isinstance(error, PeerError)
        assert "'master' began round 1 with another encoder: 'bias' is missing" in str(error)

    def test_a_result_that_does_not_have_its_digest(self) -> None:
        published = Published(parameters=weights(1.0), model=digest(weights(2.0)))
        error = self.stopped(shift(1.0), [Turn(task="publish"), published])
        assert isinstance(error, PeerError)
        assert "do not have the digest" in str(error)


def enrol(line: Channel) -> None:
    """Do as an honest child does, up to its first turn to train."""
    line.send(EncoderRequest(encoder=ENCODER))
    line.receive(Instruction)
    line.send(Confirmation(samples=1))
    assert line.receive(Turn).task == "train"
