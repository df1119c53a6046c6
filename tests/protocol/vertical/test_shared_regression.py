"""Vertical regression, level `shared`: all roles over lines, honest and not."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from isthmus.core.errors import PeerError, PolicyError, SpecError
from isthmus.data.table import Table
from isthmus.ledger.forecast import Sizes
from isthmus.transport.channel import Channel
from isthmus.transport.message import Message
from isthmus.vertical.regression.memory import Memory
from isthmus.vertical.regression.pooled import train_pooled
from isthmus.vertical.regression.shared.forecast import forecast
from isthmus.vertical.regression.shared.messages import (
    FactorKey,
    Factors,
    InnerProducts,
    MaskedResiduals,
    PassiveSpread,
    ResidualScale,
    SharedShape,
    SharedStart,
    Spreads,
)
from isthmus.vertical.regression.spec import Regression, Shared
from tests.faulty_channel import FaultyChannel, drop
from tests.real_data import VERTICAL, needs, rows
from tests.regressions import ACTIVE, Members, Split, a_spec, bfv, coefficients, train
from tests.roles import Play, Role
from tests.shared_in_clear import InClear
from tests.transcripts import kinds, of_kinds

ROWS, TRAIN = 600, 480
TWO = {"clinic": (0, 1), "insurer": (2, 3, 4, 5)}
THREE = {"clinic": (0, 1), "insurer": (2, 3), "lab": (4, 5)}
FIVE = {"clinic": (0, 1), "bank": (2,), "insurer": (3,), "lab": (4,), "tram": (5,)}


def joined(family: str = "binomial", rows: int = ROWS) -> Table:
    """Rows of all parties in one place; the clinic has the first two columns."""
    generator = np.random.default_rng(3)
    x = generator.normal(size=(rows, 6)) * [1.0, 30.0, 1.0, 0.1, 2.0, 1.0]
    x[:, 2] = x[:, 2] + x[:, 0] > 0  # a flag that goes along with a column of the other party
    signal = x @ [0.8, 0.02, -1.2, 8.0, 0.3, 0.0] / 2 + 0.3
    match family:
        case "gaussian":
            label = signal + generator.normal(size=rows)
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


def spec_of(parties: Mapping[str, Any] = TWO, rounds: int = 12, **changes: Any) -> Regression:
    columns = {name: len(at) for name, at in parties.items() if name != ACTIVE}
    settled = {
        "level": "shared",
        "encryption": bfv(),
        "passive_columns": columns,
        "block_rows": 4096,
        "shared": Shared(active_columns=len(parties[ACTIVE]), rounds=rounds),
    }
    return a_spec(**settled | changes)


def learn(spec: Regression, data: Split, members: Members | None = None) -> Play:
    outcome = train(spec, data, members)
    for error in outcome.raised.values():
        raise error
    return outcome


class TestEqualsTheModelOfOnePlace:
    @pytest.mark.parametrize("family", ["binomial", "gaussian", "poisson", "gamma", "tweedie"])
    def test_of_all_columns(self, family: str) -> None:
        data, spec = split(family), spec_of(family=family, rounds=16)
        found = InClear(spec, data).coefficients  # the next test says that these are the same
        pooled = train_pooled(data.training, spec).coefficients
        assert np.linalg.norm(found - pooled) < 0.01 * np.linalg.norm(pooled)

    @pytest.mark.parametrize("family", ["binomial", "gaussian", "tweedie"])
    def test_with_the_same_integers_to_the_last_bit(self, family: str) -> None:
        data, spec = split(family), spec_of(family=family, rounds=3)
        found = coefficients(learn(spec, data), data)
        assert found.tobytes() == InClear(spec, data).coefficients.tobytes()

    @pytest.mark.parametrize("family", ["binomial", "gaussian", "poisson"])
    def test_of_three_parties(self, family: str) -> None:
        data, spec = split(family, THREE), spec_of(THREE, family=family, rounds=2)
        found = coefficients(learn(spec, data), data)
        assert found == pytest.approx(InClear(spec, data).coefficients, rel=1e-6)

    @pytest.mark.slow
    def test_of_five_parties(self) -> None:
        data, spec = split(parties=FIVE), spec_of(FIVE, rounds=2)
        found = coefficients(learn(spec, data), data)
        assert found == pytest.approx(InClear(spec, data).coefficients, rel=1e-6)

    def test_with_weights_of_classes_and_offsets(self) -> None:
        table, offset = joined(), np.random.default_rng(1).normal(0, 0.5, ROWS)
        table = Table(table.identifiers, table.features, table.names, table.label, offset=offset)
        data, spec = Split(table, TWO, TRAIN), spec_of(class_weight="balanced", rounds=16)
        found = InClear(spec, data).coefficients
        pooled = train_pooled(data.training, spec).coefficients
        assert np.linalg.norm(found - pooled) < 0.01 * np.linalg.norm(pooled)

    def test_with_weights_of_rows_and_several_passive_parties(self) -> None:
        """With one passive party they are refused: see `system.check_party`."""
        weight = np.random.default_rng(2).uniform(0.2, 3.0, ROWS)
        data = split("gaussian", parties=THREE)
        data = replace(data, table=replace(data.table, weight=weight))
        spec = spec_of(THREE, family="gaussian", rounds=12, penalty=1e-3)
        found = coefficients(learn(spec, data), data)
        pooled = train_pooled(data.training, spec).coefficients
        assert np.linalg.norm(found - pooled) < 0.01 * np.linalg.norm(pooled)

    def test_with_workers(self) -> None:
        data, spec = split(), spec_of(rounds=2)
        alone, both = (
            learn(spec, data, Members(workers=workers))
            for workers in ({}, {ACTIVE: 2, "insurer": 2})
        )
        assert coefficients(both, data).tobytes() == coefficients(alone, data).tobytes()


class TestInTheClear:
    """Rounds and functions that it takes, on the same integers without encryption."""

    @needs(VERTICAL)
    @pytest.mark.parametrize(
        ("name", "penalty", "rounds", "approximation", "functions"),
        [
            ("default_credit", 1e-4, 12, 2e-3, 4),
            ("breast", 1e-1, 12, 2e-3, 10),
            ("breast", 1e-2, 20, 2e-3, 16),
            ("vehicle_scale", 1e-2, 20, 1e-3, 8),
        ],
    )
    def test_matches_scikit_learn_on_real_data(
        self, name: str, penalty: float, rounds: int, approximation: float, functions: int
    ) -> None:
        data = real(name)
        parties = {ACTIVE: data.columns[ACTIVE], "insurer": data.columns["insurer"]}
        spec = spec_of(
            parties,
            penalty=penalty,
            shared=Shared(
                active_columns=len(parties[ACTIVE]), rounds=rounds, approximation=approximation
            ),
        )
        found = InClear(spec, data)
        assert found.counts[-1] == functions
        label, features = data.training.label, data.training.features
        assert label is not None
        mean, deviation = features.mean(axis=0), features.std(axis=0)
        model = LogisticRegression(C=1 / (len(label) * penalty), tol=1e-10, max_iter=10_000)
        model.fit((features - mean) / deviation, label)
        order = [*data.columns[ACTIVE], *data.columns["insurer"]]
        expected = model.coef_[0][order]
        off = np.linalg.norm(found.coefficients - expected) / np.linalg.norm(expected)
        assert off < 0.01
        test = data.test
        pooled = model.decision_function((test.features - mean) / deviation)
        aucs = [roc_auc_score(test.label, score) for score in (found.predictor(data), pooled)]
        assert abs(aucs[0] - aucs[1]) < 0.001
        # What is told of the error is what it is.
        left = found.approximate[-1] - found.exact[-1]
        assert np.sqrt(np.mean(left**2)) < 2 * found.errors[-1] + 1e-3

    def test_takes_more_functions_where_the_predictor_has_a_wider_spread(self) -> None:
        """At the start there is only the active party's share; then the spread grows."""
        found = InClear(spec_of(), split())
        assert found.counts[0] < found.counts[-1] < Shared(active_columns=2).most_functions
        assert max(found.errors) <= 0.002

    def test_takes_no_more_functions_than_the_job_allows(self) -> None:
        spec = spec_of(shared=Shared(active_columns=2, most_functions=3))
        found = InClear(spec, split())
        assert max(found.counts) == 3
        assert found.errors[-1] > 0.002

    def test_takes_more_functions_for_a_smaller_error(self) -> None:
        spec = spec_of(shared=Shared(active_columns=2, approximation=1e-4))
        fine, coarse = InClear(spec, split()), InClear(spec_of(), split())
        assert fine.counts[-1] > coarse.counts[-1]
        assert fine.errors[-1] <= 1e-4


def real(name: str) -> Split:
    """Real data of two parties; of several classes, the first against all others."""
    tables = []
    for part in ("train", "test"):
        guest, host = rows(name, "guest", part), rows(name, "host", part)
        tables.append((guest, host))
    features = np.vstack([np.hstack([guest.features, host.features]) for guest, host in tables])
    label = np.concatenate([guest.label for guest, _ in tables])
    (guest, host), _ = tables
    columns = {
        ACTIVE: range(len(guest.names)),
        "insurer": range(len(guest.names), len(guest.names) + len(host.names)),
    }
    identifiers = [b"%d" % row for row in range(len(label))]
    table = Table(identifiers, features, guest.names + host.names, (label == 1).astype(float))
    return Split(table, columns, len(guest))


class TestForecast:
    @pytest.mark.parametrize("family", ["binomial", "gaussian", "tweedie"])
    @pytest.mark.parametrize("parties", [TWO, THREE], ids=["two", "three"])
    def test_is_what_was_sent_to_the_byte(self, parties: Any, family: str) -> None:
        spec, data = spec_of(parties, family=family, rounds=2), split(family, parties)
        outcome = learn(spec, data)
        sizes = Sizes(
            rows=dict.fromkeys(parties, ROWS),
            shared=ROWS,
            train=TRAIN,
            test=ROWS - TRAIN,
            test_rows={},
            rounds=2,
            functions=outcome.returned["hub"].functions,
        )
        assert len(sizes.functions) == 2
        for party in data.passives:
            assert outcome.returned[party].functions == sizes.functions
            flows = forecast(spec, party, sizes)
            sent = {"passive": outcome.sent[party], "active": outcome.sent[f"hub to {party}"]}
            for role, messages in sent.items():
                expected = dict[str, tuple[int, int]]()
                for flow in flows:
                    if flow.sender == role:
                        add(expected, type(flow.sample).__name__, flow.count, flow.bytes)
                found = dict[str, tuple[int, int]]()
                for name, message in zip(kinds(messages), messages, strict=True):
                    add(found, name, 1, len(message))
                scores = [name for name in found if name.endswith("Predictor")]
                for name in scores:  # they say their first row, in one byte or in three
                    assert found.pop(name)[0] == expected.pop(name)[0]
                assert found == expected

    def test_counts_as_many_functions_as_the_job_allows_where_others_are_not_known(self) -> None:
        spec = spec_of(rounds=3)
        every = Sizes({}, 48_000, 48_000, 0, {}, rounds=3)
        sizes = [replace(every, functions=known) for known in ((), (16,) * 3, (4,), (4,) * 3)]
        most, said, incomplete, few = (
            sum(flow.bytes for flow in forecast(spec, "insurer", each)) for each in sizes
        )
        assert most == said == incomplete > few


def add(counted: dict[str, tuple[int, int]], name: str, count: int, size: int) -> None:
    before = counted.get(name, (0, 0))
    counted[name] = before[0] + count, before[1] + size


class TestGoesOnAfterAFailure:
    """A line breaks at a message; started again, all parties end with the same bits."""

    @pytest.mark.parametrize("victim", [ACTIVE, "insurer"])
    def test_at_every_message_of_a_round(self, victim: str, tmp_path: Path) -> None:
        data = Split(joined(rows=160), TWO, 128)
        spec = spec_of(rounds=2)
        whole = learn(spec, data)
        sent = len(whole.sent["hub to insurer" if victim == ACTIVE else victim])
        for nth in range(2 + (sent - 2) // 2, sent + 1):  # in the second round, and after it
            folder = tmp_path / str(nth)
            folder.mkdir()
            self.ends_alike(folder, data, spec, victim, nth, whole)

    @pytest.mark.parametrize(("victim", "nth"), [(ACTIVE, 33), ("lab", 14)])
    def test_with_several_passive_parties(self, victim: str, nth: int, tmp_path: Path) -> None:
        data, spec = Split(joined(rows=160), THREE, 128), spec_of(THREE, rounds=2)
        self.ends_alike(tmp_path, data, spec, victim, nth, learn(spec, data))

    def ends_alike(
        self, folder: Path, data: Split, spec: Regression, victim: str, nth: int, whole: Play
    ) -> None:
        kept = {name: Memory(folder / name, "job") for name in data.columns}
        lines = {victim: breaks_at(nth)}
        broken = train(spec, data, Members(memories=kept, lines=lines), patience=5.0)
        assert broken.raised
        again = {name: Memory(folder / name, "job") for name in kept}
        for memory in again.values():
            memory.load()
        assert max(len(memory) for memory in again.values()) >= 1
        outcome = learn(spec, data, Members(memories=again))
        for party in ["hub", *data.passives]:
            ours, theirs = outcome.returned[party].part, whole.returned[party].part
            assert ours.coefficients.tobytes() == theirs.coefficients.tobytes()
        ours, theirs = outcome.returned["hub"], whole.returned["hub"]
        assert [at.gradient_norm for at in ours.rounds] == [
            at.gradient_norm for at in theirs.rounds
        ]
        assert ours.predictions.tobytes() == theirs.predictions.tobytes()
        assert ours.ending == theirs.ending

    @pytest.mark.parametrize("wrong", [np.full(4, np.nan), np.zeros(3)], ids=["nan", "short"])
    def test_not_from_coefficients_that_were_changed(self, wrong: Any, tmp_path: Path) -> None:
        data, spec = Split(joined(rows=160), TWO, 128), spec_of(rounds=2)
        kept = {name: Memory(tmp_path / name, "job") for name in data.columns}
        learn(spec_of(rounds=1), data, Members(kept))
        kept["insurer"].states[1]["weights"] = wrong
        error = train(spec, data, Members(memories=kept), patience=30.0).raised["insurer"]
        assert isinstance(error, SpecError)
        assert "holds no coefficients of these columns" in str(error)

    def test_masks_nothing_under_the_masks_of_before(self, tmp_path: Path) -> None:
        data, spec = Split(joined(rows=160), TWO, 128), spec_of(rounds=2)
        kept = {name: Memory(tmp_path / name, "job") for name in data.columns}
        lines = {ACTIVE: breaks_at(15)}  # in the second round, which is done again
        first = train(spec, data, Members(memories=kept, lines=lines), patience=5.0)
        assert first.raised
        second = learn(spec, data, Members(memories=kept))
        hidden: dict[str, type[MaskedResiduals | Factors]] = {
            "hub to insurer": MaskedResiduals,
            "insurer": Factors,
        }
        for party, kind in hidden.items():
            before, after = (of_kinds(each.sent[party], kind) for each in (first, second))
            assert (len(before), len(after)) == (2, 1)
            crossed = [message.ciphertexts for message in [*before, *after]]
            assert len(set(crossed)) == len(crossed)

    def test_a_finished_training_is_only_scored_again(self, tmp_path: Path) -> None:
        data, spec = Split(joined(rows=160), TWO, 128), spec_of(rounds=2)
        kept = {name: Memory(tmp_path / name, "job") for name in data.columns}
        first = learn(spec, data, Members(memories=kept))
        second = learn(spec, data, Members(memories=kept))
        assert set(kinds(second.sent["insurer"])) == {"SharedShape", "PartialPredictor"}
        assert second.returned["hub"].ending == first.returned["hub"].ending


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


class TestEnding:
    def test_says_what_would_bring_it_closer(self) -> None:
        spec = spec_of(rounds=2, shared=Shared(active_columns=2, rounds=2, most_functions=1))
        outcome = learn(spec, split())
        ending = outcome.returned["hub"].ending
        assert "ended after all 2 rounds" in ending
        assert "1 functions approximate a probability to 0." in ending
        assert "would to 0.002: agree on more `regression.shared.most_functions`" in ending
        assert "agree on more `regression.shared.rounds`" in outcome.returned["insurer"].ending

    def test_says_that_it_has_converged(self) -> None:
        spec = spec_of(family="gaussian", rounds=6, tolerance=1e-2)
        outcome = learn(spec, split("gaussian"))
        assert outcome.returned["hub"].ending == "converged in all 6 rounds"


class TestRefusesTheJob:
    def test_that_tells_too_much_about_the_labels(self) -> None:
        outcome = train(spec_of(label_exposure=0.01), split(), patience=30.0)
        error = outcome.raised["hub"]
        assert type(error) is SpecError  # not sent
        assert "4 columns of 'insurer'" in str(error)
        assert "label_exposure" in str(error)

    @pytest.mark.parametrize(("column", "party"), [(0, "hub"), (4, "insurer")])
    def test_where_a_column_tells_few_rows_from_all_others(self, column: int, party: str) -> None:
        table = joined()
        table.features[:, column] = np.arange(ROWS) < 5
        outcome = train(
            spec_of(), Split(table, TWO, TRAIN), Members(minimum_column_rows=20), patience=30.0
        )
        assert isinstance(outcome.raised[party], PolicyError)


class TestTheActivePartyStopsOn:
    def stops(self, peer: Role, spec: Regression | None = None) -> Exception:
        spec = spec or spec_of()
        return train(spec, split(), roles={"insurer": peer}, patience=30.0).raised["hub"]

    def test_a_peer_with_other_rows(self) -> None:
        def disagrees(line: Channel) -> None:
            line.send(SharedShape(rows=479, columns=4, rounds=0))
            line.receive(SharedStart)

        error = self.stops(disagrees)
        assert isinstance(error, PeerError)
        assert "479 training rows x 4 columns where 480 x 4 were due" in str(error)

    @pytest.mark.parametrize("wrong", [b"", b"\xff" * 100, None])
    def test_a_key_that_is_none(self, wrong: bytes | None) -> None:
        def babbles(line: Channel) -> None:
            start(line)
            size = 32 + 8192 * (3 * 60 + 36) // 8
            line.send(FactorKey(key=b"\xff" * size if wrong is None else wrong))
            line.receive(MaskedResiduals)

        error = self.stops(babbles)
        assert isinstance(error, PeerError)
        assert "'insurer' sent FactorKey that no honest run makes" in str(error)

    def test_numbers_that_are_no_ciphertexts(self) -> None:
        def babbles(line: Channel) -> None:
            start(line)
            line.send(FactorKey(key=bytes(32 + 8192 * (3 * 60 + 36) // 8)))
            line.send(Factors(ciphertexts=b"\x00" * 100))
            line.receive(MaskedResiduals)

        error = self.stops(babbles)
        assert isinstance(error, PeerError)
        assert "'insurer' sent Factors that no honest run makes" in str(error)


class TestThePassivePartyStopsOn:
    def stops(self, peer: Role) -> Exception:
        outcome = train(spec_of(), split(), roles={ACTIVE: peer}, patience=30.0)
        return outcome.raised["insurer"]

    def test_going_on_after_a_round_that_it_never_had(self) -> None:
        def skips(line: Channel) -> None:
            line.receive(SharedShape)
            line.send(SharedStart(rounds=4, run="0" * 32, curvature=-2))
            line.receive(PassiveSpread)

        error = self.stops(skips)
        assert isinstance(error, PeerError)
        assert "go on after round 4" in str(error)

    @pytest.mark.parametrize(
        ("levels", "seeds"), [([0], [bytes(32)]), ([0, 200], [bytes(32)]), ([0, 0], [])]
    )
    def test_spreads_that_are_not_those_of_all(self, levels: list[int], seeds: Any) -> None:
        def lies(line: Channel) -> None:
            begin(line)
            line.send(Spreads(levels=levels, functions=4, seeds=seeds))
            line.receive(FactorKey)

        error = self.stops(lies)
        assert isinstance(error, PeerError)
        assert "sent spreads" in str(error)

    @pytest.mark.parametrize("functions", [0, 17])
    def test_more_or_fewer_functions_than_the_job_allows(self, functions: int) -> None:
        def lies(line: Channel) -> None:
            begin(line)
            line.send(Spreads(levels=[0, 0], functions=functions, seeds=[bytes(32)]))
            line.receive(FactorKey)

        error = self.stops(lies)
        assert isinstance(error, PeerError)
        assert f"wants {functions} functions in a round, where the job allows 1 to 16" in str(error)

    def test_masked_residuals_that_are_none(self) -> None:
        def babbles(line: Channel) -> None:
            begin(line)
            line.send(Spreads(levels=[0, 0], functions=4, seeds=[bytes(32)]))
            line.receive(FactorKey)
            line.receive(Factors)
            line.send(ResidualScale(exponent=1))
            line.send(MaskedResiduals(ciphertexts=b"\xff" * 10))
            line.receive(InnerProducts)

        error = self.stops(babbles)
        assert isinstance(error, PeerError)
        assert "'hub' sent MaskedResiduals that no honest run makes" in str(error)


def start(line: Channel) -> None:
    """Begin as an honest passive party does, up to its key."""
    line.send(SharedShape(rows=480, columns=4, rounds=0))
    line.receive(SharedStart)
    line.send(PassiveSpread(level=0, seed=b""))
    line.receive(Spreads)


def begin(line: Channel) -> None:
    """Begin as an honest active party does, up to the spreads."""
    line.receive(SharedShape)
    line.send(SharedStart(rounds=0, run="0" * 32, curvature=-2))
    line.receive(PassiveSpread)
