"""Scoring with a stored model: all roles over lines, honest and not."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from isthmus.core.arrays import Floats
from isthmus.core.errors import ChannelError, PeerError, SpecError
from isthmus.data.table import Table
from isthmus.jobs.messages import Done
from isthmus.ledger.forecast import Sizes
from isthmus.ledger.record import Ledger, records
from isthmus.transport.message import Message, encode
from isthmus.vertical.boosting.messages import Decisions, pack_bits
from isthmus.vertical.boosting.trees import objective
from isthmus.vertical.prediction.active import Asking, active
from isthmus.vertical.prediction.forecast import forecast
from isthmus.vertical.prediction.messages import RequestedRows
from isthmus.vertical.prediction.passive import answer, passive
from isthmus.vertical.prediction.requests import asked_rows, recorded
from isthmus.vertical.prediction.spec import Online, Prediction
from isthmus.vertical.regression import model as linear
from isthmus.vertical.regression.messages import MaskedPredictor, PartialPredictor
from isthmus.vertical.regression.scaling import Label, Scaling
from isthmus.vertical.regression.spec import Family
from tests.coded import INSURER, PHARMACY, Run, a_data, a_spec
from tests.regressions import identity
from tests.roles import Play, Role, gather
from tests.transcripts import kinds, of_kinds

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

    def online(self, requests: Sequence[Sequence[int]]) -> "tuple[Asked, Play]":
        """Score test rows by requests, one after the other."""
        asked = Asked(msgspec.structs.replace(self.spec, online=ONLINE))
        hub = self.data.rows(Run(self.trained.part.spec, self.data).clinic, label=True).test
        answering = {
            party: asked.answers(party, self.parts[party], self.data.rows(columns).test, always)
            for party, columns in OTHERS.items()
        }
        return asked, gather(asked.asks(self.trained.part, hub, requests), answering)


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
        _, online = trees.online(REQUESTS)
        for rows, found in zip(REQUESTS, online.returned["hub"], strict=True):
            assert np.array_equal(found, scores[..., rows])

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


def a_part(
    names: Sequence[str], weights: Sequence[float], family: Family = "binomial"
) -> linear.Part:
    count = len(names)
    scaling = Scaling(np.arange(count) / 3, 1 + np.arange(count) / 7)
    return linear.part(family, tuple(names), scaling, np.array(weights))


class Regressed:
    """Both parts of a regression, and rows of both parties."""

    ROWS = 60

    def __init__(self, family: Family = "binomial") -> None:
        values = np.random.default_rng(5).normal(size=(self.ROWS, 37))
        ids = [b"%d" % at for at in range(self.ROWS)]
        names = [f"column-{at}" for at in range(37)]
        weights = np.random.default_rng(6).normal(size=37)
        first = a_part(names[:20], weights[:20].tolist(), family)
        self.ours = linear.labelled(first, 0.25, Label(*np.empty((3, 0))))
        self.theirs = a_part(names[20:], weights[20:].tolist(), family)
        self.clinic = Table(ids, values[:, :20], tuple(names[:20]))
        self.insurer = Table(ids, values[:, 20:], tuple(names[20:]))
        self.spec = Prediction(model="0" * 64, system="regression", block_rows=25, online=ONLINE)

    def at_once(self, rows: Sequence[int] | None = None) -> Play:
        taken = np.arange(self.ROWS) if rows is None else np.array(rows)
        clinic, insurer = self.clinic.take(taken), self.insurer.take(taken)
        return gather(
            lambda lines: active(lines, self.ours, clinic, self.spec),
            {"insurer": lambda line: passive(line, self.theirs, insurer, self.spec)},
        )

    def online(self, requests: Sequence[Sequence[int]], answering: Role | None = None) -> Play:
        asked = Asked(self.spec)
        honest = asked.answers("insurer", self.theirs, self.insurer, always)
        asks = asked.asks(self.ours, self.clinic, requests)
        return gather(asks, {"insurer": answering or honest})


class TestRegression:
    """Its part is a sum of columns, in an order that does not depend on other rows."""

    def test_scores_one_row_as_among_many_to_the_last_digit(self) -> None:
        regressed = Regressed()
        every: Floats = regressed.at_once().returned["hub"]
        for row in range(0, regressed.ROWS, 7):
            assert regressed.at_once([row]).returned["hub"][0] == every[row]

    def test_sends_shares_of_scores_and_nothing_else(self) -> None:
        regressed = Regressed()
        outcome = regressed.at_once()
        assert set(kinds(outcome.sent["insurer"])) == {"PartialPredictor"}
        spec = msgspec.structs.replace(regressed.spec, online=None)
        sizes = Sizes({}, regressed.ROWS, 0, regressed.ROWS, {}, 0)
        expected = sum(flow.bytes for flow in forecast(spec, "insurer", sizes))
        assert sum(map(len, outcome.sent["insurer"])) == expected


class OfThree:
    """The same model, but the insurer's columns are those of two parties."""

    PARTS = {"insurer": slice(0, 10), "pharmacy": slice(10, 17)}

    def __init__(self) -> None:
        self.whole = Regressed()
        self.spec = self.whole.spec

    def helper(self, party: str, rows: Sequence[int]) -> tuple[linear.Part, Table]:
        """A party's part of the model, and its columns."""
        at, all_columns = self.PARTS[party], self.whole.insurer
        part = msgspec.structs.replace(self.whole.theirs, columns=self.whole.theirs.columns[at])
        own = Table(all_columns.identifiers, all_columns.features[:, at], all_columns.names[at])
        return part, own.take(np.array(rows))

    def at_once(self, rows: Sequence[int]) -> Play:
        def helping(party: str) -> Role:
            part, own = self.helper(party, rows)
            who = identity(party, list(self.PARTS))
            return lambda line: passive(line, part, own, self.spec, who)

        ours = self.whole.clinic.take(np.array(rows))
        return gather(
            lambda lines: active(lines, self.whole.ours, ours, self.spec),
            {party: helping(party) for party in self.PARTS},
        )

    def online(self, requests: Sequence[Sequence[int]]) -> "tuple[Asked, Play]":
        asked = Asked(self.spec)

        def answering(party: str) -> Role:
            part, own = self.helper(party, range(Regressed.ROWS))
            who = identity(party, list(self.PARTS))
            counted = asked.counted[party]
            return lambda line: answer(line, part, own, self.spec, counted, always, who)

        asks = asked.asks(self.whole.ours, self.whole.clinic, requests)
        return asked, gather(asks, {party: answering(party) for party in self.PARTS})


class TestRegressionOfThreeParties:
    """The active party learns the sum of the shares of the others, and no share."""

    def test_gives_the_scores_of_one_place(self) -> None:
        rows = range(Regressed.ROWS)
        expected = Regressed().at_once().returned["hub"]
        assert OfThree().at_once(rows).returned["hub"] == pytest.approx(expected, abs=1e-9)

    def test_scores_online_as_at_once_to_the_last_digit(self) -> None:
        every = OfThree().at_once(range(Regressed.ROWS)).returned["hub"]
        _, outcome = OfThree().online(REQUESTS)
        for rows, found in zip(REQUESTS, outcome.returned["hub"], strict=True):
            assert np.array_equal(found, every[rows])

    def test_sends_nothing_twice_even_of_one_row(self) -> None:
        _, outcome = OfThree().online([[7, 7], [7], [7]])
        for party in OfThree.PARTS:
            sent = of_kinds(outcome.sent[party], MaskedPredictor)
            words = np.concatenate([each.values for each in sent]).tolist()
            assert len(set(words)) == len(words) == 4

    def test_sends_as_many_bytes_as_forecast(self) -> None:
        asked, online = OfThree().online(REQUESTS)
        at_once = OfThree().at_once(range(Regressed.ROWS))
        rows = dict.fromkeys(("hub", *OfThree.PARTS), 1)
        known = Sizes(rows, 0, 0, 0, {}, 0, requests=dict(asked.counted["hub"]))
        all_of_them = Sizes(rows, Regressed.ROWS, 0, Regressed.ROWS, {}, 0)
        offline = msgspec.structs.replace(asked.spec, online=None)
        for spec, sizes, outcome in (
            (asked.spec, known, online),
            (offline, all_of_them, at_once),
        ):
            for party in OfThree.PARTS:
                sent = (*outcome.sent[party], *outcome.sent[f"hub to {party}"])
                expected = sum(flow.bytes for flow in forecast(spec, party, sizes))
                assert sum(map(len, sent)) == expected


ONLINE = Online(request_rows=8, rows=60)
REQUESTS = ([0], [3, 1, 2], [7, 7], list(range(20, 28)))


def always() -> bool:
    return True


def nothing(rows: Table) -> None:
    """Refuse no rows."""


class Asked:
    """Requests that one party makes of others, and what all of them have counted."""

    def __init__(self, spec: Prediction) -> None:
        self.spec = spec
        self.counted = {party: Counter[int]() for party in ("hub", *OTHERS)}

    def answers(self, party: str, part: Any, rows: Table, wait: Callable[[], bool]) -> Role:
        return lambda line: answer(line, part, rows, self.spec, self.counted[party], wait)

    def asks(self, part: Any, rows: Table, requests: Sequence[Sequence[int]]) -> Any:
        """Ask for one request after the other, and return the scores of each."""

        def hub(lines: Any) -> Any:
            ask = Asking(lines, part, self.spec, self.counted["hub"], nothing)
            found = [ask(rows.take(np.array(each)), np.array(each)) for each in requests]
            assert ask.end() == list(lines)
            return found

        return hub


class TestTreesOnline:
    def test_name_positions_and_get_decisions_and_nothing_else(self, trees: Trees) -> None:
        asked, outcome = trees.online(REQUESTS)
        for party in OTHERS:
            assert set(kinds(outcome.sent[party])) == {"Decisions"}
            assert set(kinds(outcome.sent[f"hub to {party}"])) == {"RequestedRows"}
            assert outcome.returned[party]  # the hub said that it has no more requests
        assert set(map(str, asked.counted.values())) == {
            str(Counter({1: 1, 3: 1, 2: 1, 8: 1, 0: 1}))
        }

    def test_send_as_many_bytes_as_forecast_for_these_requests_and_at_most(
        self, trees: Trees
    ) -> None:
        asked, outcome = trees.online(REQUESTS)
        known = Sizes({}, 0, 0, 0, {}, 0, requests=dict(asked.counted["hub"]))
        for party in OTHERS:
            for sender, sent in (
                ("passive", outcome.sent[party]),
                ("active", outcome.sent[f"hub to {party}"]),
            ):
                exact, most = (
                    sum(
                        flow.bytes
                        for flow in forecast(asked.spec, party, sizes)
                        if flow.sender == sender
                    )
                    for sizes in (known, Sizes({}, 0, 0, 0, {}, 0))
                )
                assert sum(map(len, sent)) == exact < most

    def test_ask_nothing_of_a_party_without_splits(self, trees: Trees) -> None:
        spec = msgspec.structs.replace(trees.spec, splits={"insurer": 1}, online=ONLINE)
        (flow,) = forecast(spec, "pharmacy", Sizes({}, 0, 0, 0, {}, 0))
        assert (flow.sender, flow.count) == ("active", 1)  # that there are no more requests

    def test_end_well_where_one_of_several_parties_stops(self, trees: Trees) -> None:
        asked = Asked(msgspec.structs.replace(trees.spec, online=ONLINE))

        def answering(party: str) -> Role:
            waits = chain([True] * 2, repeat(party == "pharmacy"))
            rows = trees.data.rows(OTHERS[party]).test
            return asked.answers(party, trees.parts[party], rows, partial(next, waits))

        part = trees.trained.part
        rows = trees.data.rows(Run(part.spec, trees.data).clinic, label=True).test

        def hub(lines: Any) -> Any:
            ask = Asking(lines, part, asked.spec, asked.counted["hub"], nothing)
            for at in range(2):
                ask(rows.take(np.array([at])), np.array([at]))
            for _ in range(2):  # it stays so
                with pytest.raises(ChannelError, match="'insurer' answers no more: it was stopped"):
                    ask(rows.take(np.array([2])), np.array([2]))
            return ask.end()

        outcome = gather(hub, {party: answering(party) for party in OTHERS})
        assert outcome.returned == {"hub": ["pharmacy"], "insurer": False, "pharmacy": True}

    @pytest.mark.parametrize(
        ("requests", "said"),
        [
            ([[0] * 9], r"9 rows are too many at a time, as `.*request_rows` of the job is 8\. No"),
            (
                [[0] * 8] * 8,
                r"8 rows are too many now, as `.*\.rows` of the job is 60 and 4 are left",
            ),
        ],
        ids=["at a time", "in all"],
    )
    def test_send_nothing_that_the_job_does_not_allow(
        self, trees: Trees, requests: Sequence[Sequence[int]], said: str
    ) -> None:
        _, outcome = trees.online(requests)
        with pytest.raises(SpecError, match=said):
            raise outcome.raised["hub"]
        sent = outcome.sent["hub to insurer"]
        assert len(sent) == len(requests) - 1

    @pytest.mark.parametrize(
        ("requests", "said"),
        [
            ([np.arange(9)], "9 rows are too many at a time"),
            ([np.arange(8)] * 8, "8 rows are too many now"),
            ([np.array([0, 10_000])], r"1 of 2 positions are none of the \d+ rows"),
            ([np.zeros((2, 2))], r"positions of shape \(2, 2\)"),
        ],
        ids=["at a time", "in all", "no such row", "no list"],
    )
    def test_refuse_requests_that_no_honest_run_makes(
        self, trees: Trees, requests: Sequence[Any], said: str
    ) -> None:
        asked = Asked(msgspec.structs.replace(trees.spec, online=ONLINE))

        def cheat(lines: Any) -> None:
            for positions in requests:
                lines["insurer"].send(RequestedRows(rows=positions.astype(np.uint32)))
                lines["insurer"].receive(Decisions)

        rows = trees.data.rows(INSURER).test
        answering = asked.answers("insurer", trees.parts["insurer"], rows, always)
        outcome = gather(cheat, {"insurer": answering})
        with pytest.raises(PeerError, match=f"'hub' sent RequestedRows that no .*: {said}"):
            raise outcome.raised["insurer"]
        assert len(outcome.sent["insurer"]) == len(requests) - 1


class TestRegressionOnline:
    @pytest.mark.parametrize("family", ["binomial", "gaussian"])
    def test_gives_the_scores_of_all_rows_at_once_to_the_last_digit(self, family: Family) -> None:
        rows = Regressed(family)
        every = rows.at_once().returned["hub"]
        outcome = rows.online(REQUESTS)
        for positions, scores in zip(REQUESTS, outcome.returned["hub"], strict=True):
            assert np.array_equal(scores, every[positions])

    def test_sends_shares_of_the_rows_asked_for_and_nothing_else(self) -> None:
        outcome = Regressed("binomial").online(REQUESTS)
        assert set(kinds(outcome.sent["insurer"])) == {"PartialPredictor"}
        assert len(outcome.sent["insurer"]) == len(REQUESTS)

    def test_takes_no_answer_for_that_of_another_request(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        regressed = Regressed()
        asked = Asked(regressed.spec)

        def interrupted(_kind: type[Message]) -> None:
            raise KeyboardInterrupt

        def hub(lines: Any) -> list[str]:
            ask = Asking(lines, regressed.ours, regressed.spec, asked.counted["hub"], nothing)
            rows = regressed.clinic.take(np.array([0]))
            with monkeypatch.context() as patched:
                patched.setattr(lines["insurer"], "receive", interrupted)
                with pytest.raises(KeyboardInterrupt):
                    ask(rows, np.array([0]))
            with pytest.raises(ChannelError, match="a request was interrupted"):
                ask(rows, np.array([1]))
            return ask.end()

        answering = asked.answers("insurer", regressed.theirs, regressed.insurer, always)
        outcome = gather(hub, {"insurer": answering})
        assert outcome.returned == {"hub": []}  # it hangs up, and the insurer sees that
        assert isinstance(outcome.raised["insurer"], ChannelError)

    def test_refuses_an_answer_about_other_rows(self) -> None:
        def cheat(line: Any) -> None:
            line.receive(RequestedRows)
            line.send(PartialPredictor(first_row=0, values=np.zeros(2)))

        outcome = Regressed("binomial").online([[0]], cheat)
        with pytest.raises(PeerError, match=r"sent rows from 0 of shape \(2,\) where 1 rows"):
            raise outcome.raised["hub"]


class TestRecorded:
    """A run that was killed and goes on counts the requests before towards the most of the job."""

    @pytest.mark.parametrize("splits", [1, 7, 8, 50])
    def test_tells_requests_from_either_ledger(self, tmp_path: Path, splits: int) -> None:
        spec = Prediction(
            model="0" * 64, system="boosting", splits={"insurer": splits}, online=ONLINE
        )
        decided = [pack_bits(np.zeros((rows, splits), np.bool_)) for rows in (1, 8, 8)]
        sent: dict[str, list[Message]] = {
            "hub": [RequestedRows(rows=np.zeros(rows, np.uint32)) for rows in (1, 8, 8)],
            "insurer": [Decisions(first_row=0, left=left) for left in decided],
        }
        counted = {}
        for party, messages in sent.items():
            path = tmp_path / party
            with Ledger(path) as ledger:
                peers = ("insurer", "pharmacy") if party == "hub" else ("hub",)
                for message in (Done(), *messages):
                    for peer in peers:
                        ledger.append(message, encode(message), peer)
            counted[party] = asked_rows(recorded(spec, party, records(path)))
        assert counted["hub"] == 17
        assert 17 <= counted["insurer"] <= (17 if splits >= 8 else 24)
        assert asked_rows(recorded(spec, "hub", [])) == 0
