"""Vertical regression: both roles over a line, honest and not."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from isthmus.core.arrays import Floats
from isthmus.core.errors import ChannelError, JobError, PeerError, SpecError
from isthmus.core.telemetry import Event, Sink, Telemetry, silent
from isthmus.crypto import keys
from isthmus.crypto.encryption import RegressionEncryption
from isthmus.data.table import Table
from isthmus.ledger.forecast import Sizes
from isthmus.transport.channel import Channel
from isthmus.transport.loopback import loopback
from isthmus.vertical.regression.encrypted.active import active
from isthmus.vertical.regression.encrypted.forecast import forecast
from isthmus.vertical.regression.memory import Memory
from isthmus.vertical.regression.encrypted.messages import (
    MaskedGradient,
    OpenedGradient,
    Residuals,
    Shape,
    Start,
)
from isthmus.vertical.regression.encrypted.passive import passive
from isthmus.vertical.regression.pooled import train_pooled
from isthmus.vertical.regression.spec import Regression
from tests.roles import Role, play, run_together

Family = Literal["binomial", "gaussian"]
ROWS, TRAIN = np.arange(600), np.arange(480)
CIPHERS = (
    RegressionEncryption(key_bits=2048),
    RegressionEncryption(scheme="paillier", key_bits=2048),
)


def joined(family: Family = "binomial") -> Table:
    """Rows of both parties in one place; the clinic has the first two columns."""
    generator = np.random.default_rng(3)
    x = generator.normal(size=(len(ROWS), 4)) * [1.0, 30.0, 1.0, 0.1]
    x[:, 2] = x[:, 2] + x[:, 0] > 0  # a flag that goes along with a column of the other party
    signal = x @ [1.0, 0.02, -1.5, 8.0] + 0.3
    label = signal + generator.normal(size=len(ROWS))
    if family == "binomial":
        label = (generator.random(len(ROWS)) < 1 / (1 + np.exp(-signal))).astype(float)
    return Table([b"%d" % row for row in ROWS], x, ("age", "bmi", "plan", "cost"), label)


def clinic(spec: Regression, table: Table | None = None, memory: Memory | None = None) -> Role:
    table = table or joined(spec.family)
    kept = Memory() if memory is None else memory  # an empty memory is falsy
    ours = Table(table.identifiers, table.features[:, :2], table.names[:2], table.label)
    train, test = ours.take(TRAIN), ours.take(ROWS[len(TRAIN) :])
    return lambda line: active(line, train, test, spec, Telemetry(), kept)


def insurer(
    spec: Regression,
    table: Table | None = None,
    memory: Memory | None = None,
    watch: Sink = silent,
) -> Role:
    table = table or joined(spec.family)
    kept = Memory() if memory is None else memory  # an empty memory is falsy
    ours = Table(table.identifiers, table.features[:, 2:], table.names[2:])
    train, test = ours.take(TRAIN), ours.take(ROWS[len(TRAIN) :])
    return lambda line: passive(line, train, test, spec, Telemetry(watch), kept)


def a_spec(
    family: Family = "binomial", cipher: RegressionEncryption = CIPHERS[0], **changes: Any
) -> Regression:
    settled = {
        "penalty": 1e-3,
        "label_exposure": 0.5,
        "block_rows": 128,
        "passive_columns": 2,
    } | changes
    return Regression(family=family, encryption=cipher, **settled)


def learn(spec: Regression, table: Table | None = None) -> tuple[Floats, Floats, bool]:
    """Coefficients of all columns, predictions of the test rows, and whether it converged."""
    outcome = run_together(clinic=clinic(spec, table), insurer=insurer(spec, table))
    trained, part = outcome["clinic"], outcome["insurer"]
    coefficients = np.concatenate([trained.part.coefficients, part.part.coefficients])
    return coefficients, trained.predictions, trained.converged


class TestEqualsThePooledModel:
    @pytest.mark.parametrize("family", ["binomial", "gaussian"])
    def test_in_coefficients_and_predictions(self, family: Family) -> None:
        table = joined(family)
        pooled = train_pooled(table.take(TRAIN), a_spec(family))
        coefficients, predictions, converged = learn(a_spec(family))
        assert converged
        assert coefficients == pytest.approx(pooled.coefficients, rel=1e-3)
        expected = pooled.predict(table.features[len(TRAIN) :])
        assert predictions == pytest.approx(expected, rel=1e-3, abs=1e-3)

    @pytest.mark.parametrize("cipher", CIPHERS, ids=lambda it: it.scheme)
    def test_under_every_cipher(self, cipher: RegressionEncryption) -> None:
        pooled = train_pooled(joined().take(TRAIN), a_spec())
        coefficients, _, _ = learn(a_spec(cipher=cipher))
        assert coefficients == pytest.approx(pooled.coefficients, rel=1e-3)

    def test_nearly_with_fixed_batches_in_a_few_passes(self) -> None:
        pooled = train_pooled(joined().take(TRAIN), a_spec())
        coefficients, _, _ = learn(a_spec(batches=3, max_rounds=15))
        assert coefficients == pytest.approx(pooled.coefficients, abs=0.05)

    def test_where_a_column_of_one_party_repeats_the_other_partys(self) -> None:
        table = joined()
        table.features[:, 3] = table.features[:, 0]
        pooled = train_pooled(table.take(TRAIN), a_spec())
        _, predictions, _ = learn(a_spec(), table)
        expected = pooled.predict(table.features[len(TRAIN) :])
        assert predictions == pytest.approx(expected, abs=1e-3)


class TestForecast:
    @pytest.mark.parametrize("batches", [1, 3])
    def test_is_what_was_sent(self, batches: int) -> None:
        spec = a_spec(batches=batches, max_rounds=12)
        outcome = play(active=clinic(spec), passive=insurer(spec))
        sizes = Sizes(
            rows={},
            shared=len(ROWS),
            train=len(TRAIN),
            test=len(ROWS) - len(TRAIN),
            test_rows={},
            rounds=outcome.returned["passive"].rounds,
        )
        for role, sent in outcome.sent.items():
            expected = sum(
                flow.bytes for flow in forecast(spec, "insurer", sizes) if flow.sender == role
            )
            assert sum(map(len, sent)) == pytest.approx(expected, rel=0.01)


class TestStopsEarly:
    def test_and_says_that_it_has_not_converged(self) -> None:
        _, _, converged = learn(a_spec(max_rounds=2))
        assert not converged

    def test_with_few_rounds_where_the_columns_are_well_conditioned(self) -> None:
        outcome = run_together(clinic=clinic(a_spec()), insurer=insurer(a_spec()))
        assert len(outcome["clinic"].rounds) == outcome["insurer"].rounds <= 15


class TestGoesOnAfterAFailure:
    @pytest.mark.parametrize("batches", [1, 3])
    def test_to_the_same_model_bit_by_bit(self, batches: int, tmp_path: Path) -> None:
        spec = a_spec(batches=batches, max_rounds=6)
        kept = {name: Memory(tmp_path / name, "job") for name in ("clinic", "insurer")}

        def crash(event: Event) -> None:
            if event.done == 3:
                raise ChannelError("the machine lost its power")

        broken = play(
            clinic=clinic(spec, memory=kept["clinic"]),
            insurer=insurer(spec, memory=kept["insurer"], watch=crash),
        )
        assert isinstance(broken.raised["insurer"], ChannelError)
        again = {name: Memory(tmp_path / name, "job") for name in kept}
        for memory in again.values():
            memory.load()
        assert min(len(memory) for memory in again.values()) == 3

        outcome = play(
            clinic=clinic(spec, memory=again["clinic"]),
            insurer=insurer(spec, memory=again["insurer"]),
        )
        assert not outcome.raised
        whole = play(clinic=clinic(spec), insurer=insurer(spec))
        for party in kept:
            assert (
                outcome.returned[party].part.coefficients == whole.returned[party].part.coefficients
            ).all()
        ours, theirs = outcome.returned["clinic"], whole.returned["clinic"]
        assert ours.rounds == theirs.rounds
        assert ours.predictions.tobytes() == theirs.predictions.tobytes()


class TestRefusesTheJob:
    def test_that_tells_too_much_about_the_labels(self) -> None:
        greedy = a_spec(batches=60, label_exposure=0.04)
        outcome = play(clinic=clinic(greedy), insurer=insurer(greedy))
        error = outcome.raised["clinic"]
        assert isinstance(error, JobError)
        assert "60 batches x 2 columns" in str(error)
        assert "label_exposure" in str(error)

    def test_whose_label_does_not_fit_the_link(self) -> None:
        table = joined("gaussian")
        outcome = play(clinic=clinic(a_spec(), table), insurer=insurer(a_spec(), table))
        assert isinstance(outcome.raised["clinic"], SpecError)
        assert "other than 0 and 1" in str(outcome.raised["clinic"])

    def test_whose_label_has_a_wild_outlier(self) -> None:
        table = joined("gaussian")
        assert table.label is not None
        table.label[:] = 0
        table.label[0] = 1e9
        spec = a_spec("gaussian")
        wide = Table(table.identifiers * 200, np.tile(table.features, (200, 1)), table.names)
        label = np.arange(len(wide.features), dtype=float)
        label[0] = 1e15
        wide = Table(wide.identifiers, wide.features, wide.names, label)
        ours = Table(wide.identifiers, wide.features[:, :2], wide.names[:2], label)

        def role(line: Channel) -> object:
            return active(line, ours, ours, spec, Telemetry(), Memory())

        def peer(line: Channel) -> None:
            line.send(Shape(rows=len(ours), columns=2, rounds=0))
            line.receive(Start)
            line.receive(Residuals)

        error = play(clinic=role, insurer=peer).raised["clinic"]
        assert isinstance(error, SpecError)
        assert "extreme labels" in str(error)

    def test_where_a_column_is_constant_on_the_aligned_rows(self) -> None:
        table = joined()
        table.features[:480, 3] = 7.0
        outcome = play(clinic=clinic(a_spec(), table), insurer=insurer(a_spec(), table))
        assert isinstance(outcome.raised["insurer"], SpecError)
        assert "'cost' has one single value" in str(outcome.raised["insurer"])


class TestTheActivePartyStopsOn:
    def stops(self, peer: Role) -> Exception:
        return play(clinic=clinic(a_spec()), insurer=peer).raised["clinic"]

    def test_a_chosen_ciphertext_that_could_tell_its_key(self) -> None:
        def chooses(line: Channel) -> None:
            key = start(line)
            too_large = key.encrypt([2**150, 2**150])
            line.send(MaskedGradient(ciphertexts=too_large.dump()))
            line.receive(OpenedGradient)

        error = self.stops(chooses)
        assert isinstance(error, PeerError)
        assert "out of the range" in str(error)
        assert "Nothing was decrypted for them" in str(error)

    def test_bytes_that_are_no_ciphertexts(self) -> None:
        def babbles(line: Channel) -> None:
            start(line)
            line.send(MaskedGradient(ciphertexts=b"\xff" * 10))
            line.receive(OpenedGradient)

        error = self.stops(babbles)
        assert isinstance(error, PeerError)
        assert "that no honest run makes" in str(error)

    def test_a_peer_with_other_rows(self) -> None:
        def disagrees(line: Channel) -> None:
            line.send(Shape(rows=479, columns=2, rounds=0))
            line.receive(Start)

        error = self.stops(disagrees)
        assert isinstance(error, PeerError)
        assert "479 training rows x 2 columns where 480 x 2 were due" in str(error)

    def test_a_silent_peer(self) -> None:
        ours, theirs = loopback("clinic", "insurer", patience=8.0)

        def waits() -> ChannelError:
            with pytest.raises(ChannelError) as stopped:
                clinic(a_spec())(ours)
            return stopped.value

        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(waits)
            start(theirs)  # and then nothing more
            error = waiting.result()
        assert "waited 8 s for MaskedGradient from 'insurer'" in str(error)


class TestThePassivePartyStopsOn:
    def stops(self, peer: Role) -> Exception:
        return play(clinic=peer, insurer=insurer(a_spec())).raised["insurer"]

    def test_a_key_of_another_size_than_the_job_says(self) -> None:
        def weak(line: Channel) -> None:
            line.receive(Shape)
            key = keys.generate("okamoto-uchiyama", "auto", 1088)
            line.send(Start(key=key.public.dump(), rounds=0, run="0" * 32))
            line.receive(MaskedGradient)

        assert isinstance(self.stops(weak), PeerError)

    def test_residuals_that_are_no_ciphertexts(self) -> None:
        def babbles(line: Channel) -> None:
            line.receive(Shape)
            key = keys.generate("okamoto-uchiyama", "auto", 1024)
            line.send(Start(key=key.public.dump(), rounds=0, run="0" * 32))
            line.send(Residuals(first_row=0, ciphertexts=b"\x00" * 100))
            line.receive(MaskedGradient)

        error = self.stops(babbles)
        assert isinstance(error, PeerError)
        assert "'clinic' sent a Residuals that no honest run makes" in str(error)

    def test_residuals_of_other_rows_than_are_due(self) -> None:
        def skips(line: Channel) -> None:
            line.receive(Shape)
            key = keys.generate("okamoto-uchiyama", "auto", 1024)
            line.send(Start(key=key.public.dump(), rounds=0, run="0" * 32))
            ciphertexts = key.public.encrypt([0] * 128).dump()
            line.send(Residuals(first_row=128, ciphertexts=ciphertexts))
            line.receive(MaskedGradient)

        error = self.stops(skips)
        assert isinstance(error, PeerError)
        assert "where row 0 was due" in str(error)

    def test_a_gradient_opened_to_values_that_cannot_be(self) -> None:
        def lies(line: Channel) -> None:
            line.receive(Shape)
            key = keys.generate("okamoto-uchiyama", "auto", 1024)
            line.send(Start(key=key.public.dump(), rounds=0, run="0" * 32))
            for first in range(0, 480, 128):
                ciphertexts = key.public.encrypt([0] * min(128, 480 - first)).dump()
                line.send(Residuals(first_row=first, ciphertexts=ciphertexts))
            line.receive(MaskedGradient)
            line.send(OpenedGradient(sums=[b"\x00" * 17] * 2))
            line.receive(MaskedGradient)

        error = self.stops(lies)
        assert isinstance(error, PeerError)
        assert "larger than rows and residuals allow" in str(error)

    def test_going_on_after_a_round_that_it_never_had(self) -> None:
        def skips(line: Channel) -> None:
            line.receive(Shape)
            key = keys.generate("okamoto-uchiyama", "auto", 1024)
            line.send(Start(key=key.public.dump(), rounds=4, run="0" * 32))
            line.receive(MaskedGradient)

        error = self.stops(skips)
        assert isinstance(error, PeerError)
        assert "go on after round 4" in str(error)


def start(line: Channel) -> Any:
    """Begin as an honest passive party does, up to the encrypted residuals."""
    line.send(Shape(rows=480, columns=2, rounds=0))
    key = keys.load_public("okamoto-uchiyama", "auto", 1024, line.receive(Start).key)
    for _ in range(0, 480, 128):
        line.receive(Residuals)
    return key
