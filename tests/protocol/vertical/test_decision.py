"""Decisions about scores: one bit for each row crosses, and no score."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from isthmus.core.arrays import Floats
from isthmus.core.errors import PeerError, SpecError
from isthmus.crypto.lattice.comparison_parameters import SLOTS
from isthmus.data.table import Table
from isthmus.ledger.forecast import Sizes
from isthmus.transport.loopback import LoopbackEnd
from isthmus.vertical.prediction.active import active
from isthmus.vertical.prediction.decision import LARGEST_SHARE, STEP, on_grid, predictor_at
from isthmus.vertical.prediction.forecast import forecast
from isthmus.vertical.prediction.messages import ComparedNumbers, ComparisonProducts, ComparisonSeed
from isthmus.vertical.prediction.passive import passive
from isthmus.vertical.prediction.spec import Decision, Prediction
from isthmus.vertical.regression import model as linear
from isthmus.vertical.regression.scaling import Scaling
from isthmus.vertical.regression.spec import Family
from tests.roles import Play, Role, gather, play
from tests.transcripts import kinds

CUT = 0.7
SPEC = Prediction(model="0" * 64, system="regression", decision=Decision(cut=CUT))


class Desk:
    """Both parts of a model, and rows of both parties."""

    def __init__(self, rows: int, family: Family = "binomial") -> None:
        random = np.random.default_rng(11)
        values = random.normal(size=(rows, 5))
        weights = random.normal(size=5)
        names = tuple("abcde")
        ids = [b"%d" % at for at in range(rows)]
        parts = [
            linear.part(
                family, names[own], Scaling(np.zeros(5)[own], np.ones(5)[own]), weights[own]
            )
            for own in (slice(3), slice(3, 5))
        ]
        self.ours = msgspec.structs.replace(parts[0], intercept=-0.5)
        self.theirs = parts[1]
        self.clinic = Table(ids, values[:, :3], names[:3])
        self.insurer = Table(ids, values[:, 3:], names[3:])

    @property
    def predictor(self) -> Floats:
        ours = self.ours.predictor(self.clinic.features)
        return ours + self.theirs.predictor(self.insurer.features)

    def play(self, helper: Role | None = None) -> Play:
        honest: Role = lambda line: passive(line, self.theirs, self.insurer, SPEC)  # noqa: E731
        return gather(
            lambda lines: active(lines, self.ours, self.clinic, SPEC), {"insurer": helper or honest}
        )


class TestDecision:
    def test_is_that_of_the_exact_score(self) -> None:
        desk = Desk(SLOTS + 300)
        outcome = desk.play()
        found = outcome.returned["hub"]
        far = np.abs(desk.predictor - predictor_at(desk.ours, CUT)) > STEP
        assert far.mean() > 0.99
        exact = desk.ours.expected(desk.predictor) > CUT
        np.testing.assert_array_equal(found[far] == 1, exact[far])
        assert not (found[~exact] == 1).any()  # of those near the cut, none below it is a yes
        assert set(found) == {0.0, 1.0}

    def test_counts_the_exposure_of_each_row(self) -> None:
        desk = Desk(200, "poisson")
        offset = np.log(np.random.default_rng(12).random(200) + 0.1)
        desk.clinic = replace(desk.clinic, offset=offset)
        found = desk.play().returned["hub"]
        predictor = desk.predictor + offset
        far = np.abs(predictor - np.log(CUT)) > STEP
        np.testing.assert_array_equal(found[far] == 1, np.exp(predictor[far]) > CUT)
        assert (found != (np.exp(desk.predictor) > CUT)).any()

    def test_is_not_for_several_classes(self) -> None:
        desk = Desk(2)
        classes = linear.part("multinomial", ("a",), Scaling(np.zeros(1), np.ones(1)), np.eye(1, 3))
        desk.ours = classes
        error = desk.play().raised["hub"]
        assert "whose scores are one number" in str(error)

    def test_crosses_in_four_messages_of_the_forecast_sizes(self) -> None:
        desk = Desk(20)
        outcome = desk.play()
        theirs, ours = outcome.sent["insurer"], outcome.sent["hub to insurer"]
        assert kinds(theirs) == ["ComparedNumbers", "ZeroRows"]
        assert kinds(ours) == ["ComparisonSeed", "ComparisonProducts"]
        sizes = Sizes({}, 20, 0, 20, {}, 0)
        flows = forecast(SPEC, "insurer", sizes)
        for sender, sent in (("passive", theirs), ("active", ours)):
            assert sum(map(len, sent)) == sum(flow.bytes for flow in flows if flow.sender == sender)

    def test_of_no_rows_is_empty(self) -> None:
        outcome = Desk(0).play()
        assert outcome.returned["hub"].shape == (0,)
        assert outcome.sent["insurer"] == []
        assert forecast(SPEC, "insurer", Sizes({}, 0, 0, 0, {}, 0)) == []

    def test_of_shares_beyond_the_grid_is_that_of_its_ends(self) -> None:
        np.testing.assert_array_equal(
            on_grid(np.array([-1e9, -LARGEST_SHARE, LARGEST_SHARE, 1e9])),
            [0, 0, on_grid(np.array([LARGEST_SHARE]))[0], on_grid(np.array([1e9]))[0]],
        )

    @pytest.mark.parametrize("cut", [0.0, 1.0, 7.0, -1.0, np.nan])
    def test_needs_a_cut_that_scores_lie_around(self, cut: float) -> None:
        with pytest.raises(SpecError, match=r"`prediction\.decision\.cut` is .* no score of this"):
            predictor_at(Desk(1).ours, cut)

    def test_takes_two_parties(self) -> None:
        desk = Desk(1)
        lines = dict.fromkeys(("insurer", "pharmacy"))
        with pytest.raises(SpecError, match=r"of two parties.*Nothing was sent"):
            active(lines, desk.ours, desk.clinic, SPEC)  # type: ignore[arg-type]

    @pytest.mark.parametrize("change", [{"online": {}}, {"system": "boosting"}])
    def test_is_refused_beside_online_and_for_trees(self, change: dict[str, object]) -> None:
        table = {"model": "0" * 64, "system": "regression", "decision": {"cut": 0.5}} | change
        with pytest.raises(msgspec.ValidationError, match="`decision` is for a regression"):
            msgspec.convert(table, Prediction)


class TestCheatingPeers:
    def test_bits_of_another_size_end_it(self) -> None:
        def cheat(line: LoopbackEnd) -> None:
            line.receive(ComparisonSeed)
            line.send(ComparedNumbers(key=b"0" * 10, bits=b"0"))

        outcome = Desk(3).play(cheat)
        with pytest.raises(PeerError, match=r"'insurer' sent ComparedNumbers that no honest run"):
            raise outcome.raised["hub"]

    @pytest.mark.parametrize("seed", [b"", b"0" * 31])
    def test_a_seed_of_another_size_ends_it(self, seed: bytes) -> None:
        desk = Desk(3)
        outcome = play(
            hub=lambda line: line.send(ComparisonSeed(seed=seed)),
            insurer=lambda line: passive(line, desk.theirs, desk.insurer, SPEC),
        )
        with pytest.raises(PeerError, match=r"'hub' sent ComparisonSeed that no honest run"):
            raise outcome.raised["insurer"]

    def test_products_of_another_size_end_it(self) -> None:
        desk = Desk(3)

        def cheat(line: LoopbackEnd) -> None:
            line.send(ComparisonSeed(seed=b"0" * 32))
            line.receive(ComparedNumbers)
            line.send(ComparisonProducts(products=b"0"))

        outcome = play(
            hub=cheat, insurer=lambda line: passive(line, desk.theirs, desk.insurer, SPEC)
        )
        with pytest.raises(PeerError, match=r"'hub' sent ComparisonProducts that no honest run"):
            raise outcome.raised["insurer"]
