"""What a regression at the level `shared` lets cross, and what can be made of it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import pytest
from scipy import stats
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from isthmus.core.arrays import Floats, Integers
from isthmus.crypto.lattice.parameters import SLOTS
from isthmus.crypto.lattice.shares import FactorOwner, Multiplier
from isthmus.data.table import Table
from isthmus.transport.message import Protection, protections
from isthmus.vertical.regression import leakage, limits
from isthmus.vertical.regression import messages as parts
from isthmus.vertical.regression.products import messages as products
from isthmus.vertical.regression.shared import messages
from isthmus.vertical.regression.shared.coefficients import Coefficients
from isthmus.vertical.regression.spec import Regression, Shared
from tests.regressions import ACTIVE, Split, a_spec, bfv, train
from tests.roles import Play
from tests.shared_in_clear import InClear
from tests.transcripts import declared, kinds

DECLARED = declared(messages) | declared(products) | declared(parts)
ROUNDS = 8


def people(rows: int, columns: int, seed: int, share: float = 0.5) -> Table:
    """Labels depend a little on every column; a share of them is positive."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(rows, columns))
    signal = x @ np.full(columns, 1.5 / columns**0.5) + generator.logistic(size=rows)
    label = (signal > np.quantile(signal, 1 - share)).astype(float)
    ids = [b"ada-lovelace-%d" % row for row in range(rows)]
    return Table(ids, x, tuple(f"column-of-{at}" for at in range(columns)), label)


def two(table: Table, ours: int) -> Split:
    """The clinic holds the first columns."""
    columns = {ACTIVE: range(ours), "insurer": range(ours, table.features.shape[1])}
    return Split(table, columns, len(table) - 10)


def spec_of(data: Split, rounds: int = ROUNDS, **changes: Any) -> Regression:
    settled = {
        "level": "shared",
        "encryption": bfv(),
        "passive_columns": {name: len(data.columns[name]) for name in data.passives},
        "shared": Shared(active_columns=len(data.columns[ACTIVE]), rounds=rounds),
    }
    return a_spec(**settled | changes)


class Learned:
    """What a party learns in all rounds of a real run: sums of its columns times residuals."""

    def __init__(self, block: Coefficients) -> None:
        self.columns = block.x
        self.sums: list[Floats] = []
        self.weights: list[Floats] = []


@pytest.fixture
def learned(monkeypatch: pytest.MonkeyPatch) -> dict[str, Learned]:
    """By role."""
    found: dict[str, Learned] = {}
    products_of = Coefficients.products

    def record(self: Coefficients, sums: Integers, bits: int) -> Floats:
        role = "active" if (self.x[:, -1] == 1).all() else "passive"  # the intercept is the last
        each = found.setdefault(role, Learned(self))
        each.sums.append(self.columns.steps * np.ldexp(sums.astype(float), -bits))
        each.weights.append(self.weights)
        return products_of(self, sums, bits)

    monkeypatch.setattr(Coefficients, "products", record)
    return found


def run(spec: Regression, data: Split) -> Play:
    outcome = train(spec, data)
    assert not outcome.raised
    return outcome


class TestLabelAttackOnTheRealTranscript:
    """The passive party solves what it learns in all rounds for the labels."""

    @pytest.mark.parametrize(
        ("rows", "share", "columns"), [(600, 0.5, 29), (1500, 0.1, 14), (2500, 0.02, 5)]
    )
    def test_gains_nothing_at_the_most_that_a_job_may_tell(
        self, learned: dict[str, Learned], rows: int, share: float, columns: int
    ) -> None:
        gains: dict[str, list[float]] = defaultdict(list)
        for seed in range(2):
            learned.clear()
            data = two(people(rows, 4 + columns, seed, share), 4)
            spec, label = spec_of(data), data.training.label
            assert label is not None
            told = limits.equations(spec, "insurer") / limits.rarer(spec, label)
            assert told == pytest.approx(Regression(passive_columns=1).label_exposure, rel=0.25)
            run(spec, data)
            theirs = learned["passive"]
            own = roc_auc_score(label, theirs.columns @ theirs.weights[-1])
            by_round = leakage.label_auc(theirs.columns, theirs.sums, label)
            gains["round by round"].append(by_round - own)
            # The other party's share is unknown in each equation: all rounds together gain nothing.
            gains["all rounds"].append(roc_auc_score(label, self.labels(theirs)) - own)
        for attack in gains.values():
            assert np.mean(attack) < 0.03

    def test_is_what_a_simulation_tells(self, learned: dict[str, Learned]) -> None:
        table = people(300, 16, 1)
        table.features[:, 10:] += 2 * table.features[:, 9:10]  # it takes more than one round
        data = two(table, 4)
        spec, label = spec_of(data, rounds=3), data.training.label
        assert label is not None
        run(spec, data)
        theirs = learned["passive"]
        trains = [data.own(party).take(data.rows()[0]) for party in data.columns]
        found = leakage.simulated(spec, trains)
        attacked = leakage.label_auc(theirs.columns, theirs.sums, label)
        assert found["label_auc"] == pytest.approx(attacked, abs=1e-3)
        own = roc_auc_score(label, theirs.columns @ theirs.weights[-1])
        assert found["own_weights_auc"] == pytest.approx(own, abs=5e-3)

    def labels(self, theirs: Learned) -> Floats:
        """Solve all rounds together for labels and the other party's share of the predictor.

        Where b is our share of the predictor and a the other one, in each round
        X^T (sigmoid(b) + sigmoid'(b) a - y) is about what we learn: linear in a and y.
        """
        x, left, right = theirs.columns, list[Floats](), list[Floats]()
        for sums, weights in zip(theirs.sums, theirs.weights, strict=True):
            mean = expit(x @ weights)
            slope = mean * (1 - mean)
            left.append(np.hstack([x.T * slope, -x.T]))
            right.append(sums - x.T @ mean)
        solved = np.linalg.lstsq(np.vstack(left), np.concatenate(right), rcond=1e-6)[0]
        guess: Floats = solved[len(x) :] - slope * solved[: len(x)]
        return guess


class TestColumnAttackOnTheRealTranscript:
    """The active party solves what it learns in all rounds for the other share, and columns."""

    @pytest.mark.parametrize(("rows", "ours", "columns"), [(1500, 5, 5), (2500, 8, 3)])
    def test_gains_nothing(
        self, learned: dict[str, Learned], rows: int, ours: int, columns: int
    ) -> None:
        gains = list[float]()
        for seed in range(2):
            learned.clear()
            data = two(people(rows, ours + columns, seed), ours)
            label = data.training.label
            assert label is not None
            run(spec_of(data), data)
            active, passive = learned["active"], learned["passive"]
            share = self.share(active, label)
            own = explained(passive.columns, active.columns)
            attacked = np.abs([np.corrcoef(share, column)[0, 1] for column in passive.columns.T])
            gains.append(float((attacked - own).max()))
        assert np.mean(gains) < 0.03

    def test_would_find_the_share_where_columns_are_as_many_as_rows(
        self, learned: dict[str, Learned]
    ) -> None:
        """The attack works: then, though, the columns themselves tell as much."""
        data = two(people(110, 84, seed=0), 80)
        label = data.training.label
        assert label is not None
        InClear(spec_of(data, rounds=16, penalty=1e-2), data)
        active, passive = learned["active"], learned["passive"]
        true = passive.columns @ passive.weights[-1]
        found = np.corrcoef(self.share(active, label), true)[0, 1]
        assert 0.8 < found < explained(true[:, np.newaxis], active.columns)[0] + 0.03

    def share(self, active: Learned, label: Floats) -> Floats:
        """Solve the last rounds for the other party's share b of the predictor.

        In each, X^T (sigmoid(a + b) - y) is what we learn, and we know a and y: Newton's method,
        which takes the smallest step that solves all equations.
        """
        x, share = active.columns, np.zeros(len(label))
        last = list(zip(active.sums, active.weights, strict=True))[-3:]
        for _ in range(20):
            means = [expit(x @ weights + share) for _, weights in last]
            slopes = np.vstack([x.T * (mean * (1 - mean)) for mean in means])
            left = [
                sums - x.T @ (mean - label) for (sums, _), mean in zip(last, means, strict=True)
            ]
            step = np.linalg.lstsq(slopes, np.concatenate(left), rcond=1e-3)[0]
            share = np.clip(share + step, -20, 20)
        return share


def explained(columns: Floats, by: Floats) -> Floats:
    """How well one party's columns predict each of the other one's: multiple correlation."""
    fitted = by @ np.linalg.lstsq(by, columns, rcond=None)[0]
    return np.array(
        [np.corrcoef(one, other)[0, 1] for one, other in zip(fitted.T, columns.T, strict=True)]
    )


def hidden(transcript: Play, party: str) -> Mapping[str, list[bytes]]:
    """All values of a party's messages that are declared to tell their reader nothing."""
    found: dict[str, list[bytes]] = defaultdict(list)
    for each in transcript.sent[party]:
        fields = msgspec.msgpack.decode(each)
        kind = DECLARED[fields["type"]]
        for name, protection in protections(kind).items():
            if protection is not Protection.CLEAR:
                found[f"{kind.__name__}.{name}"].append(fields[name])
    return found


@pytest.fixture(scope="module")
def shares() -> Iterator[list[tuple[str, Integers]]]:
    """Both parties' shares of residuals, in the order of time."""
    found, patch = list[tuple[str, Integers]](), pytest.MonkeyPatch()
    share, sums = FactorOwner.share, Multiplier.sums

    def recorded_share(self: FactorOwner, masked: bytes, rows: int) -> Integers:
        theirs = share(self, masked, rows)
        found.append(("passive", theirs))
        return theirs

    def recorded_sums(self: Multiplier, *arguments: Any) -> tuple[bytes, Integers]:
        masked, ours = sums(self, *arguments)
        found.append(("active", ours))
        return masked, ours

    patch.setattr(FactorOwner, "share", recorded_share)
    patch.setattr(Multiplier, "sums", recorded_sums)
    yield found
    patch.undo()


@pytest.fixture(scope="module")
def runs(shares: list[tuple[str, Integers]]) -> list[tuple[Split, Play]]:
    """Two runs with opposite labels, and otherwise the same."""
    table = people(4000, 6, seed=1)
    assert table.label is not None
    found = list[tuple[Split, Play]]()
    shares.clear()
    for label in (table.label, 1 - table.label):
        other = Table(table.identifiers, table.features, table.names, label)
        data = two(other, 3)
        found.append((data, run(spec_of(data, rounds=4), data)))
    shares[:] = shares[:16]  # a role each, four rounds, two runs
    return found


class TestIndistinguishable:
    """Nothing that hides rows tells apart two runs with other labels."""

    def test_by_kinds_or_sizes_of_messages(self, runs: list[tuple[Split, Play]]) -> None:
        one, other = (outcome for _, outcome in runs)
        for party in one.sent:
            assert kinds(one.sent[party]) == kinds(other.sent[party])
            assert [*map(len, one.sent[party])] == [*map(len, other.sent[party])]

    @pytest.mark.parametrize("party", ["insurer", "hub to insurer"])
    def test_by_bytes_of_what_is_hidden(self, runs: list[tuple[Split, Play]], party: str) -> None:
        one, other = (hidden(outcome, party) for _, outcome in runs)
        assert set(one) == set(other)
        assert {name.partition(".")[0] for name in one} >= {"EncryptedValues", "MaskedSums"}
        for name in one:
            counts = np.array(
                [
                    np.bincount(np.frombuffer(b"".join(values), np.uint8), minlength=256)
                    for values in (one[name], other[name])
                ]
            )
            if counts.sum() > 10_000:  # sums of few columns are too few bytes to count
                assert stats.chi2_contingency(counts + 1).pvalue > 1e-6, name

    def test_by_any_value_that_crosses_twice(self, runs: list[tuple[Split, Play]]) -> None:
        seen = [
            value
            for _, outcome in runs
            for party in outcome.sent
            for values in hidden(outcome, party).values()
            for value in values
        ]
        assert len(set(seen)) == len(seen)

    def test_by_shares_of_residuals(
        self, runs: list[tuple[Split, Play]], shares: list[tuple[str, Integers]]
    ) -> None:
        labels = [data.training.label for data, _ in runs]
        for party in ("passive", "active"):
            mine = [share / SLOTS.plain for name, share in shares if name == party]
            first, second = mine[:4], mine[4:]
            for share in mine:
                assert stats.kstest(share, "uniform").pvalue > 1e-6
                for label in labels:
                    assert abs(np.corrcoef(share, label)[0, 1]) < 5 / np.sqrt(len(share))
            for one, other in zip(first, second, strict=True):
                assert stats.ks_2samp(one, other).pvalue > 1e-6
            for one, other in pairwise(mine):
                assert abs(np.corrcoef(one, other)[0, 1]) < 5 / np.sqrt(len(one))


@pytest.fixture(scope="module")
def data() -> Split:
    return two(people(500, 4, seed=5), 2)


@pytest.fixture(scope="module")
def transcript(data: Split) -> Play:
    return run(spec_of(data, rounds=2), data)


class TestTranscript:
    def test_holds_only_declared_messages_in_the_declared_direction(self, transcript: Play) -> None:
        both = {"ProductSeed", "ProductKey", "EncryptedValues", "MaskedSums", "OpenedSums"}
        assert set(kinds(transcript.sent["hub to insurer"])) == both | {
            "SharedStart",
            "Spreads",
            "ResidualScale",
            "MaskedResiduals",
            "InnerProducts",
        }
        assert set(kinds(transcript.sent["insurer"])) == both | {
            "SharedShape",
            "PassiveSpread",
            "FactorKey",
            "Factors",
            "PartialNumbers",
            "PartialPredictor",
        }

    def test_holds_no_identifier_column_name_or_value(self, transcript: Play, data: Split) -> None:
        everything = b"".join(each for sent in transcript.sent.values() for each in sent)
        for secret in (b"ada-lovelace", b"column-of-"):
            assert secret not in everything
        table = data.training
        assert table.label is not None
        assert table.label.tobytes()[:256] not in everything
        for column in table.features.T:
            assert np.ascontiguousarray(column)[:8].tobytes() not in everything

    @pytest.mark.parametrize("kind", declared(messages).values())
    def test_every_message_says_why_it_is_sent_and_what_it_tells(self, kind: Any) -> None:
        assert kind.purpose
        assert kind.reveals
        assert kind.__name__ in (messages.__doc__ or "")

    def test_what_is_encrypted_or_masked_is_declared_so(self) -> None:
        assert protections(messages.Factors)["ciphertexts"] is Protection.ENCRYPTED
        assert protections(messages.MaskedResiduals)["ciphertexts"] is Protection.MASKED
