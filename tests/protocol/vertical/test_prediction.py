"""Scoring with a stored model: all roles over lines, honest and not."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from isthmus.core.arrays import Floats
from isthmus.core.errors import PeerError
from isthmus.data.table import Table
from isthmus.ledger.forecast import Sizes
from isthmus.transport.message import Message
from isthmus.vertical.boosting.messages import Decisions
from isthmus.vertical.boosting.trees import objective
from isthmus.vertical.prediction.active import active
from isthmus.vertical.prediction.forecast import forecast
from isthmus.vertical.prediction.passive import passive
from isthmus.vertical.prediction.spec import Prediction
from isthmus.vertical.regression import model as linear
from isthmus.vertical.regression.scaling import Label, Scaling
from tests.coded import INSURER, PHARMACY, Run, a_data, a_spec
from tests.roles import Play, Role, gather
from tests.transcripts import kinds

pytestmark = pytest.mark.usefixtures("keys_made_once")

OBJECTIVES = ("binary", "multiclass", "squared", "absolute", "poisson", "tweedie")
OTHERS = {"insurer": INSURER, "pharmacy": PHARMACY}


class Trees:
    """Parts of a model that three parties trained, and the rows that training scored."""

    def __init__(self, label: str) -> None:
        classes = 3 if label == "multiclass" else 0
        self.data = a_data(label)
        outcome = Run(a_spec(objective=label, classes=classes, trees=2), self.data, OTHERS).play()
        self.trained = outcome.returned["hub"]
        self.parts = {party: outcome.returned[party] for party in OTHERS}
        self.spec = Prediction(
            model="0" * 64,
            system="boosting",
            splits={party: len(part.splits) for party, part in self.parts.items()},
            block_rows=25,
        )

    def score(self, rows: Sequence[int] | None = None) -> Play:
        """Score test rows, all of them or some."""

        def taken(columns: Sequence[int], *, label: bool = False) -> Table:
            test = self.data.rows(columns, label=label).test
            return test if rows is None else test.take(np.array(rows))

        hub = taken(Run(self.trained.part.spec, self.data).clinic, label=True)

        def helper(party: str) -> Role:
            rows = taken(OTHERS[party])
            return lambda line: passive(line, self.parts[party], rows, self.spec)

        return gather(
            lambda lines: active(lines, self.trained.part, hub, self.spec),
            {party: helper(party) for party in OTHERS},
        )


@pytest.fixture(scope="module")
def trees() -> Trees:
    return Trees("binary")


class TestTrees:
    @pytest.mark.parametrize("label", OBJECTIVES)
    def test_give_the_scores_of_training_to_the_last_digit(self, label: str) -> None:
        trees = Trees(label)
        scores = trees.score().returned["hub"]
        assert np.array_equal(np.atleast_2d(scores), trees.trained.predictions)
        alone = trees.score([7]).returned["hub"]
        assert np.array_equal(alone[..., 0], scores[..., 7])

    def test_of_many_classes_score_one_row_as_among_many(self) -> None:
        spec = a_spec(objective="multiclass", classes=9)
        score = np.random.default_rng(2).normal(size=(9, 50))
        every = objective.prediction(score, spec)
        for row in range(50):
            alone = objective.prediction(score[:, [row]], spec)
            assert np.array_equal(alone[:, 0], every[:, row])

    def test_send_decisions_and_nothing_else(self, trees: Trees) -> None:
        outcome = trees.score()
        for party in OTHERS:
            assert set(kinds(outcome.sent[party])) == {"Decisions"}
            assert outcome.sent[f"hub to {party}"] == []

    def test_send_as_many_bytes_as_forecast(self, trees: Trees) -> None:
        outcome = trees.score()
        rows = len(trees.trained.predictions[0])
        sizes = Sizes({}, rows, 0, rows, {}, 0)
        for party in OTHERS:
            expected = sum(flow.bytes for flow in forecast(trees.spec, party, sizes))
            assert sum(map(len, outcome.sent[party])) == expected

    @pytest.mark.parametrize(
        "message",
        [
            Decisions(first_row=5, left=np.zeros(1, np.uint8)),
            Decisions(first_row=0, left=np.zeros(1, np.uint8)),
        ],
        ids=["other rows", "too few"],
    )
    def test_refuse_decisions_about_something_else(self, trees: Trees, message: Message) -> None:
        def cheat(line: Any) -> None:
            line.send(message)

        test = trees.data.rows(Run(trees.trained.part.spec, trees.data).clinic, label=True).test
        outcome = gather(
            lambda lines: active(lines, trees.trained.part, test, trees.spec),
            dict.fromkeys(OTHERS, cheat),
        )
        with pytest.raises(PeerError, match="sent Decisions that no honest run makes"):
            raise outcome.raised["hub"]


def a_part(names: Sequence[str], weights: Sequence[float]) -> linear.Part:
    count = len(names)
    scaling = Scaling(np.arange(count) / 3, 1 + np.arange(count) / 7)
    return linear.part("logit", tuple(names), scaling, np.array(weights))


class TestRegression:
    """Its part is a sum of columns, in an order that does not depend on other rows."""

    ROWS = 60

    def score(self, rows: slice) -> Play:
        spec = Prediction(model="0" * 64, system="regression", block_rows=25)
        values = np.random.default_rng(5).normal(size=(self.ROWS, 37))[rows]
        ids = [b"%d" % at for at in range(len(values))]
        names = [f"column-{at}" for at in range(37)]
        weights = np.random.default_rng(6).normal(size=37)
        ours = linear.labelled(a_part(names[:20], weights[:20].tolist()), 0.25, Label(np.empty(0)))
        theirs = a_part(names[20:], weights[20:].tolist())
        clinic = Table(ids, values[:, :20], tuple(names[:20]))
        insurer = Table(ids, values[:, 20:], tuple(names[20:]))
        return gather(
            lambda lines: active(lines, ours, clinic, spec),
            {"insurer": lambda line: passive(line, theirs, insurer, spec)},
        )

    def test_scores_one_row_as_among_many_to_the_last_digit(self) -> None:
        every: Floats = self.score(slice(None)).returned["hub"]
        for row in range(0, self.ROWS, 7):
            assert self.score(slice(row, row + 1)).returned["hub"][0] == every[row]

    def test_sends_shares_of_scores_and_nothing_else(self) -> None:
        outcome = self.score(slice(None))
        assert set(kinds(outcome.sent["insurer"])) == {"PartialPredictor"}
        spec = Prediction(model="0" * 64, system="regression", block_rows=25)
        sizes = Sizes({}, self.ROWS, 0, self.ROWS, {}, 0)
        expected = sum(flow.bytes for flow in forecast(spec, "insurer", sizes))
        assert sum(map(len, outcome.sent["insurer"])) == expected
