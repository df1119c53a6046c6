"""Residuals of every family as sums of products."""

import numpy as np
import pytest

from isthmus.core.arrays import Floats
from isthmus.core.errors import JobError
from isthmus.crypto import radix
from isthmus.vertical.regression import families
from isthmus.vertical.regression.shared import counts, descent, expansion
from isthmus.vertical.regression.shared.coefficients import Coefficients
from isthmus.vertical.regression.spec import Family, Regression, Shared
from tests.regressions import a_spec, bfv


def spec_of(family: Family) -> Regression:
    return a_spec(family=family, level="shared", encryption=bfv(), shared=Shared(active_columns=2))


def residuals(spec: Regression, a: Floats, shares: list[Floats], label: Floats) -> Floats:
    """What the parties compute together."""
    levels = [expansion.level(spec, share) for share in (a, *shares)]
    functions = expansion.expansion(spec, levels, expansion.products(spec, levels))
    assert functions.count == expansion.products(spec, levels)
    made = functions.of_first(shares[0])
    assert np.abs(made).max() <= 1
    for position, share in enumerate(shares[1:], start=1):
        added, factors = functions.of_middle(share, position)
        made = added + np.einsum("jkn,kn->jn", factors, made)
    constant, factors = functions.of_active(a, label)
    found: Floats = constant + (factors * made).sum(axis=0)
    return found


class TestExpansion:
    @pytest.mark.parametrize("family", ["gaussian", "poisson", "gamma", "tweedie"])
    @pytest.mark.parametrize("passives", [1, 2, 4])
    def test_without_error_where_products_of_factors_are_exact(
        self, family: Family, passives: int
    ) -> None:
        generator = np.random.default_rng(1)
        a, *shares = generator.normal(0, 0.6, (1 + passives, 500))
        label = generator.gamma(2.0, 1.0, 500)
        spec = spec_of(family)
        exact = families.likelihood(spec).residual(a + sum(shares), label)
        assert residuals(spec, a, shares, label) == pytest.approx(exact, rel=1e-9, abs=1e-9)

    def test_of_two_classes_within_a_tenth_of_a_percent(self) -> None:
        generator = np.random.default_rng(2)
        a, b = generator.normal(0, 0.6, (2, 500))
        label = (generator.random(500) < 0.5).astype(float)
        spec = spec_of("binomial")
        exact = families.likelihood(spec).residual(a + b, label)
        assert np.sqrt(np.mean((residuals(spec, a, [b], label) - exact) ** 2)) < 1e-3

    def test_takes_as_few_products_as_the_family_allows(self) -> None:
        families: tuple[Family, ...] = ("binomial", "gaussian", "poisson", "gamma", "tweedie")
        found = {
            family: (
                counts.fewest_products(spec_of(family), 1),
                expansion.products(spec_of(family), [4, 4]),
                counts.most_products(spec_of(family), 1),
            )
            for family in families
        }
        assert found == {
            "binomial": (1, 3, 16),
            "gaussian": (0, 0, 0),
            "poisson": (1, 1, 1),
            "gamma": (1, 1, 1),
            "tweedie": (2, 2, 2),
        }
        assert expansion.products(spec_of("gaussian"), [4, 4, 4]) == 1


class TestAdvice:
    """Levels are of spreads 0.25 x 2^(level / 4)."""

    def test_is_none_where_functions_are_good_enough(self) -> None:
        assert expansion.advice(spec_of("binomial"), [4, 8]) == ""
        assert expansion.advice(spec_of("poisson"), [40, 40]) == ""

    def test_names_the_number_that_would_do(self) -> None:
        said = expansion.advice(spec_of("binomial"), [16, 16])
        assert said == "18 would to 0.002: agree on more `regression.shared.most_functions`"

    def test_is_another_one_where_no_number_would_do(self) -> None:
        assert expansion.products(spec_of("binomial"), [30, 30]) == 16
        said = expansion.advice(spec_of("binomial"), [30, 30])
        assert said.startswith("and no number up to 32 would to 0.002: agree on a higher `penalty`")


class TestRunsAway:
    @pytest.mark.parametrize("family", ["poisson", "gamma", "tweedie"])
    def test_is_said_before_an_exponential_overflows(self, family: Family) -> None:
        spec = spec_of(family)
        far = [expansion.level(spec, np.array([size])) for size in (100.0, 250.0)]
        with pytest.raises(JobError, match="the training runs away"):
            expansion.expansion(spec, far, expansion.products(spec, far))
        expansion.expansion(spec, [far[0], far[0]], expansion.products(spec, far))

    def test_is_said_of_coefficients(self) -> None:
        columns = radix.quantise(np.random.default_rng(1).normal(size=(50, 2)), 14)
        block = Coefficients(columns, spec_of("binomial"), 0.25)
        block.restore({"weights": np.array([2e6, 0.0])})
        block.products(np.array([10_000, -3000]), 20)
        with pytest.raises(JobError, match="a coefficient of a standardised column is beyond"):
            block.move(np.zeros(descent.SHOWN))


class TestLevel:
    @pytest.mark.parametrize("spread", [0.0, 0.3, 1.0, 7.7])
    def test_tells_the_spread_in_steps_of_a_fifth(self, spread: float) -> None:
        share = spread * np.array([1.0, -1.0])
        level = expansion.level(spec_of("binomial"), share)
        size = 0.25 * 2 ** (level / 4)
        assert spread <= size * (1 + 1e-12)
        assert size <= max(0.25, 1.19 * spread)

    def test_of_a_share_beyond_all_measure_is_the_last(self) -> None:
        level = expansion.level(spec_of("poisson"), np.array([0.0, 1e30]))
        assert level == expansion.MOST_LEVEL


class TestRefuses:
    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"family": "multinomial", "classes": 3}, "knows no multinomial family"),
            ({"l1_ratio": 0.5}, "knows no L1"),
            ({"batches": 2}, "trains on all rows at once"),
            ({"shared": None}, r"needs the table \[regression.shared\]"),
            ({"encryption": a_spec().encryption}, 'needs the scheme "bfv"'),
        ],
    )
    def test_a_job_that_the_level_cannot_play(self, changes: dict[str, object], said: str) -> None:
        settled = {"level": "shared", "encryption": bfv(), "shared": Shared(active_columns=2)}
        with pytest.raises(ValueError, match=said):
            a_spec(**(settled | changes))

    def test_the_table_at_another_level(self) -> None:
        with pytest.raises(ValueError, match='goes with level = "shared"'):
            a_spec(shared=Shared(active_columns=2))
