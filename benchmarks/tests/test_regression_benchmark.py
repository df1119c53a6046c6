"""The benchmark of regression runs, at sizes that say nothing; no rival is installed here."""

import re
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import numpy as np
import pytest

from benchmarks import (
    bench_regression,
    far_networks,
    regression_accuracy,
    regression_aims,
    regression_attacks,
    regression_jobs,
    regression_ray,
    regression_rivals,
    regression_tables,
    simulated,
)
from benchmarks.bench_regression import BFV
from benchmarks.elementwise import Elementwise
from benchmarks.measurement import Row
from benchmarks.pace import Course, Mark
from benchmarks.regression_accuracy import AUC, COEFFICIENTS, Case
from benchmarks.regression_jobs import Spent, Trained, train
from benchmarks.regression_notes import Sizes
from benchmarks.regression_rivals import SSLR, Fitted, Rival
from benchmarks.regression_tables import (
    CLEAR,
    CPU,
    ELEMENTWISE,
    ENCRYPTED,
    OU,
    SHARED,
    SHARED_SOONER,
    Beside,
)
from benchmarks.simulated import ACTIVE, PASSIVE, TEST, TRAIN, Workload
from isthmus.core.errors import SpecError
from isthmus.crypto.encryption import RegressionEncryption
from isthmus.vertical.regression.spec import Regression

COLUMNS = {ACTIVE: 2, PASSIVE: 2}
SPEC = Regression(passive_columns=2, max_rounds=3, encryption=BFV)
SIZES = Sizes(
    rounds=3,
    few_rounds=3,
    made_up={600: 2},
    tests=120,
    elementwise=(5, 512),
    numbers=RegressionEncryption("okamoto-uchiyama", 2048),  # and 1024 by the environment
)


def took(wall: float, cpu: float) -> Fitted:
    return Fitted(10, Spent(wall, cpu), Spent(wall / 10, cpu / 10), 5_000_000, 0.7)


def this_python() -> AbstractContextManager[Path]:
    return nullcontext(Path(sys.executable))


@contextmanager
def nowhere(*_: object) -> Iterator[Path]:
    raise SpecError("it is not here.")
    yield


@pytest.fixture(scope="module")
def workload(tmp_path_factory: pytest.TempPathFactory) -> Workload:
    return simulated.synthetic(600, COLUMNS, tmp_path_factory.mktemp("rows"))


@pytest.fixture(scope="module")
def trained(workload: Workload) -> Trained:
    return train(workload, SPEC)


@pytest.mark.slow
class TestTraining:
    def test_tells_what_it_took_both_parties(self, trained: Trained) -> None:
        assert trained.rounds == 3
        assert trained.fit.wall > 2 * trained.round.wall > 0
        assert trained.fit.cpu > 2 * trained.round.cpu > 0
        assert trained.first_round.cpu == pytest.approx(trained.fit.cpu - 2 * trained.round.cpu)
        for party in COLUMNS:
            before, most = trained.memory(party)
            assert 0 < before <= most
        assert trained.sent > 3 * 50_000  # keys and ciphertexts

    def test_in_the_clear_gives_the_same_model_and_sends_less(
        self, workload: Workload, trained: Trained
    ) -> None:
        clear = train(workload, SPEC, "clear")
        for party in COLUMNS:
            assert clear.parts[party].columns == trained.parts[party].columns
        assert clear.sent < trained.sent / 4

    def test_that_takes_too_long_is_ended(
        self, workload: Workload, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(regression_jobs, "PATIENCE", 0.0)
        with pytest.raises(SpecError, match="late"):
            train(workload, SPEC)

    def test_has_a_table_for_each_question(
        self, workload: Workload, trained: Trained, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def absent() -> Workload:
            raise SpecError("the real rows are not here.")

        monkeypatch.setattr(bench_regression, "train", lambda *_, **__: trained)
        monkeypatch.setattr(far_networks, "two", nowhere)
        monkeypatch.setattr(regression_ray, "cluster", nowhere)
        monkeypatch.setattr(regression_attacks, "table", lambda _: [])
        contenders = {"fast": Rival(this_python, lambda *_: took(1, 1)), SSLR: Rival(nowhere, None)}  # type: ignore[arg-type]
        found = bench_regression.measure(
            SIZES, contenders, absent, lambda _: [Case(workload, [SPEC])]
        )
        names = [row["by"] for row in found.tables[f"A training, {workload.name}"]]
        assert names[:4] == [CLEAR, ENCRYPTED, SHARED, SHARED_SOONER]
        assert names[-2:] == [f"{ELEMENTWISE}512", "fast"]
        (more,) = found.tables["More rows"]
        assert (more["rows"], more["columns"], more["rounds"]) == (600, "2+2", 3)
        assert found.tables["Accuracy"][-1]["rounds"] == 3
        assert [row["computed by"] for row in found.tables["Worker processes"]] == [
            "1 local",
            "2 local",
        ]
        assert "A slow line" not in found.tables
        assert found.falls_short[:4] == [
            "the real rows are not here.",
            f"{SSLR} was not measured: it is not here.",
            "A slow line was not measured: it is not here.",
            "Workers on Ray were not measured: it is not here.",
        ]


class TestRivals:
    def test_are_measured_from_before_the_first_pass(self) -> None:
        first = Course([Mark(10, 1, 100), Mark(14, 2, 200), Mark(16, 4, 260)], 0.7)
        other = Course([Mark(11, 1, 0), Mark(15, 3, 40), Mark(17, 4, 40)], 0.7)
        found = regression_rivals.fitted([first, other])
        assert found == Fitted(2, Spent(6, 6), Spent(3, 3), 200, 0.7)

    def test_that_add_single_numbers_are_reckoned_up(self) -> None:
        rival = Elementwise(512, 5, encryption=1.0, product=0.5, decryption=2.0)
        found = regression_tables.elementwise(rival, rows=10, columns=4, rounds=3)
        assert found.fit.cpu == 3 * (10 * (1.0 + 4 * 0.5) + 4 * 2.0)


class TestAccuracy:
    def test_of_one_class_has_the_same_rows_and_another_label(
        self, workload: Workload, tmp_path: Path
    ) -> None:
        turned = regression_accuracy.one_against_the_rest(workload, 0, tmp_path)
        for part in (TRAIN, TEST):
            before, after = workload.rows(ACTIVE, part), turned.rows(ACTIVE, part)
            assert np.array_equal(before.features, after.features)
            assert before.label is not None
            assert after.label is not None
            assert np.array_equal(after.label, 1 - before.label)

    def test_of_the_example_is_on_the_rows_that_both_parties_have(self, tmp_path: Path) -> None:
        rows = regression_accuracy.health(tmp_path)
        sizes = {part: len(rows.rows(ACTIVE, part)) for part in (TRAIN, TEST)}
        assert sizes[TRAIN] + sizes[TEST] > 10_000
        assert sizes[TEST] == sum(sizes.values()) // 5
        for part in sizes:
            active, passive = (rows.rows(party, part) for party in (ACTIVE, PASSIVE))
            assert active.identifiers == passive.identifiers

    @pytest.mark.slow
    def test_compares_coefficients_and_predictions(
        self, workload: Workload, trained: Trained
    ) -> None:
        (row,) = regression_accuracy.table([Case(workload, [SPEC])], lambda *_: trained)
        assert float(row[COEFFICIENTS]) < 0.01
        assert float(row[AUC]) < 0.001
        assert row["AUC"] == pytest.approx(trained.auc)


class TestAttacks:
    def test_on_rare_labels_and_flags_are_refused(self) -> None:
        assert regression_attacks.rare_labels().startswith("refused by the job; else 2")
        assert regression_attacks.flags() == "refused by the passive party"

    def test_on_labels_find_no_more_than_own_coefficients(self) -> None:
        said = regression_attacks.most_labels(rows=600, share=0.5, columns=29)
        attacked, own = (float(number) for number in re.findall(r"\d\.\d+", said))
        assert 0.5 < attacked < own + 0.03


class TestAims:
    def test_compare_with_the_clear_with_numbers_and_with_shares(self) -> None:
        fits = {
            CLEAR: took(1, 1),
            ENCRYPTED: took(4, 2),
            SHARED: took(6, 3),
            OU + "gmpy2": took(90, 80),
            OU + "kernel": took(20, 20),
            SSLR: took(5, 5),
        }
        missed = regression_aims.missed([Beside("credit", fits)], [], [])
        assert [text.removeprefix("credit: ") for text in missed] == [
            "`encrypted` takes 4 times the seconds of the same training in the clear; the aim is "
            "3.",
            "`encrypted` takes 10 times less CPU under BFV than under Okamoto-Uchiyama-3072 by "
            "kernel; the aim is 30.",
            "`shared` takes 3 CPU s; the aim is 2.",
            "`shared` takes 6 s, SS-LR 5 s with its dealer; the aim is to be faster.",
        ]

    def test_look_at_the_largest_difference_of_auc(self) -> None:
        rows: list[Row] = [
            {"rows": "credit", "level": "encrypted", AUC: 0.0009},
            {"rows": "breast", "level": "shared", AUC: 0.002},
        ]
        (missed,) = regression_aims.missed([], [], rows)
        assert missed == (
            "breast, `shared`: AUC differs by 0.002 from scikit-learn's; the aim is 0.001."
        )

    def test_look_at_rounds_over_many_rows_and_whether_they_grow_with_rows(self) -> None:
        rows: list[Row] = [
            {"rows": 100_000, "columns": "30+30", CPU: 0.4},
            {"rows": 200_000, "columns": "30+30", CPU: 1.2},
            {"rows": 1_000_000, "columns": "30+30", CPU: 6.0},
            {"rows": 2_000_000, "columns": "20+20", CPU: 6.0},
        ]
        assert regression_aims.missed([], rows, []) == [
            "200,000 made-up rows take 1.5 times the CPU s per cell of fewer; the aim is 1.25.",
            "1,000,000 made-up rows: 6 CPU s a round; the aim is 5.",
            "1,000,000 made-up rows take 1.5 times the CPU s per cell of fewer; the aim is 1.25.",
        ]
