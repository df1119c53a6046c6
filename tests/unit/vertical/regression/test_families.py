"""How a label is distributed given the predictor, against finite differences and scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special
from sklearn.metrics import mean_tweedie_deviance

from isthmus.core.arrays import Floats
from isthmus.core.errors import SpecError
from isthmus.vertical.regression import families
from isthmus.vertical.regression.families import Binomial, Gaussian, Likelihood, Multinomial
from isthmus.vertical.regression.log_families import Gamma, Poisson, Tweedie

ALL: list[Likelihood] = [
    Binomial(),
    Gaussian(),
    Multinomial(3),
    Poisson(),
    Gamma(),
    Tweedie(1.3),
]
ROWS = 40
each = pytest.mark.parametrize("family", ALL, ids=lambda it: type(it).__name__)


def rows(family: Likelihood, seed: int) -> tuple[Floats, Floats]:
    """Predictors and labels that the family allows."""
    generator = np.random.default_rng(seed)
    predictor = generator.normal(size=(ROWS, *family.outputs))
    match family:
        case Binomial():
            label = generator.integers(0, 2, ROWS).astype(float)
        case Multinomial():
            label = generator.integers(0, family.classes, ROWS).astype(float)
        case Gaussian():
            label = generator.normal(size=ROWS)
        case Gamma():
            label = generator.gamma(2.0, size=ROWS)
        case _:
            label = generator.poisson(1.0, ROWS).astype(float)
    return predictor, label


class TestResidual:
    @each
    @given(seed=st.integers(0, 2**32))
    def test_is_the_slope_of_each_rows_loss(self, family: Likelihood, seed: int) -> None:
        predictor, label = rows(family, seed)
        found = family.residual(predictor, label)
        for place in np.ndindex(*family.outputs):
            moved = np.zeros_like(predictor)
            moved[(slice(None), *place)] = 1e-5
            up, down = (
                family.losses(predictor + moved, label),
                family.losses(predictor - moved, label),
            )
            assert found[(slice(None), *place)] == pytest.approx((up - down) / 2e-5, abs=1e-4)

    @each
    def test_is_expected_to_curve_as_the_family_says(self, family: Likelihood) -> None:
        predictor, _ = rows(family, 1)
        certain = family.mean(predictor)
        if isinstance(family, Binomial | Multinomial):  # a mean is no label
            found = certain * (1 - certain)
        else:
            up, down = (family.residual(predictor + it, certain) for it in (1e-5, -1e-5))
            found = (up - down) / 2e-5
        assert family.curvature(predictor) == pytest.approx(found, rel=1e-5)

    def test_of_classes_sums_to_zero_so_that_one_need_not_cross(self) -> None:
        predictor, label = rows(Multinomial(3), 2)
        residual = Multinomial(3).residual(predictor, label)
        x = np.random.default_rng(3).normal(size=(ROWS, 4))
        products = x.T @ families.without_last(residual)
        assert products.shape == (4, 2)
        assert families.with_last(products) == pytest.approx(x.T @ residual)

    @each
    def test_stays_within_what_its_fixed_point_is_made_for(self, family: Likelihood) -> None:
        residual = family.residual(*rows(family, 4))
        limit = families.residual_limit(residual)
        assert np.abs(residual).max() * 4 <= limit
        assert np.frexp(limit)[0] == 0.5


class TestPredictor:
    def test_of_classes_is_known_from_their_differences(self) -> None:
        predictor, _ = rows(Multinomial(3), 5)
        crossed = families.against_last(predictor)
        assert crossed.shape == (ROWS, 2)
        mean = Multinomial(3).mean
        assert mean(families.with_zero(crossed)) == pytest.approx(mean(predictor))

    def test_of_one_number_crosses_as_it_is(self) -> None:
        predictor, _ = rows(Poisson(), 6)
        for function in (
            families.against_last,
            families.with_zero,
            families.without_last,
            families.with_last,
        ):
            assert function(predictor) is predictor


class TestLosses:
    @pytest.mark.parametrize(
        ("family", "power"), [(Poisson(), 1), (Gamma(), 2), (Tweedie(1.3), 1.3)]
    )
    def test_are_half_the_deviance_up_to_what_no_coefficient_changes(
        self, family: Likelihood, power: float
    ) -> None:
        predictor, label = rows(family, 7)
        ours = [float(np.mean(family.losses(it, label))) for it in (predictor, predictor / 2)]
        theirs = [
            mean_tweedie_deviance(label, np.exp(it), power=power) / 2
            for it in (predictor, predictor / 2)
        ]
        assert ours[0] - ours[1] == pytest.approx(theirs[0] - theirs[1])

    def test_of_classes_are_logarithms_of_the_probability_of_the_label(self) -> None:
        predictor, label = rows(Multinomial(3), 8)
        expected = -special.log_softmax(predictor, axis=1)[np.arange(ROWS), label.astype(int)]
        assert Multinomial(3).losses(predictor, label) == pytest.approx(expected)

    def test_of_two_classes_are_those_of_the_binomial_family(self) -> None:
        predictor, label = rows(Binomial(), 9)
        both = np.column_stack([np.zeros(ROWS), predictor])
        assert Multinomial(2).losses(both, label) == pytest.approx(
            Binomial().losses(predictor, label)
        )

    @pytest.mark.parametrize("family", [Poisson(), Gamma(), Tweedie(1.5)])
    def test_stay_finite_wherever_a_step_leads(self, family: Likelihood) -> None:
        for predictor in (-1e6, 1e6):
            far = np.full(ROWS, predictor)
            assert np.isfinite(family.losses(far, np.ones(ROWS))).all()
            assert np.isfinite(family.residual(far, np.ones(ROWS))).all()


class TestConstant:
    @each
    def test_is_the_predictor_of_the_mean_label(self, family: Likelihood) -> None:
        _, label = rows(family, 10)
        weight, offset = np.random.default_rng(11).random(ROWS), np.zeros(ROWS)
        predictor = np.zeros((ROWS, *family.outputs)) + family.constant(label, weight, offset)
        residual = family.residual(predictor, label)
        assert weight @ residual == pytest.approx(np.zeros(family.outputs), abs=1e-9)

    def test_is_a_rate_where_exposures_differ(self) -> None:
        _, label = rows(Poisson(), 12)
        exposure = np.random.default_rng(13).random(ROWS)
        found = Poisson().constant(label, np.ones(ROWS), np.log(exposure))
        assert np.exp(found) == pytest.approx(label.sum() / exposure.sum())


class TestLabels:
    @pytest.mark.parametrize(
        ("family", "label", "said"),
        [
            (Binomial(), [0, 1, 2, 2], "2 of 4 labels are other than 0 and 1"),
            (Multinomial(3), [0, 1, 2, 3], r"1 of 4 labels are other than 0, 1, \.\.\. 2"),
            (Multinomial(3), [0, 1, 2, 0.5], r"1 of 4 .* set `classes` to how many there are"),
            (Poisson(), [0, 1, 2, -1], "1 of 4 labels are below 0 or infinite"),
            (Gamma(), [0, 1, 2, 0], "2 of 4 labels are 0 or less, .* tweedie, which takes 0"),
            (Tweedie(1.5), [0, 1, np.inf, -1], "2 of 4 labels are below 0 or infinite"),
            (Gaussian(), [0, 1, np.inf, np.nan], "2 of 4 labels are empty or infinite"),
        ],
    )
    def test_outside_the_family_are_counted_and_advised_about(
        self, family: Likelihood, label: list[float], said: str
    ) -> None:
        with pytest.raises(SpecError, match=said):
            family.check(np.array(label))

    @each
    def test_within_the_family_are_taken(self, family: Likelihood) -> None:
        family.check(rows(family, 14)[1])
