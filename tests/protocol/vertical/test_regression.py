"""Vertical regression, level `encrypted`: all roles over lines, honest and not."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from isthmus.core.arrays import Floats
from isthmus.core.errors import ChannelError, JobError, PeerError, PolicyError, SpecError
from isthmus.crypto.encryption import RegressionEncryption
from isthmus.crypto.identity import Identity
from isthmus.data.table import Table
from isthmus.ledger.forecast import Sizes
from isthmus.transport.channel import Channel
from isthmus.transport.message import Message, encode
from isthmus.vertical.regression import clear, families, scaling
from isthmus.vertical.regression.encrypted.forecast import forecast
from isthmus.vertical.regression.encrypted.messages import Direction, LossScale, Shape, Start, Step
from isthmus.vertical.regression.memory import Memory
from isthmus.vertical.regression.messages import (
    MaskedNumbers,
    MaskedSlope,
    PairKey,
    PairKeys,
    PartialNumbers,
    PartialSlope,
)
from isthmus.vertical.regression.products.messages import EncryptedValues, ProductKey
from isthmus.vertical.regression.spec import Regression
from tests.faulty_channel import FaultyChannel, drop
from tests.identities import keys_of
from tests.regressions import ACTIVE, Members, Split, a_spec, coefficients, train
from tests.roles import Play, Role
from tests.transcripts import kinds, of_kinds

ROWS, TRAIN = 600, 480
TWO = {"clinic": (0, 1), "insurer": (2, 3, 4, 5)}
FOUR = {"clinic": (0, 1), "insurer": (2, 3), "bank": (4,), "tram": (5,)}
SCHEMES = (
    RegressionEncryption(scheme="bfv"),
    RegressionEncryption(scheme="okamoto-uchiyama", key_bits=2048),
    RegressionEncryption(scheme="paillier", key_bits=2048),
)
FAMILIES: Mapping[str, Mapping[str, Any]] = {
    "binomial": {},
    "gaussian": {"family": "gaussian"},
    "multinomial": {"family": "multinomial", "classes": 3},
    "poisson": {"family": "poisson", "tolerance": 1e-6},
    "gamma": {"family": "gamma"},
    "tweedie": {"family": "tweedie"},
    "lasso": {"l1_ratio": 1.0, "penalty": 0.02},
    "elastic net of classes": {
        "family": "multinomial",
        "classes": 3,
        "l1_ratio": 0.5,
        "penalty": 0.02,
    },
    "balanced classes": {"class_weight": "balanced"},
}


def joined(family: str = "binomial", rows: int = ROWS) -> Table:
    """Rows of all parties in one place; the clinic has the first two columns."""
    generator = np.random.default_rng(3)
    x = generator.normal(size=(rows, 6)) * [1.0, 30.0, 1.0, 0.1, 2.0, 1.0]
    x[:, 2] = x[:, 2] + x[:, 0] > 0  # a flag that goes along with a column of the other party
    signal = x @ [0.8, 0.02, -1.2, 8.0, 0.3, 0.0] / 2 + 0.3
    match family:
        case "gaussian":
            label = signal + generator.normal(size=rows)
        case "multinomial":
            odds = np.column_stack([signal, -signal, 0.5 * x[:, 4]])
            label = np.argmax(odds + generator.gumbel(size=odds.shape), axis=1).astype(float)
        case "poisson":
            label = generator.poisson(np.exp(signal / 2)).astype(float)
        case "gamma":
            label = generator.gamma(2.0, np.exp(signal / 2) / 2)
        case "tweedie":
            label = generator.poisson(1.0, rows) * generator.gamma(2.0, np.exp(signal / 2) / 2)
        case _:
            label = (generator.random(rows) < 1 / (1 + np.exp(-2 * signal))).astype(float)
    names = ("age", "bmi", "plan", "cost", "visits", "noise")
    return Table([b"%d" % row for row in range(rows)], x, names, label)


def split(family: str = "binomial", parties: Mapping[str, Any] = TWO) -> Split:
    return Split(joined(family), parties, TRAIN)


def spec_of(parties: Mapping[str, Any] = TWO, **changes: Any) -> Regression:
    columns = {name: len(at) for name, at in parties.items() if name != ACTIVE}
    return a_spec(**{"passive_columns": columns, "encryption": SCHEMES[0]} | changes)


def in_the_clear(spec: Regression, data: Split) -> list[Floats]:
    """The same method in one place: coefficients of each party, without the intercept."""
    columns = [scaling.fit(it)(it.features) for it in map(data.own, data.columns)]
    own = [data.own(party).take(data.rows()[0]) for party in data.columns]
    columns = [scaling.fit(it)(it.features) for it in own]
    label = scaling.label(own[0], spec)
    first, *others = clear.fit(columns, label, spec, spec.tolerance, 100).weights
    return [first[:-1], *others]


def without_error(outcome: Play) -> Play:
    for error in outcome.raised.values():
        raise error
    return outcome


def learn(spec: Regression, data: Split, members: Members | None = None) -> Play:
    return without_error(train(spec, data, members))


class TestEqualsTheModelOfOnePlace:
    @pytest.mark.parametrize("name", FAMILIES)
    def test_in_every_family_and_with_every_penalty(self, name: str) -> None:
        spec = spec_of(**FAMILIES[name])
        data = split(spec.family)
        outcome = learn(spec, data)
        assert outcome.returned["hub"].converged
        expected = np.concatenate(in_the_clear(spec, data))
        assert coefficients(outcome, data) == pytest.approx(expected, abs=2e-4, rel=2e-3)

    def test_with_the_columns_that_the_lasso_takes_out(self) -> None:
        spec = spec_of(**FAMILIES["lasso"])
        outcome = learn(spec, split())
        expected = np.concatenate(in_the_clear(spec, split()))
        assert 0 < (expected == 0).sum() < 6
        assert np.array_equal(coefficients(outcome, split()) == 0, expected == 0)

    @pytest.mark.parametrize("scheme", SCHEMES, ids=lambda it: it.scheme)
    def test_under_every_scheme_to_the_same_bits(self, scheme: RegressionEncryption) -> None:
        spec = spec_of(encryption=scheme, max_rounds=3)
        found = coefficients(learn(spec, split()), split())
        expected = np.concatenate(in_the_clear(spec_of(), split()))
        assert found == pytest.approx(expected, abs=0.05)
        again = coefficients(learn(spec, split()), split())
        assert found.tobytes() == again.tobytes()

    @pytest.mark.parametrize("workers", [2, 3])
    def test_with_workers_to_the_same_bits(self, workers: int) -> None:
        spec = spec_of(max_rounds=3)
        one = learn(spec, split())
        several = learn(spec, split(), Members(workers={"clinic": workers, "insurer": 2}))
        assert coefficients(one, split()).tobytes() == coefficients(several, split()).tobytes()

    def test_nearly_with_fixed_batches_in_a_few_passes(self) -> None:
        spec = spec_of(batches=3, max_rounds=15)
        expected = np.concatenate(in_the_clear(spec_of(), split()))
        found = coefficients(learn(spec, split()), split())
        assert found == pytest.approx(expected, abs=0.05)

    def test_where_a_column_of_one_party_repeats_the_other_partys(self) -> None:
        data = split()
        data.table.features[:, 3] = data.table.features[:, 0]
        expected = data.test.features
        outcome = learn(spec_of(), data)
        pooled = Split(data.table, {"clinic": range(6), "insurer": (5,)}, TRAIN)
        del expected
        first, *_ = in_the_clear(spec_of(), pooled)
        standard = scaling.fit(data.training)
        ours = standard(data.test.features) @ first
        predicted = outcome.returned["hub"].predictions
        logits = np.log(predicted / (1 - predicted))
        assert np.corrcoef(ours, logits)[0, 1] > 0.9999


class TestSeveralPassiveParties:
    @pytest.mark.parametrize("name", ["binomial", "elastic net of classes"])
    def test_train_the_model_of_one_place(self, name: str) -> None:
        spec = spec_of(FOUR, **FAMILIES[name])
        data = split(spec.family, FOUR)
        outcome = learn(spec, data)
        expected = np.concatenate(in_the_clear(spec, data))
        assert coefficients(outcome, data) == pytest.approx(expected, abs=2e-4, rel=2e-3)

    def test_predict_together_in_batches(self) -> None:
        spec = spec_of(FOUR, batches=2, max_rounds=12)
        expected = np.concatenate(in_the_clear(spec_of(FOUR), split(parties=FOUR)))
        outcome = learn(spec, split(parties=FOUR))
        assert coefficients(outcome, split(parties=FOUR)) == pytest.approx(expected, abs=0.1)

    def test_show_the_active_party_their_sum_alone(self) -> None:
        """What one of them sends looks like noise, bit by bit, and never repeats."""
        outcome = learn(spec_of(FOUR, max_rounds=3), split(parties=FOUR))
        for party in ("insurer", "bank", "tram"):
            sent = outcome.sent[party]
            assert not {"PartialSlope", "PartialPredictor", "PartialNumbers"} & set(kinds(sent))
            words = np.concatenate([each.values for each in of_kinds(sent, MaskedSlope)])
            assert len(set(words.tolist())) == len(words)
            bits = np.unpackbits(words.view(np.uint8))
            assert abs(float(bits.mean()) - 0.5) < 5 * 0.5 / len(bits) ** 0.5
            numbers = [it for each in of_kinds(sent, MaskedNumbers) for it in each.values]
            assert len(set(numbers)) == len(numbers)

    def test_refuse_a_key_that_none_of_them_has_signed(self) -> None:
        """The active party puts in a key of its own, to take the masks of a party off."""

        def forge(message: Message) -> Message:
            if not isinstance(message, PairKeys):
                return message
            certificate, key = keys_of("mallory")
            forger = Identity.of("tram", "0" * 64, certificate, key, {})
            mine = message.signed[-1]
            forged = type(mine)(
                key=bytes(range(32)),
                certificate=forger.certificate,
                signature=forger.sign("isthmus: keys of passive parties, 1", "tram", b"", b""),
            )
            return PairKeys(signed=[*message.signed[:-1], forged])

        outcome = changed(spec_of(FOUR), split(parties=FOUR), "bank", forge)
        error = outcome.raised["bank"]
        assert isinstance(error, PeerError)
        assert "a key of 'tram' that is not signed, for this training" in str(error)
        assert "MaskedSlope" not in kinds(outcome.sent["bank"])

    def test_refuse_keys_of_fewer_parties_than_the_job_has(self) -> None:
        def leave_out(message: Message) -> Message:
            return (
                PairKeys(signed=message.signed[:-1]) if isinstance(message, PairKeys) else message
            )

        outcome = changed(spec_of(FOUR), split(parties=FOUR), "bank", leave_out)
        assert "2 keys of 3 passive parties" in str(outcome.raised["bank"])

    @pytest.mark.parametrize("kind", [Direction, Step])
    def test_give_away_nothing_if_they_are_told_different_things(self, kind: type[Message]) -> None:
        """The active party tells one of them another number: no mask cancels any more."""

        def other(message: Message) -> Message:
            match message:
                case Direction() if kind is Direction and not message.converged:
                    return Direction(conjugacy=message.conjugacy + 1e-9, converged=False)
                case Step() if kind is Step:
                    return Step(length=message.length + 1e-9)
                case _:
                    return message

        outcome = changed(spec_of(FOUR, max_rounds=2), split(parties=FOUR), "bank", other)
        if outcome.raised:  # it may become too large to go on
            assert any("cannot be summed under masks" in str(it) for it in outcome.raised.values())
        else:
            predictions = outcome.returned["hub"].predictions
            assert ((predictions < 1e-6) | (predictions > 1 - 1e-6)).mean() > 0.9

    def test_refuse_values_too_large_to_sum(self) -> None:
        data = split(parties=FOUR)
        outcome = changed(
            spec_of(FOUR),
            data,
            "bank",
            lambda it: Direction(conjugacy=1e12, converged=False) if type(it) is Direction else it,
            nth=2,
        )
        error = outcome.raised["bank"]
        assert isinstance(error, JobError)
        assert "not within 16,777,216 of zero, and cannot be summed under masks" in str(error)


def changed(
    spec: Regression,
    data: Split,
    victim: str,
    change: Callable[[Message], Message],
    nth: int = 1,
) -> Play:
    """Train with an active party that changes what it tells one passive party, from the nth on."""

    class Lying:
        def __init__(self, line: Channel) -> None:
            self.line, self.count = line, 0
            self.peer = line.peer

        def send(self, message: Message) -> None:
            self.count += change(message) is not message and change(message) != message
            self.line.send(change(message) if self.count >= nth else message)

        def receive(self, kind: Any) -> Any:
            return self.line.receive(kind)

    wrap = {ACTIVE: lambda line: Lying(line) if line.peer == victim else line}
    return train(spec, data, Members(lines=wrap), patience=30.0)


class TestForecast:
    @pytest.mark.parametrize("parties", [TWO, FOUR], ids=["two", "four"])
    @pytest.mark.parametrize("scheme", SCHEMES[:2], ids=lambda it: it.scheme)
    @pytest.mark.parametrize(
        "changes",
        [
            {},
            {"batches": 3, "max_rounds": 2},
            FAMILIES["lasso"],
            FAMILIES["multinomial"],
        ],
        ids=["full", "batches", "lasso", "classes"],
    )
    def test_is_what_was_sent(
        self, parties: Any, scheme: RegressionEncryption, changes: Mapping[str, Any]
    ) -> None:
        spec = spec_of(parties, **{"encryption": scheme, **changes})
        outcome = learn(spec, split(spec.family, parties))
        trained = outcome.returned["hub"]
        sizes = Sizes(
            rows=dict.fromkeys(parties, ROWS),
            shared=ROWS,
            train=TRAIN,
            test=ROWS - TRAIN,
            test_rows={},
            rounds=len(trained.rounds),
        )
        for party in split(parties=parties).passives:
            flows = forecast(spec, party, sizes)
            sent = {"passive": outcome.sent[party], "active": outcome.sent[f"hub to {party}"]}
            for role, messages in sent.items():
                expected = sum(flow.bytes for flow in flows if flow.sender == role)
                assert sum(map(len, messages)) == expected


class TestStopsEarly:
    def test_and_says_that_it_has_not_converged(self) -> None:
        assert not learn(spec_of(max_rounds=2), split()).returned["hub"].converged

    def test_with_few_rounds_where_the_columns_are_well_conditioned(self) -> None:
        outcome = learn(spec_of(), split())
        assert len(outcome.returned["hub"].rounds) == outcome.returned["insurer"].rounds <= 12


class TestGoesOnAfterAFailure:
    """A line breaks at a message; started again, all parties end with the same bits."""

    def ends_alike(
        self,
        folder: Path,
        data: Split,
        spec: Regression,
        victim: str,
        nth: int,
        whole: Play | None = None,
    ) -> None:
        whole = whole or learn(spec, data)
        kept = {name: Memory(folder / name, "job") for name in data.columns}
        broken = train(
            spec, data, Members(memories=kept, lines={victim: breaks_at(nth)}), patience=5.0
        )
        assert broken.raised
        again = {name: Memory(folder / name, "job") for name in kept}
        for memory in again.values():
            memory.load()
        outcome = learn(spec, data, Members(memories=again))
        for party in ["hub", *data.passives]:
            ours, theirs = outcome.returned[party].part, whole.returned[party].part
            assert ours.coefficients.tobytes() == theirs.coefficients.tobytes()
        ours, theirs = outcome.returned["hub"], whole.returned["hub"]
        assert ours.rounds == theirs.rounds
        assert ours.predictions.tobytes() == theirs.predictions.tobytes()

    @pytest.mark.parametrize("victim", [ACTIVE, "insurer"])
    def test_at_every_message(self, victim: str, tmp_path: Path) -> None:
        data = Split(joined(rows=160), TWO, 128)
        spec = spec_of(max_rounds=3, block_rows=4_096)
        whole = learn(spec, data)
        sent = whole.sent["hub to insurer" if victim == ACTIVE else victim]
        for nth in range(1, len(sent) + 1):
            folder = tmp_path / str(nth)
            folder.mkdir()
            self.ends_alike(folder, data, spec, victim, nth, whole)

    @pytest.mark.parametrize("name", ["lasso", "multinomial"])
    @pytest.mark.parametrize("nth", [9, 14])
    def test_in_other_families(self, name: str, nth: int, tmp_path: Path) -> None:
        spec = spec_of(**{**FAMILIES[name], "max_rounds": 3, "block_rows": 4_096})
        self.ends_alike(tmp_path, split(spec.family), spec, "insurer", nth)

    @pytest.mark.parametrize("victim", [ACTIVE, "bank"])
    @pytest.mark.parametrize("nth", [12, 17])
    def test_with_several_passive_parties(self, victim: str, nth: int, tmp_path: Path) -> None:
        spec = spec_of(FOUR, block_rows=4_096, max_rounds=4)
        self.ends_alike(tmp_path, split(parties=FOUR), spec, victim, nth)

    def test_with_workers(self, tmp_path: Path) -> None:
        """Another number of them after the stop than before."""
        spec, kept = spec_of(max_rounds=3), {it: Memory(tmp_path / it, "job") for it in TWO}
        members = Members(memories=kept, lines={"insurer": breaks_at(9)}, workers={"clinic": 2})
        assert train(spec, split(), members, patience=5.0).raised
        again = learn(spec, split(), Members(memories=kept, workers={"insurer": 2}))
        whole = learn(spec, split())
        ours, theirs = again.returned["hub"], whole.returned["hub"]
        assert ours.predictions.tobytes() == theirs.predictions.tobytes()
        assert ours.rounds == theirs.rounds

    def test_in_batches(self, tmp_path: Path) -> None:
        spec = spec_of(batches=3, max_rounds=3, block_rows=4_096)
        self.ends_alike(tmp_path, split(), spec, "insurer", 17)

    def test_masks_nothing_under_the_masks_of_before(self, tmp_path: Path) -> None:
        data, spec = split(parties=FOUR), spec_of(FOUR, block_rows=4_096, max_rounds=3)
        kept = {name: Memory(tmp_path / name, "job") for name in FOUR}
        lines = {ACTIVE: breaks_at(40)}
        first = train(spec, data, Members(memories=kept, lines=lines), patience=5.0)
        assert first.raised
        second = learn(spec, data, Members(memories=kept))
        before = of_kinds(first.sent["bank"], MaskedSlope, MaskedNumbers)
        after = of_kinds(second.sent["bank"], MaskedSlope, MaskedNumbers)
        words = [encode(it) for it in [*before, *after]]
        assert before
        assert len(set(words)) == len(words)


def breaks_at(nth: int) -> Any:
    """The line breaks at the nth message that the party sends on all its lines together."""
    count = [nth]

    class Breaking(FaultyChannel):
        def send(self, message: Message) -> None:
            count[0] -= 1
            if count[0] == 0:
                drop(self._line, message)
            else:
                self._line.send(message)

    return lambda line: Breaking(line, nth, drop)


class TestRefusesTheJob:
    def test_that_tells_too_much_about_the_labels(self) -> None:
        outcome = train(spec_of(batches=60, label_exposure=0.1), split(), patience=30.0)
        error = outcome.raised["hub"]
        assert type(error) is SpecError  # a JobError would tell the peer how many have the label
        assert "60 batches x 4 columns" in str(error)
        assert "label_exposure" in str(error)

    def test_that_tells_too_much_about_the_rarer_label(self) -> None:
        """25 of 480 rows are positive: 4 columns are few for all rows, and many for these."""
        data = split()
        assert data.table.label is not None
        data.table.label[:] = np.arange(ROWS) % 20 == 0
        outcome = train(spec_of(label_exposure=0.1), data, patience=30.0)
        assert "24 of 480 rows have the rarer label, would tell it 0.167" in str(
            outcome.raised["hub"]
        )

    def test_that_tells_too_much_about_the_rows_that_count(self) -> None:
        data = split()
        weighted = replace(data.table, weight=(np.arange(ROWS) % 12 == 0).astype(float))
        spec = spec_of(label_exposure=0.2)
        error = train(spec, replace(data, table=weighted), patience=30.0).raised["hub"]
        assert type(error) is SpecError  # a JobError would tell the peer how many have the label
        assert "of 480 rows have the rarer label" in str(error)

    def test_whose_label_does_not_fit_the_family(self) -> None:
        outcome = train(spec_of(), split("gaussian"), patience=30.0)
        assert isinstance(outcome.raised["hub"], SpecError)
        assert "480 of 480 labels are other than 0 and 1" in str(outcome.raised["hub"])

    def test_where_a_column_is_constant_on_the_aligned_rows(self) -> None:
        data = split()
        data.table.features[:TRAIN, 3] = 7.0
        outcome = train(spec_of(), data, patience=30.0)
        assert isinstance(outcome.raised["insurer"], SpecError)
        assert "'cost' has one single value" in str(outcome.raised["insurer"])

    @pytest.mark.parametrize(("column", "party"), [(1, "hub"), (3, "insurer")])
    @pytest.mark.parametrize("cell", [np.inf, np.nan])
    def test_where_a_cell_is_not_finite(self, column: int, party: str, cell: float) -> None:
        data = split()
        data.table.features[:3, column] = cell
        error = train(spec_of(), data, patience=30.0).raised[party]
        assert isinstance(error, SpecError)
        assert f"cells of {data.table.names[column]!r} (3) are infinite or not a num" in str(error)

    def test_where_a_column_tells_few_rows_from_all_others(self) -> None:
        data = split()
        data.table.features[:, 3] = np.arange(ROWS) < 19
        members = Members(minimum_column_rows=20)
        error = train(spec_of(), data, members, patience=30.0).raised["insurer"]
        assert isinstance(error, PolicyError)
        assert "of column 'cost' (19), so few of 480 rows have another value" in str(error)

    def test_where_beside_an_outlier_all_other_values_are_one(self) -> None:
        data = split()
        data.table.features[7, 3] = 1e9
        members = Members(minimum_column_rows=20)
        error = train(spec_of(), data, members, patience=30.0).raised["insurer"]
        assert isinstance(error, PolicyError)
        assert "of column 'cost' (1), so few of 480 rows" in str(error)


def alone(spec: Regression, role: Role, victim: str) -> Exception:
    """The error of a party whose only peer plays a role of the test."""
    data = split()
    outcome = train(spec, data, Members(lines={}), patience=30.0, roles={other(victim): role})
    return outcome.raised["hub" if victim == ACTIVE else victim]


def other(party: str) -> str:
    return "insurer" if party == ACTIVE else ACTIVE


class TestTheActivePartyStopsOn:
    def stops(self, peer: Role) -> Exception:
        return alone(spec_of(), peer, ACTIVE)

    def test_a_peer_with_other_rows(self) -> None:
        def disagrees(line: Channel) -> None:
            line.send(Shape(rows=479, columns=4, rounds=0))
            line.receive(Start)

        error = self.stops(disagrees)
        assert isinstance(error, PeerError)
        assert "479 training rows x 4 columns where 480 x 4 were due" in str(error)

    def test_a_peer_with_other_columns(self) -> None:
        def disagrees(line: Channel) -> None:
            line.send(Shape(rows=480, columns=5, rounds=0))
            line.receive(Start)

        assert "480 training rows x 5 columns where 480 x 4 were due" in str(self.stops(disagrees))

    def test_slopes_of_other_rows_than_are_due(self) -> None:
        def skip(message: Message) -> Message:
            match message:
                case PartialSlope():
                    return PartialSlope(first_row=message.first_row + 1, values=message.values)
                case _:
                    return message

        wrap = {"insurer": partial(Sends, change=skip)}
        outcome = train(spec_of(), split(), Members(lines=wrap), patience=30.0)
        error = outcome.raised["hub"]
        assert isinstance(error, PeerError)
        assert "'insurer' sent rows from 1 of shape (128,) where 128 rows from 0" in str(error)

    def test_a_number_where_several_are_due(self) -> None:
        def one(message: Message) -> Message:
            if isinstance(message, PartialNumbers):
                return PartialNumbers(values=np.array(1.0))
            return message

        wrap = {"insurer": partial(Sends, change=one)}
        error = train(spec_of(), split(), Members(lines=wrap), patience=30.0).raised["hub"]
        assert isinstance(error, PeerError)
        assert "'insurer' sent numbers of shape () where 2 were due" in str(error)

    def test_a_silent_peer(self) -> None:
        def begins(line: Channel) -> None:
            line.send(Shape(rows=480, columns=4, rounds=0))
            line.receive(LossScale)

        def waits(line: Channel) -> None:
            line.send(Shape(rows=480, columns=4, rounds=0))
            line.receive(Start)
            with pytest.raises(ChannelError):
                line.receive(EncryptedValues)

        del begins
        assert isinstance(self.stops(waits), ChannelError | PeerError)


class Sends:
    """A line on which a party sends something else."""

    def __init__(self, line: Channel, change: Callable[[Message], Message]) -> None:
        self.line, self.peer, self.change = line, line.peer, change

    def send(self, message: Message) -> None:
        self.line.send(self.change(message))

    def receive(self, kind: Any) -> Any:
        return self.line.receive(kind)


class TestThePassivePartyStopsOn:
    def stops(self, peer: Role) -> Exception:
        return alone(spec_of(), peer, "insurer")

    def test_going_on_after_a_round_that_it_never_had(self) -> None:
        def skips(line: Channel) -> None:
            line.receive(Shape)
            line.send(Start(rounds=4, run="0" * 32))
            line.send(LossScale(curvature=-2, limit=0))
            line.receive(PairKey)

        error = self.stops(skips)
        assert isinstance(error, PeerError)
        assert "go on after round 4" in str(error)

    def test_keys_that_are_none(self) -> None:
        def babbles(line: Channel) -> None:
            line.receive(Shape)
            line.send(Start(rounds=0, run="0" * 32))
            line.send(LossScale(curvature=-2, limit=0))
            line.send(ProductKey(key=b"\xff" * 10))
            line.receive(PairKey)

        error = self.stops(babbles)
        assert isinstance(error, PeerError)
        assert "that no honest run makes" in str(error)


def test_names_of_families_are_all_there() -> None:
    assert {spec.get("family", "binomial") for spec in FAMILIES.values()} == set(
        families.__doc__.split()
    ) & {"binomial", "gaussian", "multinomial", "poisson", "gamma", "tweedie"}
