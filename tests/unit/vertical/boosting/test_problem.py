"""What is to be learnt, and from which rows."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from isthmus.core.errors import JobError, SpecError
from isthmus.vertical.boosting import coding
from isthmus.vertical.boosting.inputs import Randomness, Rows
from isthmus.vertical.boosting.problem import constraints, problem
from isthmus.vertical.boosting.spec import Boosting
from isthmus.vertical.boosting.trees.boost import Problem
from tests.coded import RANDOMNESS, Data, Run, a_data, a_spec

OTHERS = replace(RANDOMNESS, secret=99)


def learnt(
    spec: Boosting, randomness: Randomness = RANDOMNESS, data: Data | None = None
) -> Problem:
    rows = Run(spec, data or a_data()).rows()[0]
    columns = coding.columns(rows.train, spec, randomness.job)
    assigned = coding.assign_codes([columns.facts], constraints(rows, columns), randomness)
    return problem(rows, assigned.book, spec, randomness)


class TestProblem:
    def test_counts_every_row_once_without_weights(self) -> None:
        assert learnt(a_spec()).weight.tolist() == [1.0] * 300

    def test_draws_by_the_seed_of_the_job_where_there_is_no_peer(self) -> None:
        assert learnt(a_spec()).seed == RANDOMNESS.seed

    @pytest.mark.parametrize("sampling", ["all", "uniform", "goss"])
    def test_draws_by_the_secret_seed_of_the_active_party(self, sampling: str) -> None:
        assert learnt(a_spec(sampling=sampling), OTHERS).seed == OTHERS.secret

    def test_holds_rows_back_by_that_seed_too(self) -> None:
        held, again, others = (
            learnt(a_spec(validation_share=0.2), each).held_out
            for each in (OTHERS, replace(OTHERS, seed=6), RANDOMNESS)
        )
        assert held.sum() == 60
        assert np.array_equal(held, again)
        assert not np.array_equal(held, others)

    def test_needs_a_label(self) -> None:
        rows = Run(a_spec(), a_data()).rows()[1]
        with pytest.raises(SpecError, match="needs a `label`"):
            problem(rows, learnt(a_spec()).book, a_spec(), RANDOMNESS)

    def test_needs_rows_for_one_split(self) -> None:
        with pytest.raises(JobError, match="grown on 19 of 19 rows to train on"):
            learnt(a_spec(), data=a_data(train=19))

    @pytest.mark.parametrize(
        "changes",
        [
            {"sampling": "uniform", "row_share": 0.05},
            {"sampling": "goss", "top_share": 0.01, "other_share": 0.01},
            {"forest": True, "row_share": 0.05},
            {"minimum_bin_rows": 151, "minimum_node_rows": 151},
        ],
        ids="-".join,
    )
    def test_needs_rows_for_one_split_in_every_sample(self, changes: dict[str, Any]) -> None:
        with pytest.raises(JobError, match="of 300 rows to train on"):
            learnt(a_spec(**changes))

    def test_needs_rows_that_watch_the_loss(self) -> None:
        with pytest.raises(JobError, match="keeps back 0 of 300 rows, which weigh nothing"):
            learnt(a_spec(validation_share=0.001, patience=1))


class TestConstraints:
    def rows(self, **monotone: int) -> tuple[Rows, coding.Columns]:
        data = a_data().rows(
            (0, 4), {name.replace("_", "-"): way for name, way in monotone.items()}
        )
        return data, coding.columns(data.train, a_spec(), "job")

    def test_are_those_of_the_columns_that_have_one(self) -> None:
        rows, columns = self.rows(column_of_0=-1)
        found = dict(zip(columns.names, constraints(rows, columns).tolist(), strict=True))
        assert found == {"column-of-0": -1, "column-of-4": 0}

    @pytest.mark.parametrize("name", ["column_of_4", "column_of_9"])
    def test_are_refused_on_what_is_no_number(self, name: str) -> None:
        rows, columns = self.rows(**{name: 1})
        with pytest.raises(SpecError, match="is no column of numbers that the active party"):
            constraints(rows, columns)
