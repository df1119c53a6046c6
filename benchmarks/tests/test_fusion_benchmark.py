"""The benchmark of fusion rules runs, at sizes that say nothing."""

import numpy as np
import pytest
from sklearn import datasets

from benchmarks import bench_fusion, fusion_contest
from benchmarks.bench_fusion import CONDITIONS, Sizes, shortfalls
from benchmarks.federation import Dataset, Descent, Federation, Samples, Setting, digits
from benchmarks.fusion_contest import FEDAVG, FLTRUST, NAMES, ORACLE, RESIDUAL, ROOT_ONLY
from isthmus.core.errors import SpecError

SIZES = Sizes(
    seeds=(0,), alphas=(0.5,), rounds=2, processes=1, descent=Descent(steps=1), hidden=(2,)
)


def small() -> Dataset:
    inputs, classes = datasets.make_blobs(300, 5, centers=10, random_state=0)
    samples = Samples((inputs / 10).astype(np.float32), classes.astype(np.int64))
    return Dataset(samples, root=40, test=60, fewest=1)


def absent() -> Dataset:
    raise SpecError("it is not there")


class TestMeasure:
    def test_has_a_table_for_each_data_set_that_is_there(self) -> None:
        found = bench_fusion.measure(SIZES, {"blobs": small, "letters": absent})
        table = found.tables["Test accuracy, blobs, Dirichlet 0.5"]
        assert [row["rule"] for row in table] == list(NAMES)
        assert table[0].keys() == {"rule", *CONDITIONS}
        assert "letters was left out: it is not there" in found.falls_short
        assert {row["rule"] for row in found.tables["What a round costs the master"]} >= {RESIDUAL}

    def test_names_the_aims_that_were_missed(self) -> None:
        reached = {FEDAVG: 90.0, ORACLE: 90.0, FLTRUST: 80.0, ROOT_ONLY: 70.0}
        cases = {
            ("digits", 0.5, "clean", 0): reached | {RESIDUAL: 89.0},
            ("digits", 0.5, "noise 30%", 0): reached | {RESIDUAL: 89.5},
            ("digits", 0.1, "noise 30%", 0): reached | {RESIDUAL: 79.0},
        }
        assert shortfalls(cases) == [
            "digits, 0.1, noise 30%: 1.0 points below fltrust",
            "0.1: no gain over fedavg in 1 of 1 trainings",
            "digits, 0.5, clean: 1.0 points below fedavg",
        ]


class TestFederation:
    def test_spreads_all_samples_that_are_not_the_masters_over_the_children(self) -> None:
        dataset = digits()
        federation = Federation(dataset, Setting(0.1), 0)
        rest = len(dataset.samples.classes) - dataset.root - dataset.test
        assert federation.counts.sum() == rest
        assert federation.counts.min() >= dataset.fewest

    def test_turns_the_sign_of_the_updates_of_faulty_children(self) -> None:
        honest, faulty = (
            Federation(small(), Setting(0.5, fault, 0.3), 0) for fault in ("none", "sign_flip")
        )
        start = honest.initial()
        sent = faulty.train(start, 1, Descent(steps=1))
        sent[faulty.faulty] *= -1
        assert faulty.faulty.sum() == 3
        assert sent == pytest.approx(honest.train(start, 1, Descent(steps=1)))

    def test_judges_as_its_gradient_says(self) -> None:
        federation = Federation(small(), Setting(0.5), 0, hidden=3)
        start = federation.initial()
        step = np.zeros((2, federation.size), np.float32)
        step[:, 7] = -0.01, 0.01
        low, high = federation.judge(start, step).loss
        slope = federation.loss_gradient(start, np.zeros(federation.size, np.float32))[7]
        assert slope == pytest.approx((high - low) / 0.02, rel=0.05)


class TestContest:
    @pytest.mark.parametrize("name", NAMES)
    def test_learns_something_by_every_rule(self, name: str) -> None:
        federation = Federation(small(), Setting(0.5), 0)
        before = federation.accuracy(federation.initial())
        reached = fusion_contest.accuracy(federation, name, 6, Descent(steps=4, rate=0.01))
        assert reached > before
