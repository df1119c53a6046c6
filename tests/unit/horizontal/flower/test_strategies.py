"""Our fusion rules as strategies of Flower."""

from typing import Any

import numpy as np
import pytest
from flwr.app import Array, ArrayRecord, ConfigRecord, Error, Message, MetricRecord, RecordDict
from flwr.serverapp import Grid
from flwr.serverapp.strategy import FedAvg, FedMedian
from flwr.supercore.task_identity import TaskIdentity
from numpy.typing import NDArray

from isthmus.core.errors import SpecError
from isthmus.horizontal.flower.strategies import FusionStrategy, Root
from isthmus.horizontal.fusion import spec
from isthmus.horizontal.fusion.spec import FusionRule, Limits
from isthmus.horizontal.parameters import Parameters

Arrays = dict[str, NDArray[Any]]

START: Arrays = {"w": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.ones(2)}


@pytest.fixture(autouse=True)
def inside_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Flower's messages know who writes them: the ServerApp of a run."""
    for name in ("run_id", "node_id", "task_id"):
        monkeypatch.setattr(TaskIdentity, f"_{name}", 1)


class Fleet(Grid):
    """Nodes that are all there."""

    def __init__(self, nodes: int) -> None:
        self._nodes = list(range(1, nodes + 1))

    def get_node_ids(self) -> list[int]:
        return self._nodes

    run = property(lambda _: None)
    set_run = create_message = push_messages = pull_messages = send_and_receive = None  # type: ignore[assignment]


def record(arrays: Arrays) -> ArrayRecord:
    return ArrayRecord({name: Array(np.asarray(it)) for name, it in arrays.items()})


def moved(by: float, arrays: Arrays = START) -> Arrays:
    return {name: np.asarray(it + it.dtype.type(by)) for name, it in arrays.items()}


def answer(question: Message, arrays: Arrays, samples: float = 1, **metrics: float) -> Message:
    told = MetricRecord({"num-examples": samples, **metrics})
    message = Message(RecordDict({"arrays": record(arrays), "metrics": told}), reply_to=question)
    message.metadata.__dict__["_src_node_id"] = question.metadata.dst_node_id
    return message


def questions(strategy: FedAvg, nodes: int, arrays: Arrays = START) -> list[Message]:
    found = list(strategy.configure_train(1, record(arrays), ConfigRecord(), Fleet(nodes)))
    return sorted(found, key=lambda it: it.metadata.dst_node_id)


def one_round(strategy: FedAvg, moves: list[float], samples: list[int] | None = None) -> Arrays:
    """The arrays after a round in which each node moves every number by so much."""
    counts = samples or [1] * len(moves)
    asked = questions(strategy, len(moves))
    given = [answer(q, moved(by), n) for q, by, n in zip(asked, moves, counts, strict=True)]
    fused, _ = strategy.aggregate_train(1, given)
    assert fused is not None
    return {name: it.numpy() for name, it in fused.items()}


class TestRules:
    @pytest.mark.parametrize(
        ("rule", "flower"), [(spec.Count(), FedAvg()), (spec.Median(), FedMedian())]
    )
    def test_agree_with_flowers_own(self, rule: FusionRule, flower: FedAvg) -> None:
        moves, samples = [1.0, 2.0, 9.0], [1, 2, 5]
        ours, theirs = (one_round(it, moves, samples) for it in (FusionStrategy(rule), flower))
        for name in START:
            np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-6)
            assert ours[name].dtype == START[name].dtype

    def test_a_robust_one_outvotes_a_liar(self) -> None:
        after = one_round(FusionStrategy(spec.TrimmedMean(faulty=1)), [1.0, 1.0, -100.0])
        np.testing.assert_allclose(after["w"], START["w"] + 1)

    def test_one_with_a_memory_goes_on_from_it(self) -> None:
        strategy = FusionStrategy(spec.FedAvgM(momentum=0.5))
        steps = [one_round(strategy, [1.0, 1.0])["w"] - START["w"] for _ in range(2)]
        np.testing.assert_allclose(steps[0], 1.0)
        np.testing.assert_allclose(steps[1], 1.5)

    def test_fedprox_tells_the_nodes_its_pull_as_flower_does(self) -> None:
        strategy = FusionStrategy(spec.FedProx(proximal=0.25))
        asked = questions(strategy, 2)
        assert asked[0].content.config_records["config"]["proximal-mu"] == 0.25

    def test_one_that_needs_the_servers_samples_gets_what_these_say(self) -> None:
        def trained(parameters: Parameters) -> Parameters:
            return {name: np.ones_like(it) for name, it in parameters.items()}

        strategy = FusionStrategy(spec.FLTrust(), root=Root(update=trained))
        after = one_round(strategy, [1.0, -1.0])
        np.testing.assert_allclose(after["w"], START["w"] + 1, rtol=1e-5)
        assert strategy.weights == [{1: 1.0, 2: 0.0}]

    def test_one_of_tables_averages_a_row_over_the_nodes_that_touched_it(self) -> None:
        strategy = FusionStrategy(spec.TouchMean(tables=("w",)))
        asked = questions(strategy, 2)
        one = START | {"w": START["w"] + np.array([[4.0], [0.0]], np.float32)}
        other = START | {"w": START["w"] + np.array([[2.0], [5.0]], np.float32)}
        given = [answer(q, it) for q, it in zip(asked, (one, other), strict=True)]
        fused, _ = strategy.aggregate_train(1, given)
        assert fused is not None
        np.testing.assert_allclose(fused["w"].numpy() - START["w"], [[3.0] * 3, [5.0] * 3])

    @pytest.mark.parametrize(
        ("rule", "lacks"),
        [
            (spec.FLTrust(), "trained on its own samples"),
            (spec.ValidationGradient(), "gradient of the loss"),
            (spec.ActorCritic(), "an actor-critic chose"),
            (spec.TouchMean(), "name them in `tables`"),
            (spec.Scaffold(), "the change of each child's control"),
        ],
    )
    def test_one_that_lacks_what_it_needs_is_refused(self, rule: FusionRule, lacks: str) -> None:
        with pytest.raises(SpecError, match=lacks):
            FusionStrategy(rule)


class TestAnswers:
    def test_arrays_without_real_numbers_keep_their_value(self) -> None:
        arrays = {**START, "batches": np.array(7)}
        strategy = FusionStrategy(spec.Count())
        asked = questions(strategy, 2, arrays)
        given = [answer(it, {**moved(1.0), "batches": np.array(99)}) for it in asked]
        fused, _ = strategy.aggregate_train(1, given)
        assert fused is not None
        assert fused["batches"].numpy() == 7

    def test_metrics_are_means_by_sample(self) -> None:
        strategy = FusionStrategy(spec.Uniform())
        first, second = questions(strategy, 2)
        given = [answer(first, START, 1, loss=4.0, own=1.0), answer(second, START, 3, loss=8.0)]
        _, metrics = strategy.aggregate_train(1, given)
        assert metrics == MetricRecord({"loss": 7.0})

    @pytest.mark.parametrize(
        "arrays",
        [
            {"w": START["w"]},
            {**START, "w": START["w"].T},
            {**START, "w": np.full((2, 3), np.nan, np.float32)},
            {**START, "w": START["w"] * 1e9},
            {**START, "w": START["w"].astype(np.int64)},
        ],
    )
    def test_what_is_no_update_of_the_model_is_left_out(self, arrays: Arrays) -> None:
        assert self._left_out(lambda question: answer(question, arrays))

    @pytest.mark.parametrize("samples", [0, -3, 0.5, float("nan"), 2.0**50])
    def test_a_count_that_is_none_is_left_out(self, samples: float) -> None:
        assert self._left_out(lambda question: answer(question, moved(5.0), samples))

    def test_bytes_that_are_no_array_are_left_out(self) -> None:
        def broken(question: Message) -> Message:
            message = answer(question, moved(5.0))
            message.content.array_records["arrays"]["w"].data = b"PK\x03\x04"
            return message

        assert self._left_out(broken)

    def test_a_node_that_failed_is_left_out(self) -> None:
        assert self._left_out(lambda question: Message(Error(2, "no disk"), reply_to=question))

    def test_a_round_with_too_few_changes_nothing(self) -> None:
        strategy = FusionStrategy(spec.TrimmedMean(faulty=1), limits=Limits(largest_norm=1.0))
        given = [answer(it, moved(5.0)) for it in questions(strategy, 3)]
        assert strategy.aggregate_train(1, given) == (None, None)

    def _left_out(self, third: Any) -> bool:
        """Whether a round of three nodes comes out as if the third had not been there."""
        strategy = FusionStrategy(spec.Count())
        first, second, last = questions(strategy, 3)
        given = [answer(first, moved(1.0)), answer(second, moved(2.0)), third(last)]
        fused, _ = strategy.aggregate_train(1, given)
        assert fused is not None
        return bool(np.allclose(fused["w"].numpy(), START["w"] + 1.5))
