"""What a boosting lets cross, and what can be made of it."""

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pytest

from isthmus.core.arrays import Integers
from isthmus.core.errors import PeerError
from isthmus.transport.message import Message, Protection, protections
from isthmus.vertical.boosting import coding, messages
from isthmus.vertical.boosting.leakage import cluster_auc
from isthmus.vertical.boosting.messages import unpack_bits
from tests.coded import INSURER, PHARMACY, RANDOMNESS, Run, a_data, a_spec, sent
from tests.roles import Play
from tests.tampering import Change, Tampering
from tests.transcripts import declared, kinds, of_kinds

pytestmark = pytest.mark.usefixtures("keys_made_once")

SPEC = a_spec(trees=3, minimum_bin_rows=5, sampling="uniform", row_share=0.8)
RUN = Run(SPEC, a_data(train=400), {"insurer": INSURER, "pharmacy": PHARMACY})
DECLARED = declared(messages)


@pytest.fixture(scope="module")
def transcript() -> Play:
    outcome = RUN.play()
    assert not outcome.raised
    return outcome


class TestTranscript:
    @pytest.mark.parametrize("party", ["insurer", "pharmacy"])
    def test_holds_only_declared_messages_in_the_declared_direction(
        self, transcript: Play, party: str
    ) -> None:
        ours = {
            "Codes",
            "Next",
            "TreeStart",
            "SampledRows",
            "EncryptedGradients",
            "LevelNodes",
            "OwnSplits",
            "Scoring",
        }
        theirs = {"ColumnBins", "EncryptedSums", "WentLeft", "Decisions"}
        assert set(kinds(transcript.sent[f"hub to {party}"])) == ours
        assert set(kinds(transcript.sent[party])) == theirs
        assert ours | theirs == DECLARED.keys()

    def test_holds_no_identifier_column_name_category_or_label(self, transcript: Play) -> None:
        everything = b"".join(data for line in transcript.sent.values() for data in line)
        label = RUN.data.label[: RUN.data.train]
        for secret in (b"ada-lovelace", b"column-of-", label.tobytes()[:256]):
            assert secret not in everything
        assert np.packbits(label > 0).tobytes()[:16] not in everything

    def test_holds_no_column_and_no_bins_in_the_clear(self, transcript: Play) -> None:
        everything = b"".join(data for line in transcript.sent.values() for data in line)
        for rows in RUN.rows():
            ours = coding.columns(rows.train, SPEC, "")
            tested = coding.encode(ours.binnings, rows.test)
            for values in (*rows.train.features.T, *ours.bins.T, *tested.T):
                assert np.ascontiguousarray(values[:32]).tobytes() not in everything

    def test_never_repeats_a_ciphertext(self, transcript: Play) -> None:
        width = 1024 // 8 + 1
        sent_to_one = sent(transcript, "hub to insurer") + sent(transcript, "insurer")
        found = [
            each["ciphertexts"][at : at + width]
            for each in sent_to_one
            if "ciphertexts" in each
            for at in range(0, len(each["ciphertexts"]), width)
        ]
        assert len(set(found)) == len(found) > 3 * 300

    @pytest.mark.parametrize("party", ["insurer", "pharmacy"])
    def test_tells_no_sum_over_a_few_rows(self, transcript: Play, party: str) -> None:
        counts = np.concatenate(list(rows_of_sums(transcript, party)))
        assert len(counts) > 100
        assert counts[counts > 0].min() >= SPEC.minimum_bin_rows


def rows_of_sums(transcript: Play, party: str) -> Iterator[Integers]:
    """How many rows each sum that a party told, or that can be subtracted from it, is over."""
    rows = RUN.data.rows(RUN.parties[party])
    ours = coding.columns(rows.train, SPEC, RANDOMNESS.job)
    told = transcript.sent[f"hub to {party}"]
    assigned = of_kinds(told, messages.Codes)[0].codes
    asked: list[Message] = of_kinds(
        told, messages.TreeStart, messages.SampledRows, messages.LevelNodes
    )
    answers = iter(of_kinds(transcript.sent[party], messages.EncryptedSums))
    columns, sampled, place, pairs = np.arange(0), np.arange(0), np.arange(0), 1
    for question in asked:
        match question:
            case messages.TreeStart():
                columns = np.searchsorted(assigned, question.codes)
                continue
            case messages.SampledRows():
                sampled = np.flatnonzero(unpack_bits(question.sampled, (RUN.data.train,)))
                place, pairs = np.zeros(len(sampled), np.int64), 1
            case messages.LevelNodes():
                place, pairs = question.place.astype(np.int64), question.pairs
        width = int(ours.facts.bins[columns].max())
        starts = unpack_bits(next(answers).starts, (pairs, len(columns), width))
        for node in range(int(place.max()) + 1):
            inside = ours.bins[sampled[place == node]][:, columns]
            for column, groups in zip(inside.T, starts[node % pairs], strict=True):
                yield np.add.reduceat(np.bincount(column, minlength=width), np.flatnonzero(groups))


class TestDeclarations:
    @pytest.mark.parametrize("kind", DECLARED.values())
    def test_every_message_says_why_it_is_sent_and_what_it_tells(self, kind: Any) -> None:
        assert kind.purpose
        assert kind.reveals
        assert kind.__name__ in (messages.__doc__ or "")

    def test_what_is_encrypted_is_declared_so(self) -> None:
        for kind in (messages.EncryptedGradients, messages.EncryptedSums):
            assert protections(kind)["ciphertexts"] is Protection.ENCRYPTED
        assert protections(messages.WentLeft)["left"] is Protection.CLEAR

    def test_what_tells_of_rows_columns_or_labels_needs_the_consent_of_all(self) -> None:
        assert {name for name, kind in DECLARED.items() if kind.discloses} == {
            "ColumnBins",
            "SampledRows",
            "LevelNodes",
            "EncryptedSums",
            "OwnSplits",
            "WentLeft",
            "Decisions",
        }


class TestTaggedSamples:
    """An active party that asks about single rows gets no answer.

    By gradients that stand out it can still tag them: see `messages`.
    """

    def refused(self, kind: type[Message], change: Change, **changes: Any) -> str:
        tampered = {"hub": lambda line: Tampering(line, kind, change)}
        outcome = Run(a_spec(**changes), a_data(), tampered=tampered).play()
        error = outcome.raised["insurer"]
        assert isinstance(error, PeerError)
        return str(error)

    def test_by_a_node_of_one_row(self) -> None:
        def tag(question: Any, _: Any) -> Any:
            place = np.ones_like(question.place)
            place[7] = 0
            return msgspec.structs.replace(question, place=place)

        assert "fewer rows than the job's minimum" in self.refused(messages.LevelNodes, tag)

    def test_by_leaving_one_row_out_of_a_node(self) -> None:
        def omit(question: Any, _: Any) -> Any:
            place = question.place.copy()
            place[7] = -1
            return msgspec.structs.replace(question, place=place)

        assert "not all of the one" in self.refused(messages.LevelNodes, omit)

    def test_by_a_split_that_parts_what_was_summed_together(self) -> None:
        def part(asked: Any, _: Any) -> Any:
            left = np.zeros_like(asked.left)
            left[:, 0] = True
            return msgspec.structs.replace(asked, left=left)

        error = self.refused(messages.OwnSplits, part, minimum_bin_rows=60, minimum_node_rows=120)
        assert "parts bins that were summed together" in error


class TestClusters:
    """The passive party clusters the nodes that it saw: ID2Graph."""

    def attack(self, **changes: Any) -> float:
        run = Run(a_spec(trees=10, learning_rate=0.3, **changes), a_data(train=600))
        trained = run.play().returned["hub"]
        return cluster_auc(trained.views["insurer"], run.data.label[: run.data.train])

    def test_tell_labels_about_as_well_as_measured(self, record_property: Any) -> None:
        found = self.attack()
        record_property("cluster_auc", found)
        assert 0.7 < found < 0.9

    def test_tell_less_after_trees_of_the_active_party_alone(self) -> None:
        assert self.attack(local_trees=8) < self.attack()

    def test_tell_nothing_where_no_tree_is_seen(self) -> None:
        assert self.attack(local_trees=10) == 0.5
