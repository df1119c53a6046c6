"""What a regression at the level `encrypted` lets cross, and what can be made of it."""

from typing import Any

import msgspec
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from isthmus.core.arrays import Floats
from isthmus.core.errors import PolicyError, SpecError
from isthmus.crypto import radix
from isthmus.crypto.encryption import RegressionEncryption
from isthmus.data.table import Table
from isthmus.transport.message import Protection, protections
from isthmus.vertical.regression import clear, leakage, limits, scaling
from isthmus.vertical.regression import messages as shares
from isthmus.vertical.regression.encrypted import messages
from isthmus.vertical.regression.encrypted import passive as passive_role
from isthmus.vertical.regression.pooled import train_pooled
from isthmus.vertical.regression.products import messages as products
from isthmus.vertical.regression.rows import batches
from isthmus.vertical.regression.spec import Regression
from tests.regressions import ACTIVE, Members, Split, a_spec, train
from tests.roles import Play
from tests.transcripts import declared, kinds

TWO = {ACTIVE: (0, 1), "insurer": (2, 3)}
SPEC = a_spec(encryption=RegressionEncryption(scheme="okamoto-uchiyama", key_bits=2048))
BFV = RegressionEncryption()
DECLARED = declared(messages) | declared(shares) | declared(products)


def people(rows: int, columns: int, seed: int, share: float = 0.5) -> Table:
    """Labels depend a little on every column; a share of them is positive."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(rows, columns))
    signal = x @ np.full(columns, 1.5 / columns**0.5) + generator.logistic(size=rows)
    label = (signal > np.quantile(signal, 1 - share)).astype(float)
    ids = [b"ada-lovelace-%d" % row for row in range(rows)]
    return Table(ids, x, tuple(f"column-of-{at}" for at in range(columns)), label)


@pytest.fixture(scope="module")
def data() -> Split:
    return Split(people(500, 4, seed=5), TWO, 400)


@pytest.fixture(scope="module")
def transcript(data: Split) -> Play:
    outcome = train(SPEC, data)
    assert not outcome.raised
    return outcome


def sent(transcript: Play, party: str) -> list[dict[str, Any]]:
    return [msgspec.msgpack.decode(each) for each in transcript.sent[party]]


class TestTranscript:
    def test_holds_only_declared_messages_in_the_declared_direction(self, transcript: Play) -> None:
        from_clinic = {
            *("Start", "LossScale", "ProductKey", "EncryptedValues", "OpenedSums"),
            *("Direction", "Step"),
        }
        from_insurer = {
            *("Shape", "MaskedSums", "PartialNumbers", "PartialSlope", "PartialPredictor"),
        }
        assert set(kinds(transcript.sent["hub to insurer"])) == from_clinic
        assert set(kinds(transcript.sent["insurer"])) == from_insurer
        assert from_clinic | from_insurer <= DECLARED.keys()

    def test_holds_no_identifier_column_name_or_label(self, transcript: Play, data: Split) -> None:
        everything = b"".join(each for party in transcript.sent.values() for each in party)
        for secret in (b"ada-lovelace", b"column-of-"):
            assert secret not in everything
        label = data.training.label
        assert label is not None
        assert label.tobytes()[:256] not in everything

    def test_holds_no_column_in_the_clear(self, transcript: Play, data: Split) -> None:
        everything = b"".join(each for party in transcript.sent.values() for each in party)
        for column in data.training.features.T:
            assert np.ascontiguousarray(column)[:8].tobytes() not in everything

    def test_never_repeats_a_ciphertext(self, transcript: Play) -> None:
        width = 1024 // 8 + 1
        values = b"".join(
            message["ciphertexts"]
            for message in sent(transcript, "hub to insurer")
            if message["type"] == "EncryptedValues"
        )
        ciphertexts = [values[at : at + width] for at in range(0, len(values), width)]
        assert len(set(ciphertexts)) == len(ciphertexts) >= 400

    def test_opens_sums_only_under_masks_that_differ_every_time(self, transcript: Play) -> None:
        opened = b"".join(
            message["sums"]
            for message in sent(transcript, "hub to insurer")
            if message["type"] == "OpenedSums"
        )
        words = [opened[at : at + 8] for at in range(0, len(opened), 8)]
        assert len(set(words)) == len(words)
        bits = np.unpackbits(np.frombuffer(opened, np.uint8))
        assert abs(float(bits.mean()) - 0.5) < 5 * 0.5 / len(bits) ** 0.5


class TestDeclarations:
    @pytest.mark.parametrize("kind", DECLARED.values())
    def test_every_message_says_why_it_is_sent_and_what_it_tells(self, kind: Any) -> None:
        assert kind.purpose
        assert kind.reveals
        pages = (messages.__doc__ or "", shares.__doc__ or "", products.__doc__ or "")
        assert any(kind.__name__ in page for page in pages)

    def test_what_is_encrypted_or_masked_is_declared_so(self) -> None:
        assert protections(products.EncryptedValues)["ciphertexts"] is Protection.ENCRYPTED
        assert protections(products.MaskedSums)["ciphertexts"] is Protection.ENCRYPTED
        assert protections(products.OpenedSums)["sums"] is Protection.MASKED
        assert protections(shares.PartialSlope)["values"] is Protection.CLEAR
        for kind in (shares.MaskedSlope, shares.MaskedPredictor, shares.MaskedNumbers):
            assert protections(kind)["values"] is Protection.MASKED


@pytest.fixture
def gradients(monkeypatch: pytest.MonkeyPatch) -> list[Floats]:
    """All that passive parties learn of the gradients of their coefficients, in a real run."""
    seen, take = list[Floats](), passive_role.Gradients.__call__

    def record(self: Any, batch: slice) -> Floats:
        gradient = take(self, batch)
        seen.append(gradient * (batch.stop - batch.start))
        return gradient

    monkeypatch.setattr(passive_role.Gradients, "__call__", record)
    return seen


def quantised(data: Split, party: str) -> Floats:
    """The columns of a party as training uses them."""
    own = data.own(party).take(data.rows()[0])
    return radix.quantise(scaling.fit(own)(own.features)).values()


def own_auc(outcome: Play, data: Split, party: str) -> float:
    """How well a party's own coefficients rank the training rows by label."""
    weights = outcome.returned[party].part.coefficients
    label = data.training.label
    return float(roc_auc_score(label, quantised(data, party) @ weights))


class TestLeastSquaresOnTheRealTranscript:
    """The passive party solves the gradients of all rounds for the residuals."""

    @pytest.mark.parametrize(
        ("rows", "share", "columns"), [(600, 0.5, 29), (1_500, 0.1, 14), (2_500, 0.02, 5)]
    )
    def test_gains_nothing_at_the_most_that_a_job_may_tell(
        self, gradients: list[Floats], rows: int, share: float, columns: int
    ) -> None:
        gains = list[float]()
        for seed in range(3):
            gradients.clear()
            table = people(rows, 4 + columns, seed, share)
            data = Split(table, {ACTIVE: range(4), "insurer": range(4, 4 + columns)}, rows - 10)
            spec = Regression(passive_columns=columns, penalty=1e-3)
            label = data.training.label
            assert label is not None
            told = limits.equations(spec, "insurer") / limits.rarer(spec, label)
            assert told == pytest.approx(spec.label_exposure, rel=0.25)
            outcome = train(a_spec(passive_columns=columns, encryption=BFV), data)
            assert not outcome.raised
            attacked = leakage.label_auc(quantised(data, "insurer"), gradients, label)
            gains.append(attacked - own_auc(outcome, data, "insurer"))
        assert np.mean(gains) < 0.03

    def test_is_what_a_simulation_tells(self, gradients: list[Floats], data: Split) -> None:
        outcome = train(SPEC, data)
        label = data.training.label
        assert label is not None
        trains = [data.own(party).take(data.rows()[0]) for party in data.columns]
        found = leakage.simulated(SPEC, trains)
        attacked = leakage.label_auc(quantised(data, "insurer"), gradients, label)
        assert found["label_auc"] == pytest.approx(attacked, abs=1e-3)
        assert found["own_weights_auc"] == pytest.approx(
            own_auc(outcome, data, "insurer"), abs=1e-3
        )


def few_ones(x: Floats, told: Floats) -> Floats:
    """Which few rows of a matrix sum to about what was told, picked one after the other."""
    picked = np.zeros(len(x))
    while True:
        gain = 2 * x @ told - np.sum(x**2, axis=1)  # how much closer each row would bring us
        best = int(np.argmax(gain))
        if gain[best] <= 0 or picked[best]:
            return picked
        picked[best], told = 1.0, told - x[best]


class TestRareLabels:
    """25 positives among 5,000 rows: .04 equations a row, but 8 for each positive."""

    ROWS, COLUMNS, BATCHES = 5_000, 20, 10

    def test_would_be_named_one_by_one(self) -> None:
        table = people(self.ROWS, 4 + self.COLUMNS, seed=1, share=25 / self.ROWS)
        label = table.label
        assert label is not None
        ours, theirs = table.features[:, :4], table.features[:, 4:]
        own = Table(table.identifiers, ours, table.names[:4], label)
        expected = train_pooled(own, SPEC).predict(ours)
        guess = np.zeros(self.ROWS)
        for batch in batches(self.ROWS, self.BATCHES):
            told = theirs[batch].T @ (label - expected)[batch]  # what the gradient of a batch is
            guess[batch] = few_ones(theirs[batch], told)
        assert label[guess == 1].sum() >= 20  # of 25
        assert guess.sum() <= 30

    def test_are_refused_by_the_job(self) -> None:
        table = people(self.ROWS, 4 + self.COLUMNS, seed=1, share=25 / self.ROWS)
        columns = {ACTIVE: range(4), "insurer": range(4, 4 + self.COLUMNS)}
        spec = Regression(passive_columns=self.COLUMNS, batches=self.BATCHES)
        outcome = train(spec, Split(table, columns, self.ROWS - 10), patience=10.0)
        error = outcome.raised["hub"]
        assert type(error) is SpecError  # a JobError would tell the peer the number
        assert "25 of 4,990 rows have the rarer label, would tell it 8.000 equations" in str(error)


class TestFlagsOfSingleRows:
    """40 columns, each a flag of one row: a gradient tells the residual of that row."""

    def split(self) -> Split:
        table = people(500, 2, seed=9)
        flags = np.eye(500)[:, :40]
        names = (*table.names, *(f"flag-{at}" for at in range(40)))
        both = Table(table.identifiers, np.hstack([table.features, flags]), names, table.label)
        return Split(both, {ACTIVE: (0, 1), "insurer": range(2, 42)}, 450)

    def test_would_tell_all_of_their_labels(self, gradients: list[Floats]) -> None:
        data, spec = self.split(), a_spec(passive_columns=40, max_rounds=1, encryption=BFV)
        assert not train(spec, data, Members(minimum_column_rows=1)).raised
        label = data.training.label
        assert label is not None
        assert ((gradients[0] < 0) == (label[:40] == 1)).all()  # residual: prediction minus label

    def test_are_refused_by_the_policy_of_the_party_that_has_them(
        self, gradients: list[Floats]
    ) -> None:
        spec = a_spec(passive_columns=40)
        outcome = train(spec, self.split(), Members(minimum_column_rows=20), patience=10.0)
        error = outcome.raised["insurer"]
        assert isinstance(error, PolicyError)
        assert "`policy.minimum_column_rows` of your party file asks for 20" in str(error)
        assert not gradients
        assert not outcome.sent["insurer"]


class TestManyBatches:
    """Why there is a limit: equations far beyond it tell labels, whatever the columns are."""

    def test_tell_labels_by_least_squares(self) -> None:
        rows, columns, count = 500, 5, 62
        table = people(rows, 5 + columns, seed=0)
        label, x = table.label, table.features
        assert label is not None
        own = Table(table.identifiers, x[:, :5], table.names[:5], label)
        expected = train_pooled(own, SPEC).predict(x[:, :5])
        guess = np.zeros(rows)
        for batch in batches(rows, count):
            told = x[batch, 5:].T @ (expected - label)[batch]
            guess[batch] = -np.linalg.lstsq(x[batch, 5:].T, told, rcond=None)[0]
        assert roc_auc_score(label, guess) > 0.85
        spec = Regression(passive_columns=columns, batches=count)
        assert limits.equations(spec, "insurer") > 10 * spec.label_exposure * limits.rarer(
            spec, label
        )


def test_the_method_in_the_clear_sees_what_the_protocol_sees(
    gradients: list[Floats], data: Split
) -> None:
    """So that a simulation attacks the real training: the same gradients, round by round."""
    train(SPEC, data)
    own = data.own(ACTIVE).take(data.rows()[0])
    label, theirs = scaling.label(own, SPEC), quantised(data, "insurer")
    seen = list[Floats]()
    clear.fit(
        [scaling.fit(own)(own.features), theirs],
        label,
        SPEC,
        SPEC.tolerance,
        SPEC.max_rounds,
        start=train_pooled(own, SPEC).weights,
        watch=lambda residual: seen.append(theirs.T @ residual),
    )
    assert len(seen) == len(gradients)
    for ours, real in zip(seen, gradients, strict=True):
        assert ours == pytest.approx(real, abs=1e-4)
