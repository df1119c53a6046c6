"""What a regression lets cross, and what can be made of it."""

from typing import Any

import msgspec
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from isthmus.core.arrays import Floats
from isthmus.core.telemetry import Telemetry
from isthmus.crypto.encryption import RegressionEncryption
from isthmus.data.table import Table
from isthmus.transport.message import Protection, protections
from isthmus.vertical.regression import messages as row_messages
from isthmus.vertical.regression.block import Block, penalty
from isthmus.vertical.regression.encrypted import messages
from isthmus.vertical.regression.encrypted.active import active
from isthmus.vertical.regression.encrypted.passive import passive
from isthmus.vertical.regression.families import Binomial
from isthmus.vertical.regression.memory import Memory
from isthmus.vertical.regression.rows import batches
from isthmus.vertical.regression.spec import LinearModel, Regression
from tests.roles import Play, play
from tests.transcripts import declared, kinds

TRAIN, TEST = np.arange(400), np.arange(400, 500)
SPEC = Regression(
    passive_columns=2,
    encryption=RegressionEncryption("okamoto-uchiyama", 2048),
    label_exposure=0.5,
    block_rows=128,
)
DECLARED = declared(messages) | declared(row_messages)


@pytest.fixture(scope="module")
def tables() -> dict[str, Table]:
    generator = np.random.default_rng(5)
    x = generator.normal(size=(500, 4))
    label = (generator.random(500) < 1 / (1 + np.exp(-x.sum(axis=1)))).astype(float)
    ids = [b"ada-lovelace-%d" % row for row in range(500)]
    return {
        "clinic": Table(ids, x[:, :2], ("column-of-ages", "column-of-weights"), label),
        "insurer": Table(ids, x[:, 2:], ("column-of-plans", "column-of-costs")),
    }


@pytest.fixture(scope="module")
def transcript(tables: dict[str, Table]) -> Play:
    ours, theirs = tables["clinic"], tables["insurer"]
    outcome = play(
        clinic=lambda line: active(
            line, ours.take(TRAIN), ours.take(TEST), SPEC, Telemetry(), Memory()
        ),
        insurer=lambda line: passive(
            line, theirs.take(TRAIN), theirs.take(TEST), SPEC, Telemetry(), Memory()
        ),
    )
    assert not outcome.raised
    return outcome


def sent(transcript: Play, party: str) -> list[dict[str, Any]]:
    return [msgspec.msgpack.decode(data) for data in transcript.sent[party]]


class TestTranscript:
    def test_holds_only_declared_messages_in_the_declared_direction(self, transcript: Play) -> None:
        from_clinic = {"Start", "Residuals", "OpenedGradient", "Direction", "Step"}
        from_insurer = {
            "Shape",
            "MaskedGradient",
            "GradientNorms",
            "PartialSlope",
            "PenaltyLine",
            "PartialPredictor",
        }
        assert set(kinds(transcript.sent["clinic"])) == from_clinic
        assert set(kinds(transcript.sent["insurer"])) == from_insurer
        assert from_clinic | from_insurer <= DECLARED.keys()

    def test_holds_no_identifier_column_name_or_label(
        self, transcript: Play, tables: dict[str, Table]
    ) -> None:
        everything = b"".join(data for party in transcript.sent.values() for data in party)
        for secret in (b"ada-lovelace", b"column-of-"):
            assert secret not in everything
        label = tables["clinic"].label
        assert label is not None
        assert label[TRAIN].tobytes()[:256] not in everything

    def test_holds_no_column_in_the_clear(self, transcript: Play, tables: dict[str, Table]) -> None:
        everything = b"".join(data for party in transcript.sent.values() for data in party)
        for table in tables.values():
            for column in table.features.T:
                assert np.ascontiguousarray(column[TRAIN])[:8].tobytes() not in everything

    def test_never_repeats_a_ciphertext(self, transcript: Play) -> None:
        width = 1024 // 8 + 1
        residuals = b"".join(
            message["ciphertexts"]
            for message in sent(transcript, "clinic")
            if message["type"] == "Residuals"
        )
        ciphertexts = [residuals[at : at + width] for at in range(0, len(residuals), width)]
        assert len(set(ciphertexts)) == len(ciphertexts) >= 400

    def test_opens_sums_only_under_masks_that_differ_every_time(self, transcript: Play) -> None:
        opened = [
            int.from_bytes(value, "big", signed=True)
            for message in sent(transcript, "clinic")
            if message["type"] == "OpenedGradient"
            for value in message["sums"]
        ]
        assert len(set(opened)) == len(opened)
        # A sum has at most 62 bits: what is seen has the 126 bits of its mask.
        assert np.median([value.bit_length() for value in opened]) > 120


class TestDeclarations:
    @pytest.mark.parametrize("kind", DECLARED.values())
    def test_every_message_says_why_it_is_sent_and_what_it_tells(self, kind: Any) -> None:
        assert kind.purpose
        assert kind.reveals
        assert kind.__name__ in (messages.__doc__ or "")

    def test_what_is_encrypted_or_masked_is_declared_so(self) -> None:
        assert protections(messages.Residuals)["ciphertexts"] is Protection.ENCRYPTED
        assert protections(messages.MaskedGradient)["ciphertexts"] is Protection.ENCRYPTED
        assert protections(messages.OpenedGradient)["sums"] is Protection.MASKED
        assert protections(row_messages.PartialSlope)["values"] is Protection.CLEAR


class TestResidualAttack:
    """The passive party solves its gradients for the residuals: least squares, label AUC."""

    def attack(self, rows: int, columns: int, parts: int, seed: int) -> tuple[float, float]:
        """Label AUC of the attack, and of what its own coefficients tell anyway."""
        generator = np.random.default_rng(seed)
        ours, theirs = generator.normal(size=(rows, 5)), generator.normal(size=(rows, columns))
        signal = ours.sum(axis=1) * 0.6 + theirs @ np.full(columns, 0.5 / columns**0.5)
        label = (generator.random(rows) < 1 / (1 + np.exp(-signal))).astype(float)
        known, seen, weights = self.train(ours, theirs, label, parts)
        residual = np.linalg.lstsq(known, seen, rcond=1e-6)[0]
        return (
            float(roc_auc_score(label, -residual)),
            float(roc_auc_score(label, theirs @ weights)),
        )

    def train(
        self, ours: Floats, theirs: Floats, label: Floats, parts: int
    ) -> tuple[Floats, Floats, Floats]:
        """Equations about the residuals that the passive party sees in five passes."""
        both = np.hstack([ours, theirs])
        block = Block(both, penalty(LinearModel(), both.shape[1], ()), (), curvature=0.25)
        known, seen = list[Floats](), list[Floats]()
        for _ in range(5):
            for batch in batches(len(label), parts):
                x = both[batch]
                residual = Binomial().residual(x @ block.weights, label[batch])
                equations = np.zeros((theirs.shape[1], len(label)))
                equations[:, batch] = theirs[batch].T
                known.append(equations)
                seen.append(theirs[batch].T @ residual)
                block.propose(x.T @ residual / len(x))
                block.turn(0.0)
                block.move(0.5)
        return np.vstack(known), np.concatenate(seen), block.weights[ours.shape[1] :]

    def test_gains_little_within_the_default_exposure(self) -> None:
        limit = Regression(passive_columns=5).label_exposure
        gains = list[float]()
        for seed in range(4):
            rows, columns, parts = 500, 5, 4
            assert parts * columns / rows <= limit
            attacked, own = self.attack(rows, columns, parts, seed)
            gains.append(attacked - own)
        assert np.mean(gains) < 0.05

    def test_wins_far_beyond_it_which_is_why_there_is_a_limit(self) -> None:
        attacked, _ = self.attack(rows=500, columns=5, parts=62, seed=0)
        assert attacked > 0.75
