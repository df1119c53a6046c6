"""Preparation of columns: both roles over a line, honest and not, beside the same in one place."""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pytest

from isthmus.core.errors import PeerError, SpecError
from isthmus.core.telemetry import Telemetry
from isthmus.crypto.encryption import Encryption, RegressionEncryption
from isthmus.crypto.sum_masks import OPENED_BYTES
from isthmus.data.table import Table, joined
from isthmus.evaluation.classification import auc
from isthmus.transport.loopback import LoopbackEnd
from isthmus.vertical.preparation import labels, messages
from isthmus.vertical.preparation.active import active
from isthmus.vertical.preparation.columns import Evidence, Prepared
from isthmus.vertical.preparation.forecast import forecast
from isthmus.vertical.preparation.messages import (
    EncryptedLabels,
    MaskedLabelSums,
    OpenedLabelSums,
    OwnMoments,
    PreparedColumns,
    Prepares,
    PreparesAnew,
)
from isthmus.vertical.preparation.own import Own
from isthmus.vertical.preparation.passive import passive
from isthmus.vertical.preparation.pooled import prepare_pooled
from isthmus.vertical.preparation.spec import Preparation, Selection, WeightOfEvidence
from isthmus.vertical.regression.pooled import train_pooled
from isthmus.vertical.regression.products import messages as of_products
from isthmus.vertical.regression.spec import Regression
from tests.real_data import VERTICAL, needs
from tests.real_data import rows as real_rows
from tests.roles import Play, Role, gather, play, run_together
from tests.tampering import Tampering
from tests.transcripts import declared, kinds, of_kinds

ROWS, MOST = 600, 5
KEY = Encryption(key_bits=2048)
WOE = Preparation(woe=WeightOfEvidence(bins=4, least_rows=20), block_rows=256, encryption=KEY)


def rows() -> tuple[Table, Table]:
    """Columns of a clinic, which has labels, and of an insurer, whose last one repeats a column."""
    generator = np.random.default_rng(5)
    x = generator.normal(size=(ROWS, 5))
    x[:, 3] = x[:, 0] + 0.1 * generator.normal(size=ROWS)
    x[::7, 2] = np.nan
    job = generator.integers(0, 4, ROWS).astype(float)
    signal = x[:, 0] + np.where(np.isnan(x[:, 2]), 1.0, 0.0) + (job == 2)
    label = (generator.random(ROWS) < 1 / (1 + np.exp(1 - signal))).astype(float)
    names = [b"%d" % row for row in range(ROWS)]
    clinic = Table(names, x[:, :2], ("age", "bmi"), label)
    features = np.column_stack([x[:, 2:], job])
    insurer = Table(
        names,
        features,
        ("cost", "years", "noise", "job"),
        categories={"job": ("clerk", "farmer", "nurse", "teacher")},
        missing="keep",
    )
    return clinic, insurer


CLINIC, INSURER = rows()


def clinic(spec: Preparation, held: Prepared | None = None, train: Table = CLINIC) -> Role:
    return lambda line: active(
        {"insurer": line}, Own(train), spec, {"insurer": MOST}, Telemetry(), held=held
    )


def insurer(spec: Preparation, held: Prepared | None = None, train: Table = INSURER) -> Role:
    return lambda line: passive(line, Own(train), spec, MOST, Telemetry(), held=held)


def prepare(spec: Preparation, **held: Prepared) -> tuple[Prepared, Prepared]:
    found = run_together(
        clinic=clinic(spec, held.get("clinic")), insurer=insurer(spec, held.get("insurer"))
    )
    return found["clinic"], found["insurer"]


def comparing(**said: Any) -> Preparation:
    select = Selection(correlation=0.9, active_columns=3, encryption=RegressionEncryption(**said))
    return msgspec.structs.replace(WOE, select=select)


SELECTING = msgspec.structs.replace(WOE, select=Selection(information=0.05))
COMPARING = [comparing(scheme="bfv"), comparing(scheme="paillier", key_bits=2048)]


class TestEqualsThePooledPreparation:
    @pytest.mark.parametrize(
        "spec", [WOE, SELECTING, *COMPARING], ids=["woe", "selected", "bfv", "paillier"]
    )
    def test_to_the_last_digit(self, spec: Preparation) -> None:
        ours, theirs = prepare(spec)
        expected = prepare_pooled([Own(CLINIC), Own(INSURER)], spec)
        assert ours == msgspec.structs.replace(expected[0], counts={"insurer": len(theirs.columns)})
        assert theirs == expected[1]

    def test_under_paillier_too(self) -> None:
        cipher = Encryption(scheme="paillier", key_bits=2048)
        _, theirs = prepare(msgspec.structs.replace(WOE, encryption=cipher))
        assert theirs == prepare_pooled([Own(CLINIC), Own(INSURER)], WOE)[1]

    def test_with_several_passive_parties(self) -> None:
        second = Table(CLINIC.identifiers, CLINIC.features[:, ::-1], ("a", "b"))
        most = {"first": MOST, "second": 2}
        found = gather(
            lambda lines: active(lines, Own(CLINIC), WOE, most, Telemetry()),
            {
                "first": insurer(WOE),
                "second": lambda line: passive(line, Own(second), WOE, 2, Telemetry()),
            },
        )
        assert not found.raised
        expected = prepare_pooled([Own(CLINIC), Own(INSURER), Own(second)], WOE)
        assert found.returned["hub"].counts == {"first": 4, "second": 2}
        assert [found.returned["first"], found.returned["second"]] == expected[1:]


class TestColumns:
    def test_that_repeat_one_of_the_active_party_are_left_out(self) -> None:
        _, theirs = prepare(COMPARING[0])
        assert [each.column.name for each in theirs.left_out] == ["years"]
        assert "one of another party is 0.9" in theirs.left_out[0].why

    def test_of_both_are_not_compared_unless_the_job_says_so(self) -> None:
        alone = msgspec.structs.replace(WOE, select=Selection(correlation=0.9))
        assert prepare(alone)[1].left_out == []

    def test_beyond_the_number_of_the_job_are_refused(self) -> None:
        found = play(
            clinic=clinic(WOE),
            insurer=lambda line: passive(line, Own(INSURER), WOE, 3, Telemetry()),
        )
        assert isinstance(found.raised["insurer"], SpecError)
        assert "has 4 columns once they are prepared, and the job says" in str(
            found.raised["insurer"]
        )

    def test_that_a_selection_leaves_none_of_are_an_error_that_names_them(self) -> None:
        spec = msgspec.structs.replace(WOE, select=Selection(information=5.0))
        found = play(clinic=clinic(spec), insurer=insurer(spec))
        assert "leaves none of our 2 columns: it takes out 'age'" in str(found.raised["clinic"])


class TestPrivacy:
    def test_the_label_sums_that_came_are_those_of_the_labels(self) -> None:
        _, theirs = prepare(WOE)
        for column in theirs.columns:
            assert isinstance(column, Evidence)
            place = INSURER.names.index(column.name)
            values = INSURER.features[:, place]
            groups = column.groups(values, INSURER.categories.get(column.name, ()))
            assert CLINIC.label is not None
            sums = [CLINIC.label[groups == at].sum() for at in range(len(column.weights))]
            assert column.events == sums
            assert column.rows == np.bincount(groups).tolist()
            assert min(column.rows) >= 20

    def test_only_declared_messages_cross(self) -> None:
        found = play(clinic=clinic(COMPARING[0]), insurer=insurer(COMPARING[0]))
        crossed = {*kinds(found.sent["clinic"]), *kinds(found.sent["insurer"])}
        assert crossed <= {*declared(messages), *declared(of_products)}
        assert {each for each in crossed if declared(messages).get(each)} == {
            *declared(messages).keys() - {"ColumnCounts"}
        }

    def test_the_active_party_gets_masked_sums_that_change_with_every_run(self) -> None:
        def sums(found: Play) -> bytes:
            (opened,) = of_kinds(found.sent["clinic"], OpenedLabelSums)
            return opened.sums

        first, second = (play(clinic=clinic(WOE), insurer=insurer(WOE)) for _ in range(2))
        assert len(sums(first)) == MOST * WOE.slots * OPENED_BYTES
        words = np.frombuffer(sums(first) + sums(second), "<u8")
        assert len(set(words.tolist())) == len(words)  # also those of bins that there are not
        assert (words > ROWS).all()

    def test_no_edge_weight_or_count_of_a_bin_leaves_its_owner(self) -> None:
        found = play(clinic=clinic(WOE), insurer=insurer(WOE))
        assert kinds(found.sent["insurer"]) == ["Prepares", "MaskedLabelSums", "PreparedColumns"]

    def test_sizes_tell_nothing_of_bins(self) -> None:
        few = Table(INSURER.identifiers, np.sign(INSURER.features[:, 1:2]), ("flag",))
        sizes = [
            [
                len(each)
                for each in play(clinic=clinic(WOE), insurer=insurer(WOE, None, rows_)).sent[
                    "insurer"
                ]
            ]
            for rows_ in (INSURER, few)
        ]
        assert sizes[0] == sizes[1]


class TestForecast:
    @pytest.mark.parametrize("spec", [WOE, *COMPARING], ids=["woe", "bfv", "paillier"])
    def test_is_what_was_sent_to_the_byte(self, spec: Preparation) -> None:
        found = play(active=clinic(spec), passive=insurer(spec))
        columns = len(found.returned["passive"].columns)
        for role, sent in found.sent.items():
            flows = [it for it in forecast(spec, ROWS, MOST, columns) if it.sender == role]
            assert sum(flow.bytes for flow in flows) == sum(map(len, sent))
            assert sum(flow.count for flow in flows) == len(sent)


class TestNumbersOfColumnsOfAllParties:
    """They cross where all parties train on shares; the job then says the most of each."""

    def play(self, **said: int) -> Play:
        every = {"active": 3, "insurer": MOST} | said
        return play(
            active=lambda line: active(
                {"insurer": line},
                Own(CLINIC),
                SELECTING,
                {"insurer": MOST},
                Telemetry(),
                every_most={"active": every["active"], "insurer": MOST},
            ),
            passive=lambda line: passive(
                line, Own(INSURER), SELECTING, MOST, Telemetry(), every_most=every
            ),
        )

    def test_are_known_to_all_then(self) -> None:
        found = self.play()
        ours, theirs = found.returned["active"], found.returned["passive"]
        every = {"active": len(ours.columns), "insurer": len(theirs.columns)}
        assert ours.counts == theirs.counts == every
        for role, sent in found.sent.items():
            flows = forecast(SELECTING, ROWS, MOST, len(theirs.columns), every)
            assert sum(it.bytes for it in flows if it.sender == role) == sum(map(len, sent))

    def test_are_not_told_otherwise(self) -> None:
        assert prepare(WOE)[1].counts == {}

    def test_are_no_larger_than_the_job_says(self) -> None:
        refused = self.play(active=0).raised["active"]
        assert "`regression.shared.active_columns = 0`: agree on more" in str(refused)
        assert "or more columns, than the job" in str(self.play(insurer=0).raised["passive"])

    def test_are_of_the_parties_of_the_job(self) -> None:
        assert "says that other parties train" in str(self.play(shop=3).raised["passive"])


class TestAStoppedRun:
    def test_goes_on_with_what_both_have_prepared(self) -> None:
        ours, theirs = prepare(WOE)
        found = play(clinic=clinic(WOE, ours), insurer=insurer(WOE, theirs))
        assert found.returned == {"clinic": ours, "insurer": theirs}
        assert kinds(found.sent["clinic"]) == ["PreparesAnew"]
        assert kinds(found.sent["insurer"]) == ["Prepares"]

    @pytest.mark.parametrize("who", ["clinic", "insurer"])
    def test_prepares_the_same_again_where_one_has_not(self, who: str) -> None:
        before = dict(zip(("clinic", "insurer"), prepare(WOE), strict=True))
        assert prepare(WOE, **{who: before[who]}) == (before["clinic"], before["insurer"])


class TestStopsWhereThePeer:
    def test_has_other_rows(self) -> None:
        found = play(clinic=clinic(WOE), insurer=insurer(WOE, None, INSURER.take(np.arange(500))))
        assert "prepares the columns of 500 rows, and we have 600" in str(found.raised["clinic"])

    def test_sends_a_sum_that_is_none(self) -> None:
        def cheat(line: LoopbackEnd) -> None:
            line.send(Prepares(rows=ROWS, held=False))
            line.receive(PreparesAnew)
            for _ in range(3):
                block = line.receive(EncryptedLabels)
            line.send(MaskedLabelSums(ciphertexts=block.ciphertexts))

        found = play(clinic=clinic(WOE), insurer=cheat)
        assert isinstance(found.raised["clinic"], PeerError)
        assert "MaskedLabelSums that no honest run makes" in str(found.raised["clinic"])

    def test_opens_sums_of_more_labels_than_rows(self) -> None:
        def cheat(line: LoopbackEnd) -> None:
            line.receive(Prepares)
            key = labels.scheme(WOE, "auto").owner(labels.declared(ROWS, MOST * WOE.slots), b"")
            line.send(PreparesAnew(anew=True, key=key.public()))
            for first, block in labels.encrypted(key, np.ones(ROWS), WOE.block_rows):
                line.send(EncryptedLabels(first_row=first, ciphertexts=block))
            opened = np.frombuffer(key.open(line.receive(MaskedLabelSums).ciphertexts), "<u8")
            line.send(OpenedLabelSums(sums=(opened + np.uint64(1)).tobytes()))

        found = play(clinic=cheat, insurer=insurer(WOE))
        assert "more rows of label 1 than rows" in str(found.raised["insurer"])

    def test_goes_on_with_columns_that_we_have_not(self) -> None:
        def cheat(line: LoopbackEnd) -> None:
            line.receive(Prepares)
            line.send(PreparesAnew(anew=False, key=b""))

        found = play(clinic=cheat, insurer=insurer(WOE))
        assert "goes on with prepared columns, and we have none" in str(found.raised["insurer"])

    def test_says_that_it_trains_more_columns_than_the_job_lets_it(self) -> None:
        flags = Preparation(select=Selection(correlation=0.9))

        def cheat(line: LoopbackEnd) -> None:
            line.send(Prepares(rows=ROWS, held=False))
            line.receive(PreparesAnew)
            line.send(PreparedColumns(columns=MOST + 1))

        found = play(clinic=clinic(flags), insurer=cheat)
        assert "trains 6 columns, and the job lets it train 5" in str(found.raised["clinic"])

    @pytest.mark.parametrize(
        ("sums", "products", "said"),
        [
            (np.full(3, 2**62), np.eye(3, dtype=np.int64), "a column has no deviation"),
            (np.zeros(3), np.ones((3, 3)), "no columns with such correlations"),
            (np.zeros(3), np.triu(np.full((3, 3), 9)) + np.eye(3), "no columns with such correl"),
            (np.zeros(3), 10 * np.ones((3, 3)) - 9 * np.eye(3), "no columns with such correl"),
        ],
        ids=["no deviation", "with ours", "not symmetric", "beyond 1"],
    )
    @pytest.mark.parametrize("limit", [{"correlation": 0.9}, {"inflation": 5.0}], ids=str)
    def test_sends_moments_that_no_columns_have(
        self, sums: Any, products: Any, said: str, limit: dict[str, float]
    ) -> None:
        def lie(message: OwnMoments, _: Any) -> OwnMoments:
            del message
            return OwnMoments(sums=sums.astype(np.int64), products=products.astype(np.int64))

        select = Selection(active_columns=3, encryption=RegressionEncryption(), **limit)
        spec = Preparation(select=select)
        numbers = Table(INSURER.identifiers, INSURER.features[:, 1:3], ("years", "noise"))
        honest = clinic(spec)
        found = play(
            clinic=lambda line: honest(Tampering(line, OwnMoments, lie)),  # type: ignore[arg-type]
            insurer=insurer(spec, None, numbers),
        )
        error = found.raised["insurer"]
        assert isinstance(error, PeerError)
        assert said in str(error)

    def test_compares_other_columns_than_the_job_says(self) -> None:
        def cheat(line: LoopbackEnd) -> None:
            line.receive(Prepares)
            line.send(PreparesAnew(anew=True, key=b""))
            none = np.zeros(2, np.int64)
            line.send(OwnMoments(sums=none, products=np.diag(none)))

        numbers = Table(INSURER.identifiers, INSURER.features[:, 1:3], ("years", "noise"))
        select = COMPARING[0].select
        found = play(clinic=cheat, insurer=insurer(Preparation(select=select), None, numbers))
        assert "moments of 2 columns where the job says 3" in str(found.raised["insurer"])


@needs(VERTICAL)
class TestDefaultsOnCreditCards:
    """24,000 rows to train on, 13 columns of a bank and 10 of another one."""

    def test_bins_raise_the_auc_of_a_linear_model_from_737_to_776(self) -> None:
        ours, theirs = (real_rows("default_credit", party, "train") for party in ("guest", "host"))
        tests = (
            real_rows("default_credit", "guest", "test", ours),
            real_rows("default_credit", "host", "test", theirs),
        )
        spec = Preparation(woe=WeightOfEvidence(), encryption=KEY)
        most = len(theirs.names)
        found = run_together(
            guest=lambda line: active({"host": line}, Own(ours), spec, {"host": most}, Telemetry()),
            host=lambda line: passive(line, Own(theirs), spec, most, Telemetry()),
        )
        steps = [found["guest"], found["host"]]
        pooled = prepare_pooled([Own(ours), Own(theirs)], spec)
        assert [each.columns for each in steps] == [each.columns for each in pooled]

        def of_a_model(trains: Sequence[Table], tests: Sequence[Table]) -> float:
            model = train_pooled(joined(trains), Regression(passive_columns=most))
            label = tests[0].label
            assert label is not None
            return auc(label, model.predict(joined(tests).features))

        assert of_a_model([ours, theirs], tests) == pytest.approx(0.737, abs=0.001)
        trains = [step(table) for step, table in zip(steps, (ours, theirs), strict=True)]
        scored = [step(table) for step, table in zip(steps, tests, strict=True)]
        assert of_a_model(trains, scored) == pytest.approx(0.777, abs=0.001)
