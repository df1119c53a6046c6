"""Sums under masks: a master that sees no update, children that drop out, and who cheats."""

import itertools
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as replaced
from operator import attrgetter
from pathlib import Path

import msgspec
import numpy as np
import pytest

from isthmus.core.errors import ChannelError, PeerError
from isthmus.core.telemetry import Telemetry
from isthmus.crypto import certificates
from isthmus.horizontal.forecast import Line, forecast
from isthmus.horizontal.messages import (
    Confirmation,
    EncoderRequest,
    Instruction,
    RoundStart,
    Turn,
)
from isthmus.horizontal.parameters import Layout, Parameters, digest
from isthmus.horizontal.privacy.messages import (
    Keys,
    MaskedUpdate,
    MaskKeys,
    Opening,
    Participants,
    SealedShares,
    Survivors,
)
from isthmus.horizontal.privacy.secure_sum.cohort import Cohort
from isthmus.horizontal.privacy.secure_sum.identity import Identity
from isthmus.horizontal.privacy.secure_sum.keyring import Keyring
from isthmus.horizontal.privacy.secure_sum.masking import to_words
from isthmus.horizontal.privacy.spec import Privacy, SecureAggregation
from isthmus.horizontal.rounds.local_training import MakeTrainer
from isthmus.horizontal.rounds.memory import ChildMemory
from isthmus.horizontal.rounds.protocol import Trained
from isthmus.horizontal.rounds.training import Fused, SecureSum, Training
from isthmus.horizontal.spec import Rounds
from isthmus.store.checkpoint import Arrays
from isthmus.transport.framing import FramedChannel
from isthmus.transport.loopback import LoopbackEnd
from isthmus.transport.message import Message, MessageT
from tests.faulty_channel import Fault, FaultyChannel, drop, replace, replay
from tests.federation import (
    ENCODER,
    INITIAL,
    Federation,
    Role,
    learner,
    mean,
    secure_training,
    shift,
    trainer_of,
)
from tests.identities import JOB, identity
from tests.transcripts import kinds, of_kinds

SPEC = SecureAggregation()
LAYOUT = Layout.of(INITIAL)
NTH: dict[type[Message], int] = {MaskKeys: 3, SealedShares: 4, MaskedUpdate: 5, Opening: 6}
"""Which message of a child is the first of its type."""

UNIT = SPEC.largest_norm / 2**30


def pupil(by: float, samples: int = 1) -> MakeTrainer:
    return trainer_of(shift(by), samples, privacy=Privacy(secure_aggregation=SPEC))


def pupils(*by: float) -> dict[str, Role]:
    """Children `a`, `b` and so on that add so much to every parameter."""
    return {name: learner(pupil(it)) for name, it in zip("abcdefgh", by, strict=False)}


def faulty(by: float, nth: int, fault: Fault) -> Role:
    """An honest child whose line meets a fault at its nth message."""
    return lambda line: learner(pupil(by))(FaultyChannel(line, nth, fault))


def until(done: Callable[[SecureSum], bool]) -> Training:
    """Training that ends with the first sum of which this is true."""
    training = secure_training(SPEC)
    assert training.secure_rule is not None
    fuse = training.secure_rule.fuse

    def fuse_until(before: Parameters, summed: SecureSum, state: Arrays) -> Fused:
        return fuse(before, summed, state)._replace(done=done(summed))

    return replaced(training, secure_rule=replaced(training.secure_rule, fuse=fuse_until))


def play(federation: Federation, count: int = 1, quorum: int = 3) -> Trained:
    return federation.play(Rounds(count=count, quorum=quorum), training=secure_training(SPEC))


def moved(trained: Trained) -> float:
    """By how much every parameter has moved."""
    (value,) = set(LAYOUT.to_vector(trained.parameters).tolist())
    return float(value)


class TestEqualsThePlainSum:
    def test_weighted_by_samples_within_half_a_unit_per_child(self) -> None:
        generator = np.random.default_rng(11)
        updates = {
            name: LAYOUT.to_parameters(generator.normal(size=5).astype(np.float32))
            for name in "abcde"
        }
        samples = {name: int(generator.integers(5, 20)) for name in updates}

        def role(name: str, privacy: Privacy) -> Role:
            def train(at: Parameters, _: int) -> tuple[Parameters, Mapping[str, float]]:
                return {key: np.asarray(at[key] + it) for key, it in updates[name].items()}, {}

            return learner(trainer_of(train, samples[name], privacy=privacy))

        masked = Privacy(secure_aggregation=SPEC)
        under_masks = play(Federation.of({name: role(name, masked) for name in updates}))
        plain = Federation.of({name: role(name, Privacy()) for name in updates}).play(
            Rounds(count=1), mean
        )
        for name, due in plain.parameters.items():
            assert under_masks.parameters[name] == pytest.approx(due, abs=5 * UNIT + 1e-6)

    def test_over_rounds_with_the_record_of_each(self) -> None:
        federation = Federation.of(
            {"a": learner(pupil(1.0, 2)), "b": learner(pupil(2.0)), "c": learner(pupil(6.0))}
        )
        trained = play(federation, count=3)
        assert not federation.raised
        assert moved(trained) == pytest.approx(3 * 2.5)
        assert trained.holders == ("a", "b", "c")
        taken = trained.rounds[0].taken["a"]
        assert (taken.samples, taken.weight, taken.metrics) == (2, 0.5, {"by": 1.0})

    def test_is_the_same_bit_by_bit_whatever_the_masks(self) -> None:
        first, second = (play(Federation.of(pupils(0.1, 0.2, 0.3)), 2) for _ in range(2))
        assert first.model == second.model
        assert first.rounds[0].taken["a"].digest != second.rounds[0].taken["a"].digest

    def test_scales_down_an_update_that_is_too_long(self) -> None:
        trained = play(Federation.of(pupils(1e6, 0.0, 0.0)))
        norm = np.linalg.norm(LAYOUT.to_vector(trained.parameters))
        assert norm == pytest.approx(SPEC.largest_norm / 3)

    def test_says_at_a_child_how_far_its_update_was_scaled_down(self) -> None:
        notes = list[str]()
        telemetry = Telemetry(lambda event: notes.append(event.note))
        long = 2 * SPEC.largest_norm / LAYOUT.size**0.5
        federation = Federation.of(pupils(0.0, 0.0))
        federation.add("z", learner(pupil(long), telemetry=telemetry))
        play(federation)
        assert [it for it in notes if "scaled down to 50%" in it]


class TestAChildThatDropsOut:
    @pytest.mark.parametrize("kind", NTH, ids=attrgetter("__name__"))
    def test_is_in_the_sum_once_its_masked_update_arrived(self, kind: type[Message]) -> None:
        roles = pupils(1.0, 2.0, 3.0, 4.0) | {"x": faulty(30.0, NTH[kind], drop)}
        trained = play(Federation.of(roles))
        in_it = kind is Opening
        assert moved(trained) == pytest.approx(8.0 if in_it else 2.5)
        assert ("x" in trained.rounds[0].taken) == in_it
        assert trained.rounds[0].left_out == ({} if in_it else {"x": "gone"})

    @pytest.mark.parametrize("kinds", list(itertools.combinations_with_replacement(NTH, 2)))
    def test_with_another_one_leaves_the_sum_of_the_others(
        self, kinds: tuple[type[Message], type[Message]]
    ) -> None:
        first, second = kinds
        roles = pupils(1.0, 2.0, 3.0, 4.0, 5.0) | {
            "x": faulty(30.0, NTH[first], drop),
            "y": faulty(40.0, NTH[second], drop),
        }
        trained = play(Federation.of(roles))
        values = [1.0, 2.0, 3.0, 4.0, 5.0]
        values += [30.0] * (first is Opening) + [40.0] * (second is Opening)
        assert moved(trained) == pytest.approx(sum(values) / len(values))

    def test_takes_part_in_the_next_round_when_it_comes_back(self) -> None:
        federation = Federation.of(pupils(1.0, 1.0, 1.0))

        def returns(line: LoopbackEnd) -> None:
            with pytest.raises(ChannelError):
                faulty(9.0, NTH[MaskedUpdate], drop)(line)
            federation.add("x", learner(pupil(9.0)))

        federation.add("x", returns)
        trained = federation.play(
            Rounds(count=400, quorum=3), training=until(lambda summed: "x" in summed.weights)
        )
        assert "x" in trained.rounds[-1].taken
        assert "x" in trained.holders

    def test_before_it_gave_its_keys_is_asked_again_where_the_round_needs_it(self) -> None:
        federation = Federation.of(pupils(1.0, 2.0))

        def returns(line: LoopbackEnd) -> None:
            with pytest.raises(ChannelError):
                faulty(3.0, NTH[MaskKeys], drop)(line)
            federation.add("x", learner(pupil(3.0)))

        federation.add("x", returns)
        assert moved(play(federation)) == pytest.approx(2.0)

    @pytest.mark.parametrize("kind", [SealedShares, MaskedUpdate, Opening])
    def test_with_too_many_others_stops_the_run(self, kind: type[Message]) -> None:
        roles = pupils(1.0, 2.0) | {name: faulty(3.0, NTH[kind], drop) for name in "xyz"}
        with pytest.raises(ChannelError) as stopped:
            play(Federation.of(roles))
        assert "the updates of round 1 cannot be summed: 2" in str(stopped.value)
        assert "it goes on where it stopped" in str(stopped.value)

    def test_by_being_late_is_let_back_in(self) -> None:
        over = threading.Event()

        def late(line: FramedChannel, message: Message) -> None:
            over.wait()
            line.send(message)

        roles = pupils(1.0, 1.0, 1.0) | {"x": faulty(9.0, NTH[MaskedUpdate], late)}
        joined, offered, shared, masked = 8, 4, 4, 3
        federation = Federation.of(roles, arrivals=joined + offered + shared + masked)

        def back(summed: SecureSum) -> bool:
            over.set()
            return "x" in summed.weights

        training = until(back)
        trained = federation.play(Rounds(count=100_000, quorum=3), training=training)
        assert not federation.raised
        assert trained.rounds[0].left_out == {"x": "late in the sum of round 1"}
        assert "x" in trained.rounds[-1].taken


class TestTranscript:
    def test_holds_only_declared_messages_in_the_declared_direction(self) -> None:
        federation = Federation.of(pupils(1.0, 2.0, 3.0))
        play(federation)
        rounds = {"RoundStart", "Turn"}
        frame = {"Instruction", "Published"}
        assert set(kinds(federation.sent()["master"])) == rounds | frame | {
            "Participants",
            "SealedShares",
            "Survivors",
        }
        assert kinds(federation.sent()["a"]) == [
            "EncoderRequest",
            "Confirmation",
            "MaskKeys",
            "SealedShares",
            "MaskedUpdate",
            "Opening",
            "Kept",
        ]

    @pytest.mark.parametrize("child", ["a", "bb"])
    def test_takes_the_bytes_of_the_forecast(self, child: str) -> None:
        def train(at: Parameters, _: int) -> tuple[Parameters, Mapping[str, float]]:
            return at, {"loss": 0.5, "first_loss": 0.7}

        privacy, names = Privacy(secure_aggregation=SPEC), ("a", "bb", "cccc")
        federation = Federation.of(
            {name: learner(trainer_of(train, 1000, privacy=privacy)) for name in names}
        )
        play(federation, count=2)
        due: dict[tuple[str, str], int] = {}
        for flow in forecast(ENCODER, Line(child, names, 2), privacy, INITIAL):
            key = flow.sender, type(flow.sample).__name__
            due[key] = due.get(key, 0) + flow.bytes
        (ends,) = [(ours, theirs) for name, ours, theirs in federation.ends if name == child]
        sent: dict[tuple[str, str], int] = {}
        for sender, end in zip(("master", "child"), ends, strict=True):
            for kind, encoded in zip(kinds(end.sent), end.sent, strict=True):
                sent[sender, kind] = sent.get((sender, kind), 0) + len(encoded)
        assert sent == due


class TestTheMasterSees:
    def test_no_update_that_is_not_under_masks(self) -> None:
        federation = Federation.of(pupils(1.5, 2.25, 3.125))
        play(federation)
        clear = {
            name: to_words(np.full(5, by, np.float32), 1 / 3, SPEC.largest_norm)
            for name, by in {"a": 1.5, "b": 2.25, "c": 3.125}.items()
        }
        for name, sent in federation.sent().items():
            for words, by in zip(clear.values(), (1.5, 2.25, 3.125), strict=True):
                transcript = b"".join(sent)
                assert words.tobytes()[:8] not in transcript
                assert np.full(2, by, np.float32).tobytes() not in transcript
            assert name == "master" or "RoundUpdate" not in kinds(sent)

    def test_masks_that_are_uniform_and_never_the_same(self) -> None:
        federation = Federation.of(pupils(0.0, 0.0, 0.0))
        play(federation, count=2)
        values = [
            it.values.tolist() for name in "abc" for it in found(federation, name, MaskedUpdate)
        ]
        assert len(set(itertools.chain(*values))) == 3 * 2 * LAYOUT.size

    @pytest.mark.parametrize("kind", NTH, ids=attrgetter("__name__"))
    def test_of_no_child_shares_of_both_masks(self, kind: type[Message]) -> None:
        federation = Federation.of(pupils(1.0, 2.0, 3.0, 4.0) | {"x": faulty(5.0, NTH[kind], drop)})
        play(federation)
        openings = [it for name in "abcdx" for it in found(federation, name, Opening)]
        seeds = {name for it in openings for name in it.seeds}
        keys = {name for it in openings for name in it.keys}
        assert openings
        assert not seeds & keys


class TestTheMasterSendsAway:
    """And goes on with the others."""

    @pytest.mark.parametrize(
        ("nth", "sent", "why"),
        [
            (3, Keyring().introduce(7, "", {}, identity("mallory")),
             "an update of round 7 where round 1 was due"),
            (4, SealedShares(round=7, sealed={}, signatures={}),
             "shares of round 7 where round 1 was due"),
            (4, SealedShares(round=1, sealed={"a": b"", "eve": b""}, signatures={}),
             "other children than its"),
            (4, SealedShares(round=1, sealed=dict.fromkeys("abcd", b""), signatures={}),
             "signatures of others than itself"),
            (5, MaskedUpdate(round=7, values=np.zeros(5, np.uint32)), "an update of round 7"),
            (5, MaskedUpdate(round=1, values=np.zeros(4, np.uint32)), r"has shape \(4,\)"),
            (6, Opening(round=7, seeds={}, keys={}), "it opens round 7 where round 1 was due"),
            (6, Opening(round=1, seeds={}, keys={"a": bytes(32)}), "other masks than those"),
        ],
    )  # fmt: skip
    def test_a_child_that_answers_what_was_not_asked(
        self, nth: int, sent: Message, why: str
    ) -> None:
        roles = pupils(1.0, 2.0, 3.0, 4.0) | {"mallory": faulty(30.0, nth, replace(sent))}
        federation = Federation.of(roles)
        trained = play(federation)
        assert moved(trained) == pytest.approx(8.0 if nth == NTH[Opening] else 2.5)
        (note,) = [event.note for event in federation.events if event.stage == "refuse"]
        assert re.search(f"'mallory' was refused: .*{why}", note)

    @pytest.mark.parametrize("kind", NTH, ids=attrgetter("__name__"))
    def test_a_child_that_sends_an_answer_twice(self, kind: type[Message]) -> None:
        roles = pupils(1.0, 1.0, 1.0, 1.0) | {"mallory": faulty(1.0, NTH[kind], replay)}
        federation = Federation.of(roles)
        trained = play(federation, count=2)
        assert moved(trained) == pytest.approx(2.0)
        assert "mallory" not in trained.rounds[-1].taken


def poison_samples(line: FramedChannel, message: Message) -> None:
    """Give shares of other masks."""
    assert isinstance(message, Opening)
    seeds = {name: bytes(32) for name in message.seeds}
    line.send(msgspec.structs.replace(message, seeds=seeds))


class TestFalseShares:
    def test_of_one_child_do_no_harm_where_others_have_enough(self) -> None:
        roles = pupils(1.0, 2.0) | {"aa": faulty(3.0, NTH[Opening], poison_samples)}
        assert moved(play(Federation.of(roles))) == pytest.approx(2.0)

    def test_of_more_children_stop_the_run(self) -> None:
        roles = pupils(1.0) | {
            name: faulty(3.0, NTH[Opening], poison_samples) for name in ("x", "y")
        }
        with pytest.raises(PeerError, match="the shares of the masks of 'a' do not fit"):
            play(Federation.of(roles))


class TestTheMasterStops:
    def test_before_a_sum_of_fewer_than_the_quorum_is_opened(self) -> None:
        roles = pupils(1.0, 2.0, 3.0) | {"x": faulty(3.0, NTH[MaskedUpdate], drop)}
        federation = Federation.of(roles)
        with pytest.raises(ChannelError, match="3 of at least 4 updates are there"):
            play(federation, quorum=4)
        assert not any("Opening" in kinds(sent) for sent in federation.sent().values())

    def test_when_one_child_counts_for_most(self) -> None:
        roles = pupils(1.0, 2.0, 3.0) | {"z": learner(pupil(1.0, samples=40))}
        with pytest.raises(ChannelError, match=r"one child would count for 0\.93 of the sum"):
            play(Federation.of(roles))


@dataclass
class CheatingMaster:
    """The test: it plays the master and all other children against an honest one, `ours`."""

    memory: ChildMemory = field(default_factory=ChildMemory)
    others: dict[str, Keyring] = field(
        default_factory=lambda: {name: Keyring() for name in ("eve", "mallory")}
    )

    name: str = "ours"

    def __post_init__(self) -> None:
        self.federation = Federation.of({self.name: learner(pupil(1.0), memory=self.memory)})
        ((_, self.line, _),) = self.federation.ends
        self.line.receive(EncoderRequest)
        self.line.send(Instruction(encoder=ENCODER))
        self.line.receive(Confirmation)

    def train(self, number: int = 1, at: float = 0.0) -> MaskKeys:
        self.line.send(Turn(task="train"))
        self.at = at
        self.line.send(RoundStart(round=number, parameters=everywhere(at)))
        return self.line.receive(MaskKeys)

    def among(
        self, offer: MaskKeys, weights: Mapping[str, float] | None = None, number: int = 1
    ) -> Participants:
        start = digest(everywhere(self.at))
        offers = {self.name: offer} | {
            name: it.introduce(number, start, {}, identity(name))
            for name, it in self.others.items()
        }
        return Participants(
            round=number,
            keys={name: it.keys for name, it in offers.items()},
            certificates={name: it.certificate for name, it in offers.items()},
            signatures={name: it.signature for name, it in offers.items()},
            weights=dict(weights or dict.fromkeys(offers, 1 / len(offers))),
        )

    def share(self, participants: Participants) -> SealedShares:
        self.participants = participants
        self.line.send(Turn(task="share"))
        self.line.send(participants)
        return self.line.receive(SealedShares)

    def notes(self, participants: Participants, at: float = 0.0) -> dict[str, bytes]:
        """What the others would seal for our child, had they started from such parameters."""
        cohort = Cohort(participants, everywhere(at), SPEC)
        return {
            name: it.shares(cohort, name)[self.name].sealed(it.pair_keys(cohort, name)[self.name])
            for name, it in self.others.items()
        }

    def signatures(self, participants: Participants) -> dict[str, bytes]:
        """What the others sign of a sum."""
        context = Cohort(participants, everywhere(self.at), SPEC).context
        return {name: identity(name).sign_sum(context) for name in self.others}

    def mask(
        self,
        notes: Mapping[str, bytes],
        number: int = 1,
        signatures: Mapping[str, bytes] | None = None,
    ) -> MaskedUpdate:
        if signatures is None:
            signatures = self.signatures(self.participants)
        self.line.send(Turn(task="mask"))
        self.line.send(SealedShares(round=number, sealed=dict(notes), signatures=dict(signatures)))
        return self.line.receive(MaskedUpdate)

    def open(self, children: Sequence[str], number: int = 1) -> Opening:
        self.line.send(Turn(task="open"))
        self.line.send(Survivors(round=number, children=list(children)))
        return self.line.receive(Opening)

    def until_masked(self) -> None:
        participants = self.among(self.train())
        self.share(participants)
        self.mask(self.notes(participants))

    def refused(self) -> str:
        """What our child said in the end; it has left."""
        self.federation.wait()
        error = self.federation.raised[self.name]
        assert isinstance(error, PeerError)
        assert error.exit_code == 3
        return str(error)

    def kinds_sent(self) -> list[str]:
        """What our child sent."""
        return kinds(self.federation.sent()[self.name])


class TestAChildRefuses:
    def tried(self, act: Callable[[CheatingMaster], object]) -> str:
        """Why the child left when the master did this."""
        master = CheatingMaster()
        with pytest.raises((PeerError, ChannelError)):
            act(master)
        return master.refused()

    def test_a_sum_of_too_few(self) -> None:
        def act(master: CheatingMaster) -> None:
            del master.others["eve"]
            master.share(master.among(master.train()))

        why = self.tried(act)
        assert "'master' asks for a sum that would tell too much: 2 updates would be in" in why
        assert "Nothing more of our update leaves" in why

    @pytest.mark.parametrize(
        ("weights", "why"),
        [
            ({"ours": 1.0, "eve": 0.0, "mallory": 0.0}, "1 updates would be in the sum"),
            ({"ours": 0.98, "eve": 0.01, "mallory": 0.01}, "count for 0.98 of the sum"),
            ({"ours": 1.0, "eve": 1.0, "mallory": 1.0}, "the weights sum to more than 1"),
            ({"ours": 0.5, "eve": 0.5}, "other children than those that take part"),
        ],
    )
    def test_weights_that_single_it_out(self, weights: dict[str, float], why: str) -> None:
        assert why in self.tried(lambda it: it.share(it.among(it.train(), weights)))

    def test_a_sum_that_it_is_not_in(self) -> None:
        def act(master: CheatingMaster) -> None:
            participants = master.among(master.train())
            keys = participants.keys | {"ours": Keyring().public}
            master.share(msgspec.structs.replace(participants, keys=keys))

        assert "a sum that does not have our keys in it" in self.tried(act)

    def test_a_sum_of_an_earlier_round(self) -> None:
        def act(master: CheatingMaster) -> None:
            master.share(master.among(master.train(number=2), number=1))

        assert "sums round 1, and we are in round 2" in self.tried(act)

    def test_keys_that_are_none(self) -> None:
        def act(master: CheatingMaster) -> None:
            offer = master.train()
            master.others["eve"].public = Keys(masking=bytes(32), sealing=bytes(32))
            master.share(master.among(offer))

        assert "public keys that are none" in self.tried(act)

    def test_a_key_for_masks_that_is_none(self) -> None:
        def act(master: CheatingMaster) -> None:
            eve = master.others["eve"]
            eve.public = msgspec.structs.replace(eve.public, masking=bytes(32))
            participants = master.among(master.train())
            master.share(participants)
            master.mask(master.notes(participants))

        assert "public keys that are none" in self.tried(act)

    def test_shares_that_were_forged_or_sealed_for_another_sum(self) -> None:
        def act(master: CheatingMaster) -> None:
            offer = master.train()
            participants = master.among(offer)
            other = master.among(offer, {"ours": 0.3, "eve": 0.3, "mallory": 0.4})
            master.share(participants)
            master.mask(master.notes(participants) | {"eve": master.notes(other)["eve"]})

        assert "shares that were not sealed for us in this sum" in self.tried(act)

    def test_shares_of_a_child_that_was_given_other_parameters_to_start_from(self) -> None:
        # From which it learns nothing: its update is zero, and ours would be the sum.
        def act(master: CheatingMaster) -> None:
            participants = master.among(master.train())
            master.share(participants)
            master.mask(master.notes(participants, at=1e9))

        assert "a child that it gave other parameters to start from" in self.tried(act)

    def test_to_open_a_sum_with_a_neighbour_that_it_has_no_mask_in_common_with(self) -> None:
        def act(master: CheatingMaster) -> None:
            participants = master.among(master.train())
            master.share(participants)
            master.mask({"eve": master.notes(participants)["eve"]})
            master.open(["eve", "mallory", "ours"])

        assert "a sum with neighbours whose shares it kept from us" in self.tried(act)

    def test_shares_of_strangers(self) -> None:
        def act(master: CheatingMaster) -> None:
            participants = master.among(master.train())
            master.share(participants)
            notes = master.notes(participants)
            master.mask(notes | {"stranger": notes["eve"]})

        assert "shares of children that are not our neighbours" in self.tried(act)

    def test_to_go_on_with_too_few_neighbours(self) -> None:
        def act(master: CheatingMaster) -> None:
            participants = master.among(master.train())
            master.share(participants)
            master.mask({})

        assert "goes on with too few of our neighbours" in self.tried(act)

    @pytest.mark.parametrize(
        ("children", "why"),
        [
            (["eve", "mallory"], "a sum that we are not in"),
            (["ours"], "1 updates would be in the sum"),
            (["ours", "eve"], "2 updates would be in the sum"),
            (["ours", "eve", "mallory", "stranger"], "other children than those that take part"),
        ],
    )
    def test_to_open_a_sum_that_tells_too_much(self, children: list[str], why: str) -> None:
        def act(master: CheatingMaster) -> None:
            master.until_masked()
            master.open(children)

        assert why in self.tried(act)

    def test_to_open_two_sums_of_one_round(self) -> None:
        def act(master: CheatingMaster) -> None:
            master.until_masked()
            master.open(["ours", "eve", "mallory"])
            master.open(["ours", "eve", "mallory"])

        assert "Survivors" in self.tried(act)


def keys_of_its_own(participants: Participants) -> Participants:
    """The master plays eve: it has all of hers but her private key."""
    return msgspec.structs.replace(participants, keys=participants.keys | {"eve": Keyring().public})


def signed_with_another_key(participants: Participants) -> Participants:
    """With a certificate that the master made, in her name."""
    key = certificates.make_key()
    certificate = certificates.self_signed("eve", key)
    forged = Identity.of("eve", JOB, certificate, key, {})
    offer = Keyring().introduce(participants.round, digest(everywhere(0.0)), {}, forged)
    return offered(participants, offer)


def signed_for_another_round(participants: Participants) -> Participants:
    start = digest(everywhere(0.0))
    return offered(participants, Keyring().introduce(7, start, {}, identity("eve")))


def signed_for_other_parameters(participants: Participants) -> Participants:
    start = digest(everywhere(1.0))
    return offered(participants, Keyring().introduce(1, start, {}, identity("eve")))


def signed_for_another_job(participants: Participants) -> Participants:
    elsewhere = identity("eve", job="1" * 64)
    start = digest(everywhere(0.0))
    return offered(participants, Keyring().introduce(1, start, {}, elsewhere))


def signed_by_another_child(participants: Participants) -> Participants:
    start = digest(everywhere(0.0))
    return offered(participants, Keyring().introduce(1, start, {}, identity("mallory")))


def not_signed(participants: Participants) -> Participants:
    return msgspec.structs.replace(participants, signatures={}, certificates={})


def offered(participants: Participants, offer: MaskKeys) -> Participants:
    """The sum with this in place of what eve had offered."""
    return msgspec.structs.replace(
        participants,
        keys=participants.keys | {"eve": offer.keys},
        certificates=participants.certificates | {"eve": offer.certificate},
        signatures=participants.signatures | {"eve": offer.signature},
    )


class TestAMasterThatPlaysChildren:
    """All keys come through it; a child takes those only that children of the job have signed."""

    @pytest.mark.parametrize(
        "cheat",
        [
            keys_of_its_own,
            signed_with_another_key,
            signed_for_another_round,
            signed_for_other_parameters,
            signed_for_another_job,
            signed_by_another_child,
        ],
    )
    def test_is_found_out_by_keys_that_no_child_has_signed(
        self, cheat: Callable[[Participants], Participants]
    ) -> None:
        master = CheatingMaster()
        with pytest.raises((PeerError, ChannelError)):
            master.share(cheat(master.among(master.train())))
        assert "'master' hands us keys of 'eve' that are not signed, for this round" in (
            master.refused()
        )
        assert master.kinds_sent()[-1] == "MaskKeys"

    def test_is_found_out_where_it_hands_out_no_signatures(self) -> None:
        master = CheatingMaster()
        with pytest.raises((PeerError, ChannelError)):
            master.share(not_signed(master.among(master.train())))
        assert "that are not signed" in master.refused()

    def test_is_found_out_by_children_that_are_none_of_the_job(self) -> None:
        master = CheatingMaster(others={name: Keyring() for name in ("eve", "stranger")})
        with pytest.raises((PeerError, ChannelError)):
            master.share(master.among(master.train()))
        assert "has 'stranger' take part, who is no child of the job" in master.refused()
        assert master.kinds_sent()[-1] == "MaskKeys"

    @pytest.mark.parametrize(("name", "first"), [("a", "b"), ("b", "a"), ("c", "a")])
    def test_is_found_out_by_every_child(self, name: str, first: str) -> None:
        others = {it: Keyring() for it in "abc" if it != name}
        master = CheatingMaster(others=others, name=name)
        participants = master.among(master.train())
        keys = participants.keys | {it: Keyring().public for it in others}
        with pytest.raises((PeerError, ChannelError)):
            master.share(msgspec.structs.replace(participants, keys=keys))
        assert f"keys of {first!r} that are not signed" in master.refused()
        assert master.kinds_sent() == ["EncoderRequest", "Confirmation", "MaskKeys"]

    def test_cannot_use_what_a_child_signed_for_an_earlier_sum_of_the_round(self) -> None:
        master = CheatingMaster()
        offer = master.train()
        earlier, participants = master.among(offer), master.among(offer)
        master.share(participants)
        signatures = master.signatures(participants) | {"eve": master.signatures(earlier)["eve"]}
        with pytest.raises((PeerError, ChannelError)):
            master.mask(master.notes(participants), signatures=signatures)
        assert "hands us a signature of 'eve' that is not for this sum" in master.refused()
        assert master.kinds_sent()[-1] == "SealedShares"

    def test_cannot_go_on_when_too_few_have_signed(self) -> None:
        master = CheatingMaster()
        participants = master.among(master.train())
        master.share(participants)
        signatures = master.signatures(participants)
        del signatures["eve"]
        with pytest.raises((PeerError, ChannelError)):
            master.mask(master.notes(participants), signatures=signatures)
        assert "goes on with a sum that would tell too much: 2 updates" in master.refused()

    def test_cannot_have_a_sum_opened_for_which_one_of_its_children_has_not_signed(self) -> None:
        master = CheatingMaster(others={name: Keyring() for name in ("eve", "mallory", "zoe")})
        participants = master.among(master.train())
        master.share(participants)
        signatures = master.signatures(participants)
        del signatures["zoe"]
        master.mask(master.notes(participants), signatures=signatures)
        with pytest.raises((PeerError, ChannelError)):
            master.open(["eve", "mallory", "ours", "zoe"])
        assert "wants us to open a sum that 'zoe' has not signed for" in master.refused()


class TestOneSumPerRound:
    ALL = ("eve", "mallory", "ours")

    def opened(self, memory: ChildMemory, *more: str, number: int = 1, at: float = 0.0) -> Opening:
        # What a child gives for a sum, with more children in it than the usual ones.
        master = CheatingMaster(memory)
        master.others |= {name: Keyring() for name in more}
        participants = master.among(master.train(number, at), number=number)
        master.share(participants)
        master.mask(master.notes(participants, at), number)
        try:
            return master.open([*self.ALL, *more], number)
        except (PeerError, ChannelError):
            raise PeerError(master.refused()) from None
        finally:
            master.line.close()

    def kept(self, folder: Path) -> ChildMemory:
        memory = ChildMemory(folder / "child", "job")
        memory.load()
        return memory

    def test_is_opened_again_by_a_child_that_was_killed(self, tmp_path: Path) -> None:
        first = self.opened(self.kept(tmp_path))
        again = self.opened(self.kept(tmp_path))
        assert first.seeds.keys() == again.seeds.keys() == set(self.ALL)
        assert first.seeds != again.seeds

    def test_is_not_opened_for_others_by_a_child_that_was_killed(self, tmp_path: Path) -> None:
        self.opened(self.kept(tmp_path))
        with pytest.raises(PeerError, match="a second sum of one round opened, of other children"):
            self.opened(self.kept(tmp_path), "zoe")

    def test_is_opened_for_others_in_the_next_round(self, tmp_path: Path) -> None:
        self.opened(self.kept(tmp_path))
        assert self.opened(self.kept(tmp_path), "zoe", number=2, at=1.0).seeds

    @pytest.mark.parametrize(("number", "at"), [(1, 0.0), (2, 5.0)], ids=["earlier", "elsewhere"])
    def test_leaves_no_way_back(self, number: int, at: float, tmp_path: Path) -> None:
        self.opened(self.kept(tmp_path), number=2)
        master = CheatingMaster(self.kept(tmp_path))
        with pytest.raises((PeerError, ChannelError)):
            master.train(number, at)
        assert f"begins round {number} anew after we have played round 2" in master.refused()


def everywhere(value: float) -> Parameters:
    """Parameters that are the same everywhere."""
    return {name: np.full_like(it, value) for name, it in INITIAL.items()}


def found(federation: Federation, name: str, kind: type[MessageT]) -> list[MessageT]:
    """What a party sent, of one type."""
    return of_kinds(federation.sent()[name], kind)
