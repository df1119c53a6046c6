"""The benchmark of rounds runs, at sizes that say nothing; no federation of Flower runs here."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest
from flwr.app import ConfigRecord, Context, Message, RecordDict
from flwr.supercore.task_identity import TaskIdentity

from benchmarks import bench_rounds, flower_rounds, rival_flower
from benchmarks.bench_rounds import EMPTY, IN_PROCESS, KEPT, OURS, PARALLEL, QUICK, Rival, Sizes
from benchmarks.flower_rounds import Setting
from benchmarks.rival_flower import ARRAYS, MarkedFedAvg
from benchmarks.round_cost import Marks, Payload, Plan, RoundCost, cpu_seconds
from benchmarks.rounds import Work, in_process, over_grpc, parameters
from isthmus.core.errors import SpecError
from isthmus.horizontal.privacy.spec import EightBit, Privacy, SecureAggregation

SIZES = Sizes(
    children=3,
    many=4,
    large=40,
    medium=30,
    small=20,
    rounds=3,
    medium_rounds=2,
    large_rounds=2,
    many_rounds=2,
)
SMALL = Payload("small", numbers=12, rounds=2, arrays=3)


def slow(_children: int, payloads: Sequence[Payload]) -> list[RoundCost]:
    return [RoundCost(it.rounds, it.rounds * 1e6, 1, 1) for it in payloads]


def at_once(_children: int, payloads: Sequence[Payload]) -> list[RoundCost]:
    return [RoundCost(1, 1e-9, 1, 1)] * len(payloads)


def fail(_children: int, _payloads: Sequence[Payload]) -> list[RoundCost]:
    raise SpecError("it gave up.")


class TestRoundCost:
    def test_is_that_between_the_ends_of_rounds(self) -> None:
        marks = Marks(ends=[50, 51, 59, 61], cpu=6, received=30)
        assert RoundCost.of(marks) == RoundCost(rounds=3, wall=2, slowest=8, cpu=2, received=10)

    def test_counts_the_seconds_of_processes_that_work(self) -> None:
        before = cpu_seconds(os.getpid())
        until = time.process_time() + 0.05
        while time.process_time() < until:
            pass
        assert cpu_seconds(os.getpid()) >= before + 0.03


class TestPayload:
    def test_is_the_same_for_ours_and_for_flower_in_size_and_arrays(self) -> None:
        ours, theirs = parameters(SMALL), rival_flower.initial(SMALL)
        assert {name: it.shape for name, it in ours.items()} == {
            name: tuple(it.shape) for name, it in theirs.items()
        }
        assert sum(it.nbytes for it in ours.values()) == 4 * SMALL.numbers
        assert {it.dtype for it in theirs.values()} == {"float32"}

    def test_comes_back_from_each_child_in_another_way(self) -> None:
        work = Work(SMALL, children=3)
        first, other = (
            work.trainer(name).train(parameters(SMALL), 1)[0] for name in work.names[:2]
        )
        assert not any(np.allclose(first[name], other[name]) for name in first)


class TestInProcess:
    def test_plays_one_round_more_than_it_counts(self) -> None:
        cost = in_process(Work(SMALL, children=2))
        assert 0 < cost.wall <= cost.slowest
        assert cost.received == 0


class TestFlower:
    @pytest.fixture(autouse=True)
    def in_a_run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("run_id", "node_id", "task_id"):
            monkeypatch.setattr(TaskIdentity, f"_{name}", 1)

    def answer(self, node: int) -> Message:
        content = RecordDict({ARRAYS: rival_flower.initial(SMALL), "config": ConfigRecord()})
        context = Context(1, node, {}, RecordDict(), {})
        return rival_flower.train(Message(content, node, "train"), context)

    def test_a_node_answers_with_the_parameters_times_a_number_of_its_own(self) -> None:
        before = rival_flower.initial(SMALL)["0"].numpy()
        for node, factor in ((2_000, 1.002), (31_000, 1.001)):
            answer = self.answer(node).content.array_records[ARRAYS]["0"].numpy()
            assert answer == pytest.approx(before * factor)

    def test_a_round_ends_when_the_average_is_there(self) -> None:
        strategy = MarkedFedAvg(nodes=2, rounds=2, root=os.getpid())
        for number in (1, 2, 3):
            averaged, _ = strategy.aggregate_train(number, [self.answer(node) for node in (5, 9)])
            assert averaged is not None
        assert len(strategy.marks().ends) == 3

    def test_a_round_without_all_nodes_is_none(self) -> None:
        strategy = MarkedFedAvg(nodes=2, rounds=2, root=os.getpid())
        with pytest.raises(AssertionError):
            strategy.aggregate_train(1, [self.answer(5)])

    def test_a_federation_that_does_not_start_is_left_out(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_: object) -> None:
            raise AssertionError("the SuperLink ended")

        monkeypatch.setattr(flower_rounds, "simulated", broken)
        with pytest.raises(SpecError, match="the SuperLink ended"):
            flower_rounds.play(Setting(simulated=True), 2, [SMALL])
        assert "FLWR_HOME" not in os.environ

    def test_its_processes_read_the_plan(self) -> None:
        plan = Plan(2, [SMALL], 1, "answer.json")
        assert msgspec.json.decode(msgspec.json.encode(plan), type=Plan) == plan


class TestMeasurement:
    """What our own processes take is made up here; `TestProcesses` has real ones."""

    @pytest.fixture(autouse=True)
    def made_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def over_grpc(work: Work) -> RoundCost:
            saved = 4 if work.privacy.compression else 1
            return RoundCost(work.payload.rounds, 0.02, 0.03, 0.04, 6e6 / saved)

        monkeypatch.setattr(bench_rounds, "over_grpc", over_grpc)

    def test_has_a_table_for_each_question(self) -> None:
        rivals = {QUICK: Rival(slow, (3, 0)), PARALLEL: Rival(slow, (20, 3))}
        found = bench_rounds.measure(SIZES, rivals)
        few, many, masks, smaller = found.tables.values()
        assert [row["by"] for row in few] == [
            *(OURS, KEPT, IN_PROCESS, QUICK, PARALLEL),
            *(OURS, KEPT, IN_PROCESS, PARALLEL),
        ]
        assert [few[row]["s / isthmus"] for row in (0, 1, 3)] == [1, 1, 3e6 / 0.02]
        assert [row["by"] for row in many] == [OURS, IN_PROCESS, PARALLEL] * 2
        assert [row["updates"] for row in masks] == ["as they are", "under masks"] * 2
        assert [row["MB / 32 bits"] for row in smaller] == [1, 0.25, 0.25]
        assert smaller[0]["MB from a child"] == 2
        assert "empty rounds take 0.02 s, 150,000,000 times as fast as Flower" in found.answer
        assert not found.falls_short

    def test_names_what_is_missing_and_where_a_rival_is_faster(self) -> None:
        rivals = {QUICK: Rival(at_once, (3, 2)), PARALLEL: Rival(fail, (20, 3))}
        found = bench_rounds.measure(SIZES, rivals)
        assert found.falls_short == [
            f"{PARALLEL} was not measured with 3 children: it gave up.",
            f"{PARALLEL} was not measured with 4 children: it gave up.",
            f"With {EMPTY} rounds, {OURS!r} takes 2e+07 times the time of {QUICK!r}; the aim is "
            "less.",
            f"With 0 MB rounds, {OURS!r} takes 2e+07 times the time of {QUICK!r}; the aim is less.",
        ]

    def test_compares_a_simulation_with_our_own(self) -> None:
        rivals = {PARALLEL: Rival(at_once, (20, 0), IN_PROCESS)}
        (missed,) = bench_rounds.measure(SIZES, rivals).falls_short
        assert missed.startswith(f"With {EMPTY} rounds, {IN_PROCESS!r} takes")

    def test_says_when_an_empty_round_takes_too_long(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bench_rounds, "over_grpc", lambda _: RoundCost(1, 0.06, 1, 1, 1))
        found = bench_rounds.measure(SIZES, {})
        assert found.falls_short == ["An empty round takes 0.06 s; the aim is 0.05."]


@pytest.mark.slow
class TestProcesses:
    def test_play_rounds_over_mutual_tls_and_keep_them(self, tmp_path: Path) -> None:
        work = Work(SMALL, children=2, folder=tmp_path)
        cost = over_grpc(work)
        assert 0 < cost.wall <= cost.slowest
        assert cost.received > 2 * 4 * SMALL.numbers
        assert {it.name for it in tmp_path.iterdir()} >= {"master", *work.names}

    def test_send_less_when_they_round_and_more_under_masks(self) -> None:
        large = Payload("large", numbers=3_000, rounds=2)
        plain, rounded, masked = (
            over_grpc(Work(large, 3, privacy)).received
            for privacy in (
                Privacy(),
                Privacy(compression=EightBit()),
                Privacy(secure_aggregation=SecureAggregation()),
            )
        )
        assert rounded < plain / 3
        assert masked > plain
