"""Tables that are averaged over who touched a row: under masks, compressed, and cut off."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from isthmus.core.errors import ChannelError, PeerError
from isthmus.core.telemetry import Telemetry
from isthmus.horizontal.forecast import Line, forecast
from isthmus.horizontal.fusion import spec as rules
from isthmus.horizontal.fusion.fusion_context import FusionContext
from isthmus.horizontal.fusion.plain_fusion import PlainFusion
from isthmus.horizontal.fusion.secure_fusion import SecureFusion
from isthmus.horizontal.fusion.spec import Limits
from isthmus.horizontal.messages import RoundUpdate
from isthmus.horizontal.parameters import Layout, Parameters
from isthmus.horizontal.privacy.messages import CoarseUpdate, MaskedUpdate
from isthmus.horizontal.privacy.secure_sum.masking import to_words
from isthmus.horizontal.privacy.secure_sum.master import UnmaskedSum
from isthmus.horizontal.privacy.secure_sum.weighted import weighted_mean
from isthmus.horizontal.privacy.spec import EightBit, Privacy, SecureAggregation, TopK
from isthmus.horizontal.rounds.local_training import LocalTrainer, MakeTrainer
from isthmus.horizontal.rounds.memory import ChildMemory
from isthmus.horizontal.rounds.protocol import Trained
from isthmus.horizontal.rounds.protocol import child as child_role
from isthmus.horizontal.rounds.training import SecureRule, Training
from isthmus.horizontal.spec import Rounds
from isthmus.horizontal.tables import Tables
from isthmus.transport.loopback import LoopbackEnd
from isthmus.transport.message import encode
from tests.faulty_channel import FaultyChannel, drop, replace
from tests.federation import ENCODER, Federation, Role, learner
from tests.transcripts import of_kinds

ROWS, WIDTH = 6, 4
INITIAL: Parameters = {
    "bias": np.zeros(3, np.float32),
    "vectors": np.ones((ROWS, WIDTH), np.float32),
}
LAYOUT = Layout.of(INITIAL)
TABLES = ("vectors",)
RULE = rules.TouchMean(tables=TABLES)
HAS = {"ada": [0, 1], "bo": [1, 2], "cy": [1, 2, 3]}
"""Rows that each child touches: of 4 and 5 nobody has anything."""

SAMPLES = {"ada": 10, "bo": 20, "cy": 15}
SECURE = SecureAggregation()
UNIT = SECURE.largest_norm / 2**30


def update_of(child: str) -> Parameters:
    draw = np.random.default_rng(len(child) + SAMPLES[child])
    vectors = np.zeros((ROWS, WIDTH), np.float32)
    vectors[HAS[child]] = draw.normal(size=(len(HAS[child]), WIDTH))
    return {"bias": draw.normal(size=3).astype(np.float32), "vectors": vectors}


def trainers(child: str, privacy: Privacy) -> MakeTrainer:
    def train(at: Parameters, _: int) -> tuple[Parameters, Mapping[str, float]]:
        return {name: np.asarray(at[name] + it) for name, it in update_of(child).items()}, {}

    return lambda _: LocalTrainer(SAMPLES[child], LAYOUT, train, privacy=privacy, tables=TABLES)


def role(child: str, privacy: Privacy, memory: ChildMemory | None = None) -> Role:
    return learner(trainers(child, privacy), memory=memory)


def training(privacy: Privacy) -> Training:
    context = FusionContext(
        rule=RULE,
        limits=Limits(),
        privacy=privacy,
        numbers={child: it for it, child in enumerate(sorted(HAS))},
        layout=LAYOUT,
        tables=Tables(LAYOUT, TABLES),
    )
    asked, secure = privacy.secure_aggregation, SecureFusion(context)
    return Training(
        ENCODER,
        INITIAL,
        PlainFusion(context).fuse,
        compression=privacy.compression,
        tables=TABLES,
        secure_rule=SecureRule(asked, secure.weigh, secure.fuse, TABLES) if asked else None,
    )


def federation(privacy: Privacy) -> Federation:
    return Federation.of({child: role(child, privacy) for child in HAS})


def played(privacy: Privacy, count: int = 1) -> Trained:
    return federation(privacy).play(Rounds(count=count, quorum=3), training=training(privacy))


def due() -> Parameters:
    """Parameters after a round, in closed form."""
    updates = {child: update_of(child) for child in HAS}
    touches = np.array([sum(row in rows for rows in HAS.values()) for row in range(ROWS)])
    total = np.sum([it["vectors"] for it in updates.values()], axis=0)
    shares = {child: samples / sum(SAMPLES.values()) for child, samples in SAMPLES.items()}
    bias = np.sum([shares[child] * it["bias"] for child, it in updates.items()], axis=0)
    return {"bias": bias, "vectors": 1 + total / np.maximum(touches, 1)[:, None]}


class TestOneRound:
    def test_averages_a_row_over_those_who_have_it(self) -> None:
        found = played(Privacy()).parameters
        for name, array in due().items():
            np.testing.assert_allclose(found[name], array, rtol=1e-6, atol=1e-6)

    def test_leaves_a_row_that_nobody_has_as_it_was(self) -> None:
        assert (played(Privacy()).parameters["vectors"][4:] == 1).all()

    def test_under_masks_is_the_same_within_half_a_unit_per_child(self) -> None:
        found = played(Privacy(secure_aggregation=SECURE)).parameters
        for name, array in due().items():
            np.testing.assert_allclose(found[name], array, rtol=2e-7, atol=len(HAS) * UNIT + 2e-7)
        assert (found["vectors"][4:] == 1).all()

    @pytest.mark.parametrize("compression", [EightBit(), TopK(share=0.5)], ids=["8 bits", "top k"])
    def test_compressed_counts_the_rows_that_arrive(self, compression: EightBit | TopK) -> None:
        whole = due()["vectors"] - 1
        found = played(Privacy(compression=compression), count=8).parameters["vectors"]
        assert np.linalg.norm((found - 1) / 8 - whole) < 0.2 * np.linalg.norm(whole)
        assert (found[4:] == 1).all()


class TestAlongside:
    def test_noise_that_moves_every_row_is_a_mean_over_all(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for child in HAS:
            monkeypatch.setitem(HAS, child, list(range(ROWS)))
        mean = np.mean([update_of(child)["vectors"] for child in HAS], axis=0)
        found = played(Privacy()).parameters["vectors"]
        np.testing.assert_allclose(found, 1 + mean, rtol=1e-6, atol=1e-6)

    @pytest.mark.parametrize("compression", [None, EightBit()], ids=["whole", "8 bits"])
    def test_a_child_that_comes_back_sends_the_same_rows_again(
        self, compression: EightBit | None, tmp_path: Path
    ) -> None:
        privacy = Privacy(compression=compression)

        def loaded() -> ChildMemory:
            memory = ChildMemory(tmp_path / "cy", "job")
            memory.load()
            return memory

        def loses_its_line_in_the_second_round(line: LoopbackEnd) -> None:
            cut = FaultyChannel(line, 4, drop)
            with pytest.raises(ChannelError):
                child_role(cut, ENCODER, trainers("cy", privacy), Telemetry(), loaded())
            back.add("cy", role("cy", privacy, loaded()))

        back = Federation.of({child: role(child, privacy) for child in ("ada", "bo")})
        back.add("cy", loses_its_line_in_the_second_round)
        wanted = Rounds(count=4, quorum=3)
        interrupted = back.play(wanted, training=training(privacy))
        assert interrupted.model == played(privacy, count=4).model


class TestSent:
    @pytest.mark.parametrize("compression", [None, EightBit()], ids=["whole", "8 bits"])
    def test_are_the_rows_that_a_child_touched_and_no_others(
        self, compression: EightBit | None
    ) -> None:
        played_by = federation(Privacy(compression=compression))
        played_by.play(
            Rounds(count=1, quorum=3), training=training(Privacy(compression=compression))
        )
        for child, has in HAS.items():
            sent = played_by.sent()[child]
            if compression is None:
                (whole,) = of_kinds(sent, RoundUpdate)
                rows, numbers = whole.rows, whole.update["vectors"].size
            else:
                (coarse,) = of_kinds(sent, CoarseUpdate)
                rows, numbers = coarse.rows, coarse.levels.size - 3
            assert np.flatnonzero(np.unpackbits(rows, count=ROWS)).tolist() == has
            assert numbers == WIDTH * len(has)

    @pytest.mark.parametrize("compression", [None, EightBit()], ids=["whole", "8 bits"])
    def test_take_the_bytes_of_the_forecast_where_all_rows_are_touched(
        self, compression: EightBit | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(HAS, "cy", list(range(ROWS)))
        privacy = Privacy(compression=compression)
        played_by = federation(privacy)
        played_by.play(Rounds(count=1, quorum=3), training=training(privacy))
        flows = forecast(ENCODER, Line("cy", tuple(HAS), 1), privacy, INITIAL, TABLES)
        name = "RoundUpdate" if compression is None else "CoarseUpdate"
        (due,) = [it for it in flows if type(it.sample).__name__ == name]
        bytes_of = {
            child: sum(len(it) for it in played_by.sent()[child] if name.encode() in it)
            for child in HAS
        }
        metrics = len(encode(due.sample)) - len(encode(structs.replace(due.sample, metrics={})))
        assert bytes_of["cy"] == due.bytes - metrics
        assert bytes_of["ada"] < bytes_of["cy"]

    def test_of_a_child_that_cheats_are_refused(self) -> None:
        odd = RoundUpdate(round=1, update=INITIAL, metrics={}, rows=np.zeros(3, np.uint8))

        def mallory(line: LoopbackEnd) -> None:
            make = lambda _: LocalTrainer(9, LAYOUT, lambda at, _: (at, {}), tables=TABLES)  # noqa: E731
            child_role(
                FaultyChannel(line, 3, replace(odd)), ENCODER, make, Telemetry(), ChildMemory()
            )

        roles = {child: role(child, Privacy()) for child in HAS} | {"mallory": mallory}
        trained = Federation.of(roles).play(Rounds(count=1, quorum=3), training=training(Privacy()))
        assert "do not fit the 6 rows of its tables" in trained.rounds[0].left_out["mallory"]


class TestUnderMasks:
    def test_no_message_of_a_child_shows_which_rows_it_touched(self) -> None:
        privacy = Privacy(secure_aggregation=SECURE)
        played_by = federation(privacy)
        played_by.play(Rounds(count=1, quorum=3), training=training(privacy))
        for child in HAS:
            (sent,) = of_kinds(played_by.sent()[child], MaskedUpdate)
            touches = sent.values[-ROWS:]
            assert len(sent.values) == LAYOUT.size + ROWS
            assert (
                touches > len(HAS)
            ).all()  # under a mask each is one of 2^32, of 6 none is small

    def test_touches_that_are_none_end_the_run(self) -> None:
        update = LAYOUT.to_vector(update_of("ada"))
        words = to_words(update, 1.0, SECURE.largest_norm)
        touches = np.full(ROWS, 2, np.uint32)
        lying = UnmaskedSum(np.concatenate([words, touches]), 1, 1.0, {"ada": 1.0}, {})
        with pytest.raises(PeerError, match="touched by 2 of 1 children"):
            weighted_mean(lying, Tables(LAYOUT, TABLES), SECURE.largest_norm)

    def test_the_model_is_the_same_to_the_bit_whatever_the_masks(self) -> None:
        first, second = (played(Privacy(secure_aggregation=SECURE), count=2) for _ in range(2))
        assert first.model == second.model
