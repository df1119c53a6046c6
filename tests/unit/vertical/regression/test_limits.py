"""What may be told about single rows: rarer labels, and columns of few rows."""

from typing import Any

import numpy as np
import pytest

from isthmus.core import spec
from isthmus.core.errors import PolicyError, SpecError
from isthmus.vertical.regression import limits, system
from isthmus.vertical.regression.spec import Regression
from isthmus.vertical.system import EQUATIONS, SLOPES, Telling


def a_spec(**changes: Any) -> Regression:
    return Regression(**{"passive_columns": 20, "batches": 10} | changes)


def labels(*counts: int) -> np.ndarray:
    """So many rows of each class."""
    return np.repeat(np.arange(len(counts), dtype=float), counts)


class TestRarerLabels:
    @pytest.mark.parametrize(
        ("spec", "label", "rows"),
        [
            (a_spec(), labels(4_975, 25), 25),
            (a_spec(), labels(25, 4_975), 25),
            (a_spec(), labels(10), 0),
            (a_spec(family="multinomial", classes=3), labels(30, 50, 4), 4),
            (a_spec(family="multinomial", classes=2), labels(30, 50), 30),
            (a_spec(family="poisson", batches=1), labels(900, 60, 40), 100),
            (a_spec(family="gaussian"), np.arange(50.0), 49),
        ],
    )
    def test_are_counted_by_family(self, spec: Regression, label: np.ndarray, rows: int) -> None:
        assert limits.rarer(spec, label) == rows

    def test_are_called_rarer_only_where_labels_are_classes(self) -> None:
        assert limits.rare_labels(a_spec()) == "rarer label"
        counts = a_spec(family="poisson", batches=1, label_exposure=0.001)
        with pytest.raises(SpecError, match=r"900 can have a label other than the commonest, and"):
            system.check_rows(counts, 900)

    def test_are_what_the_active_party_counts_equations_by(self) -> None:
        active = Telling("active", "insurer", rows=5_000, label=labels(4_975, 25))
        assert system.told(a_spec(), active) == {EQUATIONS: 200 / 25}
        assert system.told(a_spec(), Telling("active", "insurer", 5_000)) == {EQUATIONS: 0.04}
        passive = Telling("passive", "insurer", 5_000)
        assert system.told(a_spec(), passive) == {SLOPES: 50}
        assert system.told(a_spec(family="multinomial", classes=4), passive) == {SLOPES: 150}

    def test_are_half_of_the_rows_at_most_before_anybody_knows_them(self) -> None:
        system.check_rows(a_spec(), 4_000)
        with pytest.raises(SpecError, match=r"1,999 can have the rarer .*would tell it 0\.1 equ"):
            system.check_rows(a_spec(), 3_999)

    def test_are_never_beyond_all_counting(self) -> None:
        with pytest.raises(SpecError, match="1e-09"):
            spec.convert({"passive_columns": 2, "label_exposure": 5e-324}, Regression, "job")


class TestBatches:
    @pytest.mark.parametrize(
        "changes", [{"l1_ratio": 0.5}, {"family": "poisson"}, {"family": "tweedie"}]
    )
    def test_are_refused_where_a_line_search_is_needed(self, changes: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=r"takes all rows at once.*set `batches` to 1"):
            a_spec(**changes)
        a_spec(**changes, batches=1)


class TestColumns:
    def check(self, column: np.ndarray, least: int = 20) -> None:
        limits.check_columns(("age", "rare"), np.column_stack([np.arange(200.0), column]), least)

    @pytest.mark.parametrize("rows", [1, 19])
    @pytest.mark.parametrize("common", [0.0, 3.5])
    def test_that_tell_few_rows_from_all_others_are_refused(self, rows: int, common: float) -> None:
        column = np.full(200, common)
        column[:rows] = np.arange(rows) + 7.0
        with pytest.raises(PolicyError, match=rf"column 'rare' \({rows}\), so few of 200 rows"):
            self.check(column)

    def test_pass_where_many_rows_have_other_values(self) -> None:
        column = np.zeros(200)
        column[:20] = 1.0
        self.check(column)
        self.check(1 - column)
        self.check(column, least=1)

    def test_pass_where_all_values_differ(self) -> None:
        self.check(np.random.default_rng(1).normal(size=200))

    def test_of_one_value_tell_nothing(self) -> None:
        self.check(np.zeros(200))  # `scaling.fit` refuses it with better advice


class TestNumbersOfColumns:
    def test_are_those_of_each_passive_party(self) -> None:
        spec = a_spec(passive_columns={"insurer": 4, "bank": 2})
        assert (spec.columns_of("bank"), spec.columns_of("insurer"), spec.most_columns) == (2, 4, 4)
        system.check_parties(spec, ["bank", "insurer"])
        assert a_spec().columns_of("anybody") == 20

    def test_of_other_parties_are_refused(self) -> None:
        spec = a_spec(passive_columns={"insurer": 4})
        with pytest.raises(SpecError, match=r"names insurer, .* job are insurer, bank: give each"):
            system.check_parties(spec, ["insurer", "bank"])
