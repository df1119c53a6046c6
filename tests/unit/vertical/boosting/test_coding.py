"""Numbers of columns: opaque, assigned anew per job, the same again for the same data."""

from dataclasses import replace

import numpy as np
import pytest

from isthmus.core.errors import SpecError
from isthmus.data.table import Table
from isthmus.vertical.boosting import coding
from isthmus.vertical.boosting.inputs import Randomness, Rows
from isthmus.vertical.boosting.spec import Boosting

SPEC = Boosting(bins=4)


def a_table(seed: int = 0, names: tuple[str, ...] = tuple("abcdefgh")) -> Table:
    chance = np.random.default_rng(seed)
    x = chance.normal(size=(50, len(names)))
    x[:, -1] = chance.integers(0, 3, 50)
    categories: dict[str, tuple[str, ...]] = {names[-1]: ("x", "y", "z")}
    return Table([b"%d" % row for row in range(50)], x, names, categories=categories)


def names(table: Table, job: str = "job") -> list[str]:
    return list(coding.columns(table, SPEC, job).names)


class TestColumns:
    def test_come_in_an_order_that_is_the_same_for_the_same_job_and_data(self) -> None:
        assert names(a_table()) == names(a_table())
        assert sorted(names(a_table())) == list("abcdefgh")

    def test_come_in_another_order_in_another_job_and_for_other_data(self) -> None:
        orders = {tuple(names(a_table(seed), job)) for seed in range(5) for job in "pqrst"}
        assert len(orders) == 25

    def test_have_the_bins_of_their_owner(self) -> None:
        table = a_table()
        ours = coding.columns(table, SPEC, "job")
        assert ours.facts.categorical.tolist() == [name == "h" for name in ours.names]
        assert ours.facts.bins.tolist() == [4 if name == "h" else 5 for name in ours.names]
        assert np.array_equal(coding.encode(ours.binnings, table), ours.bins)

    def test_are_found_by_name_in_another_table(self) -> None:
        ours, table = coding.columns(a_table(), SPEC, "job"), a_table()
        turned = replace(table, features=table.features[:, ::-1], names=table.names[::-1])
        assert np.array_equal(coding.encode(ours.binnings, turned), ours.bins)

    def test_are_refused_where_one_is_missing(self) -> None:
        ours = coding.columns(a_table(), SPEC, "job")
        with pytest.raises(SpecError, match="7 columns which are not the 8"):
            coding.encode(ours.binnings, a_table(names=tuple("abcdefh")))


class TestFingerprint:
    def test_changes_with_everything_that_is_learnt_from(self) -> None:
        table = a_table()
        every = [
            (table, "job"),
            (table, "another job"),
            (a_table(1), "job"),
            (table.take(np.arange(50)[::-1]), "job"),
            (replace(table, label=np.ones(50)), "job"),
            (replace(table, weight=np.full(50, 2.0)), "job"),
        ]
        found = [
            coding.columns(each, SPEC, "job").fingerprint(Rows(each, each), job)
            for each, job in every
        ]
        assert len(set(found)) == len(every)


class TestDeal:
    def assign(self, randomness: Randomness) -> coding.AssignedCodes:
        parties = [coding.columns(a_table(seed), SPEC, "job").facts for seed in range(3)]
        return coding.assign_codes(parties, np.array([1, -1, 0, 0, 0, 0, 0, 0]), randomness)

    def test_gives_every_column_a_number(self) -> None:
        assigned = self.assign(Randomness(1, "job"))
        assert sorted(np.concatenate(assigned.codes).tolist()) == list(range(24))
        assert all((np.diff(codes) > 0).all() for codes in assigned.codes)

    def test_says_of_each_number_whose_it_is_and_what_it_is_like(self) -> None:
        assigned = self.assign(Randomness(1, "job"))
        for party, codes in enumerate(assigned.codes):
            facts = coding.columns(a_table(party), SPEC, "job").facts
            assert (assigned.book.owner[codes] == party).all()
            assert np.array_equal(assigned.book.bins[codes], facts.bins)
            assert np.array_equal(assigned.book.categorical[codes], facts.categorical)
        assert assigned.book.monotone[assigned.codes[0]].tolist() == [1, -1, 0, 0, 0, 0, 0, 0]
        assert not assigned.book.monotone[np.concatenate(assigned.codes[1:])].any()

    def test_is_the_same_again_for_the_same_job_only(self) -> None:
        owners = [
            tuple(self.assign(randomness).book.owner.tolist())
            for randomness in (
                Randomness(1, "job"),
                Randomness(1, "job"),
                Randomness(2, "job"),
                Randomness(1, "jab"),
            )
        ]
        assert owners[0] == owners[1]
        assert len(set(owners)) == 3
