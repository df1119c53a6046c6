"""Vertical boosting: all roles over lines, honest and not."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from isthmus.core.errors import ChannelError, PeerError, SpecError
from isthmus.crypto import keys
from isthmus.crypto.encryption import Encryption, Engine
from isthmus.ledger.forecast import Sizes
from isthmus.transport.loopback import loopback
from isthmus.transport.message import Message
from isthmus.vertical.boosting import messages, model
from isthmus.vertical.boosting.forecast import forecast
from isthmus.vertical.boosting.memory import ActiveMemory, PassiveMemory
from isthmus.vertical.boosting.model import ActivePart, Part
from isthmus.vertical.boosting.pooled import train_pooled
from isthmus.vertical.boosting.predict import together
from isthmus.vertical.boosting.trees import boost
from tests.coded import (
    CLINIC,
    INSURER,
    PHARMACY,
    Run,
    Tamper,
    a_data,
    a_spec,
    sent,
)
from tests.faulty_channel import FaultyChannel, drop
from tests.roles import Play, gather
from tests.tampering import Change, Tampering
from tests.transcripts import declared, kinds

pytestmark = pytest.mark.usefixtures("keys_made_once")

OBJECTIVES = ("binary", "multiclass", "squared", "absolute", "poisson", "tweedie")
ALL = {"insurer": INSURER, "pharmacy": PHARMACY}


def learn(run: Run) -> Play:
    outcome = run.play()
    for error in outcome.raised.values():
        raise error
    return outcome


def check_equals_pooled(run: Run) -> Play:
    """The joint model is the one that joined data give: each split, each leaf, each score."""
    outcome = learn(run)
    trained = outcome.returned["hub"]
    expected = train_pooled(run.rows(), run.spec, trained.randomness)
    kept, bins = boost.ensemble(expected.state, run.spec), expected.assigned.book.bins
    same = model.active_part(trained.part.run, run.spec, trained.part.columns, {}, bins, kept)
    assert trained.part.trees == same.trees
    assert np.array_equal(trained.predictions, expected.predictions)
    assert np.array_equal(trained.losses, expected.state.losses, equal_nan=True)
    return outcome


class TestEqualsThePooledModel:
    @pytest.mark.parametrize("objective", OBJECTIVES)
    def test_for_every_objective(self, objective: str) -> None:
        classes = 3 if objective == "multiclass" else 0
        spec = a_spec(objective=objective, classes=classes)
        outcome = check_equals_pooled(Run(spec, a_data(objective)))
        assert outcome.returned["hub"].part.splits
        assert outcome.returned["insurer"].splits

    @pytest.mark.parametrize(
        "changes",
        [
            {"sampling": "uniform", "row_share": 0.6},
            {"sampling": "goss", "top_share": 0.2, "other_share": 0.3},
            {"forest": True, "row_share": 0.7, "trees": 3},
            {"code_share": 0.4, "trees": 4},
            {"local_trees": 1},
            {"validation_share": 0.3, "patience": 1, "trees": 6, "learning_rate": 1.0},
            {"minimum_bin_rows": 20, "minimum_node_rows": 60},
            {"minimum_bin_rows": 1, "minimum_node_rows": 2, "depth": 4},
            {"block_rows": 8192, "bins": 127, "precision": 30},
            {"depth": 1, "bins": 2},
        ],
        ids="-".join,
    )
    def test_however_it_is_grown(self, changes: dict[str, Any]) -> None:
        check_equals_pooled(Run(a_spec(**changes), a_data()))

    def test_with_sample_weights_and_constraints(self) -> None:
        data = a_data()
        weight = np.random.default_rng(1).integers(0, 3, len(data.label)).astype(float)
        data, monotone = replace(data, weight=weight), {"column-of-0": 1, "column-of-1": -1}
        check_equals_pooled(Run(a_spec(), data, monotone=monotone))

    @pytest.mark.parametrize("changes", [{}, {"code_share": 0.5, "trees": 4}], ids=len)
    def test_of_three_parties(self, changes: dict[str, Any]) -> None:
        outcome = check_equals_pooled(Run(a_spec(**changes), a_data(), ALL))
        assert all(outcome.returned[party].splits for party in ALL)

    def test_under_paillier(self) -> None:
        cipher = Encryption(scheme="paillier", key_bits=2048)
        check_equals_pooled(Run(a_spec(encryption=cipher, trees=1), a_data()))

    @pytest.mark.skipif(
        keys.running("okamoto-uchiyama", "auto") != "kernel",
        reason="the kernel does not run on this machine",
    )
    @pytest.mark.parametrize(
        "engines",
        [{"hub": "kernel", "insurer": "gmpy2"}, {"hub": "gmpy2", "insurer": "kernel"}],
        ids=lambda engines: "-".join(engines.values()),
    )
    def test_of_parties_with_different_engines(self, engines: dict[str, Engine]) -> None:
        check_equals_pooled(Run(a_spec(trees=2), a_data(), engines=engines))

    def test_with_workers(self) -> None:
        check_equals_pooled(Run(a_spec(trees=1), a_data(), workers=2))

    def test_where_the_active_party_has_no_column_of_its_own(self) -> None:
        outcome = check_equals_pooled(Run(a_spec(), a_data(), clinic=()))
        assert not outcome.returned["hub"].part.splits

    def test_where_no_row_is_scored(self) -> None:
        outcome = check_equals_pooled(Run(a_spec(), a_data(test=0)))
        assert outcome.returned["hub"].predictions.shape == (1, 0)

    def test_where_no_tree_is_left_to_other_parties(self) -> None:
        outcome = check_equals_pooled(Run(a_spec(local_trees=2), a_data()))
        assert set(kinds(outcome.sent["hub to insurer"])) == {"Codes", "Next", "Scoring"}
        assert kinds(outcome.sent["insurer"]) == ["ColumnBins"]


class TestTheSecretSeed:
    """A passive party knows the job; whoever also knows labels could repeat draws by its seed."""

    @pytest.mark.parametrize(
        ("changes", "kind", "field"),
        [
            ({"sampling": "uniform", "row_share": 0.6}, "SampledRows", "sampled"),
            ({"sampling": "goss", "top_share": 0.2, "other_share": 0.3}, "SampledRows", "sampled"),
            ({"forest": True, "row_share": 0.7}, "SampledRows", "sampled"),
            ({"validation_share": 0.3}, "SampledRows", "sampled"),
            ({"code_share": 0.6, "trees": 6, "depth": 1}, "TreeStart", "codes"),
        ],
        ids=["uniform", "goss", "forest", "validation", "codes"],
    )
    def test_is_what_all_draws_follow_from(
        self, changes: dict[str, Any], kind: str, field: str
    ) -> None:
        def drawn() -> list[Any]:
            line = sent(learn(Run(a_spec(**changes), a_data())), "hub to insurer")
            return [message[field] for message in line if message["type"] == kind]

        assert drawn() != drawn()  # of one job over the same rows

    def test_stays_at_the_active_party(self) -> None:
        memory = ActiveMemory()
        outcome = learn(Run(a_spec(sampling="goss"), a_data(), kept={"hub": memory}))
        assert memory.secret is not None
        seed = memory.secret.to_bytes(16)
        written = b"".join(outcome.sent["hub to insurer"])
        assert seed not in written
        assert seed.hex().encode() not in written


class TestTheModel:
    def test_scores_from_all_its_parts(self) -> None:
        run = Run(a_spec(), a_data(), ALL)
        returned = learn(run).returned
        trained, parts = returned.pop("hub"), returned
        stored = {party: _stored(part, Part) for party, part in parts.items()}
        ours, *theirs = run.rows()
        tests = {party: rows.test for party, rows in zip(sorted(parts), theirs, strict=True)}
        scores = together(_stored(trained.part, ActivePart), stored, ours.test, tests)
        assert np.array_equal(scores, trained.predictions)

    def test_is_not_made_of_parts_of_two_runs(self) -> None:
        run = Run(a_spec(trees=1), a_data())
        first, second = learn(run).returned, learn(run).returned
        ours, theirs = run.rows()
        mixed = {"insurer": second["insurer"]}
        with pytest.raises(SpecError, match="'insurer' is of another run"):
            together(first["hub"].part, mixed, ours.test, {"insurer": theirs.test})

    def test_names_columns_at_their_owner_only(self) -> None:
        returned = learn(Run(a_spec(trees=1), a_data())).returned
        for part, columns in ((returned["hub"].part, CLINIC), (returned["insurer"], INSURER)):
            named = {column.binning.name for column in part.columns}
            assert named == {f"column-of-{at}" for at in columns}


def _stored(part: Any, kind: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(part), type=kind)


class TestForecast:
    @pytest.mark.parametrize("changes", [{}, {"sampling": "uniform", "row_share": 0.5}], ids=len)
    def test_is_about_what_was_sent(self, changes: dict[str, Any]) -> None:
        spec = a_spec(trees=3, **changes)
        outcome = learn(Run(spec, a_data(train=900, test=100)))
        sizes = Sizes({}, 1000, 900, 100, {}, rounds=3, columns=len(INSURER))
        expected = {
            role: sum(flow.bytes for flow in forecast(spec, sizes) if flow.sender == role)
            for role in ("active", "passive")
        }
        ours, theirs = (sum(map(len, outcome.sent[at])) for at in ("hub to insurer", "insurer"))
        assert ours == pytest.approx(expected["active"], rel=0.05)
        assert theirs == pytest.approx(expected["passive"], rel=0.3)

    def test_names_every_message_at_any_size(self) -> None:
        spec = a_spec(trees=50, local_trees=10, sampling="goss")
        sizes = Sizes({}, 2, 1, 1, {}, rounds=2)
        named = {type(flow.sample) for flow in forecast(spec, sizes)}
        assert named == set(declared(messages).values())


class TestGoesOnAfterAFailure:
    """Three trees of two levels; the line breaks in the second tree."""

    SPEC = a_spec(trees=3, depth=2, block_rows=150, learning_rate=1.0)

    def memories(self, folder: Path) -> dict[str, Any]:
        return {"hub": ActiveMemory(folder / "hub"), "insurer": PassiveMemory(folder / "insurer")}

    def check_goes_on(self, folder: Path, tampered: dict[str, Tamper]) -> None:
        data = a_data()
        before = self.memories(folder)
        broken = Run(self.SPEC, data, kept=before, tampered=tampered).play()
        assert isinstance(broken.raised["hub"], ChannelError)
        assert isinstance(broken.raised["insurer"], ChannelError)
        outcome = check_equals_pooled(Run(self.SPEC, data, kept=self.memories(folder)))
        assert sent(outcome, "hub to insurer")[0]["trees"] == 1
        ours, theirs = outcome.returned["hub"].part, outcome.returned["insurer"]
        assert theirs.splits == ours.splits_on(ours.passives["insurer"])
        assert theirs.run == ours.run == before["hub"].run

    def test_the_second_tree_is_of_the_messages_at_which_it_is_cut(self) -> None:
        outcome = learn(Run(self.SPEC, a_data()))
        ours = kinds(outcome.sent["hub to insurer"])
        starts = [at for at, kind in enumerate(ours, 1) if kind == "TreeStart"]
        assert starts[1:] == [13, 21]

    @pytest.mark.parametrize("nth", range(12, 20))
    def test_where_the_active_party_was_about_to_send(self, tmp_path: Path, nth: int) -> None:
        self.check_goes_on(tmp_path, {"hub": lambda line: FaultyChannel(line, nth, drop)})

    @pytest.mark.parametrize("nth", range(6, 9))
    def test_where_the_passive_party_was_about_to_send(self, tmp_path: Path, nth: int) -> None:
        self.check_goes_on(tmp_path, {"insurer": lambda line: FaultyChannel(line, nth, drop)})

    def test_from_the_start_where_a_party_has_lost_its_memory(self, tmp_path: Path) -> None:
        cut = {"hub": lambda line: FaultyChannel(line, 13, drop)}
        Run(self.SPEC, a_data(), kept=self.memories(tmp_path), tampered=cut).play()
        (tmp_path / "insurer").unlink()
        outcome = check_equals_pooled(Run(self.SPEC, a_data(), kept=self.memories(tmp_path)))
        assert sent(outcome, "hub to insurer")[0]["trees"] == 0

    @pytest.mark.parametrize("party", ["hub", "insurer"])
    def test_only_on_the_same_rows(self, tmp_path: Path, party: str) -> None:
        Run(self.SPEC, a_data(), kept=self.memories(tmp_path)).play()
        kept = {party: self.memories(tmp_path)[party]}
        error = Run(self.SPEC, a_data(train=299), kept=kept).play().raised[party]
        assert isinstance(error, SpecError)
        assert "belongs to another job" in str(error)


class TestRefusesTheJob:
    @pytest.mark.parametrize(
        ("objective", "advice"),
        [
            ("binary", "other than 0 and 1"),
            ("multiclass", "0, 1 and so on"),
            ("poisson", "below 0"),
        ],
    )
    def test_whose_label_does_not_fit(self, objective: str, advice: str) -> None:
        spec = a_spec(objective=objective, classes=3 if objective == "multiclass" else 0)
        outcome = Run(spec, a_data("squared")).play()
        assert isinstance(outcome.raised["hub"], SpecError)
        assert advice in str(outcome.raised["hub"])
        assert "'hub' stopped" in str(outcome.raised["insurer"])

    @pytest.mark.parametrize(
        ("value", "fault"), [(7.0, "has one single value on all"), (np.nan, "is empty in all")]
    )
    def test_where_a_column_says_nothing(self, value: float, fault: str) -> None:
        data = a_data()
        data.x[: data.train, 3] = value
        error = Run(a_spec(), data).play().raised["insurer"]
        assert isinstance(error, SpecError)
        assert f"'column-of-3' {fault} 300 aligned" in str(error)

    def test_whose_weights_leave_one_class(self) -> None:
        weight = np.where(np.arange(360) == 0, 1e100, 1.0)
        error = Run(a_spec(), replace(a_data(), weight=weight)).play().raised["hub"]
        assert isinstance(error, SpecError)
        assert "sample weights differ so much" in str(error)

    def test_with_constraints_on_what_has_no_order(self) -> None:
        run = Run(a_spec(), a_data(), {"insurer": (2, 3)}, (0, 4), {"column-of-4": 1})
        error = run.play().raised["hub"]
        assert isinstance(error, SpecError)
        assert "'column-of-4' has a monotone constraint" in str(error)


def tampered(party: str, kind: type[Message], change: Change, **changes: Any) -> Play:
    """What comes of a party that changes its messages of a type."""
    tamper = {party: lambda line: Tampering(line, kind, change)}
    return Run(a_spec(**changes), a_data(), tampered=tamper).play()


def replaced(**fields: Any) -> Change:
    """A change of some fields."""
    return lambda message, _: msgspec.structs.replace(message, **fields)


THREE_COLUMNS = messages.ColumnBins(
    train_rows=300, test_rows=60, categorical=np.zeros(3, np.bool_), bins=np.full(3, 9), run=""
)


class TestTheActivePartyStopsOn:
    def stops(self, kind: type[Message], change: Change, **changes: Any) -> str:
        outcome = tampered("insurer", kind, change, **changes)
        error = outcome.raised["hub"]
        assert isinstance(error, PeerError)
        return str(error)

    def test_other_rows(self) -> None:
        error = self.stops(messages.ColumnBins, replaced(train_rows=299))
        assert "299 rows to train on and 60 to score, where 300 and 60 were due" in error

    @pytest.mark.parametrize("bins", [[1, 9, 9], [9, 9, 10]])
    def test_bins_that_no_column_has(self, bins: list[int]) -> None:
        error = self.stops(messages.ColumnBins, replaced(bins=np.array(bins)))
        assert "more bins than the job allows, or fewer than two" in error

    def test_sums_that_are_no_ciphertexts(self) -> None:
        error = self.stops(messages.EncryptedSums, replaced(ciphertexts=b"\xff" * 10))
        assert "'insurer' sent EncryptedSums that no honest run makes: 10 bytes are not" in error

    def test_a_chosen_ciphertext_that_could_tell_its_key(self) -> None:
        def choose(message: Any, seen: dict[str, Any]) -> Message:
            key = keys.load_public("okamoto-uchiyama", "auto", 1024, seen["Codes"].key)
            count = len(message.ciphertexts) // keys.ciphertext_bytes("okamoto-uchiyama", 1024)
            chosen = key.encrypt([2**150] * count).scale([2**180] * count)
            return replaced(ciphertexts=chosen.dump())(message, seen)

        assert "out of the range of sums" in self.stops(messages.EncryptedSums, choose)

    def test_sums_of_groups_that_there_are_not(self) -> None:
        def invent(message: Any, seen: dict[str, Any]) -> Message:
            return replaced(starts=~message.starts)(message, seen)

        assert "groups of bins are not made of" in self.stops(messages.EncryptedSums, invent)

    def test_sums_that_are_not_of_its_gradients(self) -> None:
        def double(message: Any, seen: dict[str, Any]) -> Message:
            key = keys.load_public("okamoto-uchiyama", "auto", 1024, seen["Codes"].key)
            count = len(message.ciphertexts) // keys.ciphertext_bytes("okamoto-uchiyama", 1024)
            twice = key.load(message.ciphertexts, count).scale([2] * count)
            return replaced(ciphertexts=twice.dump())(message, seen)

        error = self.stops(messages.EncryptedSums, double)
        assert "do not add up to the gradients of the rows" in error

    def test_rows_that_go_another_way_than_their_sums(self) -> None:
        def turn(message: Any, seen: dict[str, Any]) -> Message:
            return replaced(left=~message.left)(message, seen)

        assert "sends left are not those that its sums" in self.stops(messages.WentLeft, turn)

    def test_too_few_decisions(self) -> None:
        error = self.stops(messages.Decisions, replaced(left=np.zeros(1, np.uint8)))
        assert "1 bytes do not hold" in error

    def test_decisions_on_other_rows(self) -> None:
        assert "where 0 is due" in self.stops(messages.Decisions, replaced(first_row=60))

    def test_a_silent_peer(self) -> None:
        run = Run(a_spec(), a_data())
        ours, theirs = loopback("hub", "insurer", patience=2.0)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(run.hub(), {"insurer": ours})
            theirs.send(THREE_COLUMNS)  # and then nothing more
            error = waiting.exception()
        assert isinstance(error, ChannelError)
        assert "waited 2 s for EncryptedSums from 'insurer'" in str(error)


class TestThePassivePartyStopsOn:
    def stops(self, kind: type[Message], change: Change, **changes: Any) -> str:
        outcome = tampered("hub", kind, change, **changes)
        error = outcome.raised["insurer"]
        assert isinstance(error, PeerError)
        assert "'insurer' stopped" in str(outcome.raised["hub"])
        return str(error)

    def test_a_key_of_another_size_than_the_job_says(self) -> None:
        key = keys.generate("okamoto-uchiyama", "auto", 1088).public.dump()
        assert "sent Codes that no honest run makes" in self.stops(
            messages.Codes, replaced(key=key)
        )

    @pytest.mark.parametrize("codes", [[0, 1], [2, 1, 0], [0, 0, 1], [-1, 0, 1]])
    def test_numbers_that_are_not_of_its_columns(self, codes: list[int]) -> None:
        error = self.stops(messages.Codes, replaced(codes=np.array(codes)))
        assert "does not number each of our columns" in error

    def test_going_on_after_a_tree_that_it_never_had(self) -> None:
        error = self.stops(messages.Codes, replaced(trees=4))
        assert "go on after tree 4 of a run that we have not seen" in error

    def test_a_code_that_it_was_not_dealt(self) -> None:
        error = self.stops(messages.TreeStart, replaced(codes=np.arange(5)))
        assert "names a code that was not assigned to us" in error

    @pytest.mark.parametrize(("tree", "fault"), [(0, "was grown before"), (2, "has fewer trees")])
    def test_a_tree_too_many(self, tree: int, fault: str) -> None:
        assert fault in self.stops(messages.TreeStart, replaced(tree=tree))

    def test_gradients_that_are_no_ciphertexts(self) -> None:
        error = self.stops(messages.EncryptedGradients, replaced(ciphertexts=b"\x00" * 100))
        assert "sent EncryptedGradients that no honest run makes" in error

    def test_gradients_of_other_rows(self) -> None:
        error = self.stops(messages.EncryptedGradients, replaced(first_row=128))
        assert "where 0 is due" in error

    def test_rows_that_are_not_as_many_as_announced(self) -> None:
        sampled = np.full(38, 255, np.uint8)
        error = self.stops(
            messages.SampledRows, replaced(sampled=sampled), sampling="uniform", row_share=0.5
        )
        assert "does not name 150 rows" in error

    def test_a_question_about_a_tree_that_was_not_begun(self) -> None:
        def asks(lines: Any) -> None:
            line = lines["insurer"]
            line.receive(messages.ColumnBins)
            key = keys.generate("okamoto-uchiyama", "auto", 1024).public.dump()
            line.send(messages.Codes(codes=np.arange(3), key=key, run="run", trees=0))
            line.send(messages.Next(task="level"))
            line.send(messages.LevelNodes(pairs=1, place=np.zeros(300, np.int16)))
            line.receive(messages.EncryptedSums)

        run = Run(a_spec(), a_data())
        error = gather(asks, {"insurer": run.other("insurer")}).raised["insurer"]
        assert "a tree that was not begun" in str(error)

    def test_a_split_on_a_code_of_another_party(self) -> None:
        def take(message: Any, seen: dict[str, Any]) -> Message:
            others = np.setdiff1d(np.arange(5), seen["TreeStart"].codes)
            return replaced(code=np.resize(others, message.code.shape))(message, seen)

        assert "none of those of ours" in self.stops(messages.OwnSplits, take)

    @pytest.mark.parametrize("node", [-1, 0])
    def test_splits_that_are_not_numbered_as_those_of_a_tree(self, node: int) -> None:
        def renumber(message: Any, seen: dict[str, Any]) -> Message:
            return replaced(node=np.full_like(message.node, node))(message, seen)

        error = self.stops(messages.OwnSplits, renumber, depth=3, trees=1)
        assert "the numbers of the nodes do not go up" in error

    @pytest.mark.parametrize("kind", [messages.LevelNodes, messages.OwnSplits])
    def test_nodes_without_rows(self, kind: type[Message]) -> None:
        error = self.stops(kind, replaced(place=np.array(0, np.int16)))
        assert "are not of the" in error

    def test_more_trees_than_the_job_has(self) -> None:
        assert "more trees than the job has" in self.stops(messages.Scoring, replaced(trees=3))

    def test_a_split_that_leaves_few_rows_on_a_side(self) -> None:
        def empty(message: Any, seen: dict[str, Any]) -> Message:
            return replaced(left=np.zeros_like(message.left))(message, seen)

        assert "fewer rows on a side" in self.stops(messages.OwnSplits, empty)
