"""Benchmarks run, at sizes that say nothing."""

import json
from pathlib import Path
from types import ModuleType

import pytest

from benchmarks import (
    __main__,
    bench_alignment,
    bench_ledger,
    bench_regression,
    measurement,
    simulated,
)
from benchmarks.descent import rounds_of_descent
from benchmarks.elementwise import time_elementwise
from benchmarks.measurement import Measurement
from benchmarks.simulated import ACTIVE, PASSIVE, TEST, Workload
from isthmus.core.errors import SpecError
from isthmus.ledger.forecast import Sizes
from isthmus.vertical.regression import Regression
from isthmus.vertical.regression.forecast import forecast
from isthmus.vertical.regression.spec import Encryption

COLUMNS = {ACTIVE: 2, PASSIVE: 3}
WEAK = Encryption(key_bits=1024)
SMALL = Regression(passive_columns=3, max_rounds=3, encryption=WEAK)


@pytest.fixture
def workload(tmp_path: Path) -> Workload:
    return simulated.synthetic(600, COLUMNS, tmp_path)


@pytest.fixture
def answered() -> ModuleType:
    module = ModuleType("bench_age", "How old is it?\n\nSecond line.")
    found = Measurement("42.", {"By decade": [{"decade": "last", "years": 4321.0}]}, ["Counted."])
    vars(module)["measure"] = lambda: found
    return module


class TestCommand:
    def test_lists_the_question_of_every_benchmark(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert __main__.main([]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert [line.split()[0] for line in lines] == ["alignment", "ledger", "regression"]
        assert all(line.endswith("?") for line in lines)

    def test_names_the_benchmarks_where_there_is_no_such_one(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert __main__.main(["weather"]) == 2
        assert "there are alignment, ledger, regression" in capsys.readouterr().err

    def test_prints_one_line_of_json_and_writes_a_page(
        self,
        answered: ModuleType,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setattr(measurement, "RESULTS", tmp_path / "results")
        __main__.run("age", answered)
        line = json.loads(capsys.readouterr().out)
        assert (line["benchmark"], line["found"]["answer"]) == ("age", "42.")
        page = (tmp_path / "results" / "age.md").read_text()
        assert page.startswith("# How old is it?\n\n42.\n")
        assert "| decade | years |\n| --- | --- |\n| last | 4,321 |" in page
        assert "`make bench NAME=age`" in page


class TestCircumstances:
    def test_tell_what_was_measured_and_not_whose_machine_it_is(self) -> None:
        where = measurement.circumstances()
        assert where.cores >= 1
        assert set(where.versions) == {"python", *measurement.LIBRARIES}
        assert not {"host", "user", "path"} & set(vars(where))


class TestWorkload:
    def test_has_the_same_rows_in_the_same_order_at_both_parties(self, workload: Workload) -> None:
        active, passive = (workload.training_rows(party) for party in COLUMNS)
        assert active.identifiers == passive.identifiers
        assert (active.features.shape, passive.features.shape) == ((600, 2), (600, 3))
        assert workload.files[PASSIVE, TEST].is_file()

    def test_says_how_to_get_data_that_is_not_here(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ISTHMUS_DATA", str(tmp_path))
        with pytest.raises(SpecError, match="Set ISTHMUS_DATA"):
            simulated.default_credit()


class TestRivals:
    def test_elementwise_paillier_costs_more_for_more_rows(self, workload: Workload) -> None:
        rival = time_elementwise(workload.training_rows(PASSIVE), rows=5, bits=512)
        assert 0 < rival.round(10, 3) < rival.round(20, 3)

    def test_descent_with_momentum_arrives_or_is_given_up(self, workload: Workload) -> None:
        active, passive = (workload.training_rows(party) for party in COLUMNS)
        rounds = rounds_of_descent(active, passive, SMALL, 0.9, most=1_000)
        assert rounds is not None
        assert rounds_of_descent(active, passive, SMALL, 0.9, most=rounds - 1) is None

    def test_naive_alignment_and_a_join_find_the_shared_half(self) -> None:
        assert bench_alignment.time_naive(20) > 0
        assert bench_alignment.time_join(20) > 0


class TestLedger:
    def test_records_what_belongs_to_a_round_and_nothing_else(self, tmp_path: Path) -> None:
        sizes = Sizes(dict.fromkeys(COLUMNS, 600), 600, 600, 1, {}, rounds=3)
        found = bench_ledger.record(forecast(SMALL, sizes), tmp_path)
        assert set(found) == {kind.__name__ for kind in simulated.IN_A_ROUND}
        assert found["Residuals"].count == 3


@pytest.mark.slow
class TestProcesses:
    def test_align_and_tell_what_it_took_each_party(self) -> None:
        assert all(party.sent > 0 and party.memory > 0 for party in bench_alignment.align(300))

    def test_train_and_leave_out_data_that_is_not_here(self) -> None:
        def absent() -> Workload:
            raise SpecError("the real rows are not here.")

        found = bench_regression.measure(600, COLUMNS, WEAK, 3, (5, 512), absent)
        (cost,), (course,) = found.tables["A round"], found.tables["Training"]
        assert cost["MB sent"] == pytest.approx(0.09, abs=0.03)
        assert course["rounds to tolerance"] == "> 3"
        assert found.falls_short[0] == "the real rows are not here."
