"""The benchmark of who is named runs, at sizes that say nothing."""

import numpy as np
from sklearn import datasets

from benchmarks import bench_suspects
from benchmarks.bench_suspects import CONDITIONS, Case, Named, Sizes, shortfalls
from benchmarks.federation import Dataset, Descent, Samples
from isthmus.core.errors import SpecError

SIZES = Sizes(
    seeds={"blobs": (0,)}, divisions=((10, 0.5),), rounds=4, processes=1, descent=Descent(steps=1)
)


def small() -> Dataset:
    inputs, classes = datasets.make_blobs(300, 5, centers=10, random_state=0)
    samples = Samples((inputs / 10).astype(np.float32), classes.astype(np.int64))
    return Dataset(samples, root=40, test=60, fewest=1)


def absent() -> Dataset:
    raise SpecError("it is not there")


class TestMeasure:
    def test_has_a_table_for_each_data_set_that_is_there(self) -> None:
        found = bench_suspects.measure(SIZES, {"blobs": small, "letters": absent})
        (row,) = found.tables["Named of the faulty, and of the honest children, blobs"]
        assert row.keys() == {"children", "Dirichlet", *CONDITIONS}
        assert str(row["no fault"]).endswith(" of 10")
        assert "letters was left out: it is not there" in found.falls_short

    def test_names_the_aims_that_were_missed(self) -> None:
        cases = {
            Case("digits", 10, 0.5, "no fault", 0): Named(0, 0, 1, 10),
            Case("digits", 10, 0.5, "label flip 30%", 0): Named(2, 3, 0, 7),
            Case("digits", 10, 0.5, "sign flip 30%", 0): Named(3, 3, 0, 7),
        }
        assert shortfalls(cases) == [
            "no fault: 1 of 10 honest ones are named.",
            "label flip 30%: 1 of 3 faulty ones are not named. Who is not named is not cleared.",
        ]
