"""Benchmarks run, at sizes that say nothing."""

import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from benchmarks import (
    __main__,
    bench_alignment,
    bench_ledger,
    identifiers,
    measurement,
    rivals,
    simulated,
)
from benchmarks.alignments import align_attested, align_cryptographic
from benchmarks.bench_alignment import ATTESTED, JOIN, OBLIVIOUS, RR22, RowCounts
from benchmarks.descent import rounds_of_descent
from benchmarks.elementwise import time_elementwise
from benchmarks.measurement import Measurement
from benchmarks.simulated import ACTIVE, PASSIVE, TEST, Workload
from isthmus.core.errors import SpecError
from isthmus.crypto.encryption import RegressionEncryption
from isthmus.ledger.forecast import Sizes
from isthmus.vertical.regression.encrypted.forecast import forecast
from isthmus.vertical.regression.spec import Regression

COLUMNS = {ACTIVE: 2, PASSIVE: 3}
BFV = RegressionEncryption(scheme="bfv")
GREETING = """
import json, pathlib, sys
cost = dict.fromkeys(["wall", "cpu", "memory", "sent", "shared"], int(sys.argv[1]))
pathlib.Path("cost.json").write_text(json.dumps(cost))
"""
FAILURE = """
import sys, time
sys.exit("no luck") if sys.argv[1] == "fail" else time.sleep(600)
"""
SMALL = Regression(passive_columns=3, max_rounds=3, encryption=BFV)


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
        assert [line.split()[0] for line in lines] == [
            "alignment",
            "boosting",
            "ciphers",
            "faults",
            "fusion",
            "islands",
            "ledger",
            "memory",
            "multilingual",
            "multitask",
            "processes",
            "regression",
            "rounds",
            "scoring",
            "situations",
            "start",
            "suspects",
            "table",
            "tiers",
        ]
        assert all(line.endswith("?") for line in lines)

    def test_names_the_benchmarks_where_there_is_no_such_one(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert __main__.main(["weather"]) == 2
        known = "alignment, boosting, ciphers, faults, fusion, islands, ledger, memory"
        assert f"there are {known}" in capsys.readouterr().err

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
        found = bench_ledger.record(forecast(SMALL, PASSIVE, sizes), tmp_path)
        assert set(found) == {kind.__name__ for kind in simulated.IN_A_ROUND}
        assert found["EncryptedValues"].count == 3


class TestIdentifiers:
    def test_are_all_different_and_half_of_them_shared_in_another_order(self) -> None:
        first, other = identifiers.make(100)
        assert (len(set(first)), len(set(other)), len(set(first) & set(other))) == (100, 100, 50)
        assert {len(identifier) for identifier in first + other} == {identifiers.BYTES}
        shared = set(first) & set(other)
        assert [it for it in first if it in shared] != [it for it in other if it in shared]

    def test_come_back_from_their_files_as_they_were_made(self) -> None:
        with identifiers.written(100) as files:
            assert [identifiers.read(file) for file in files] == identifiers.make(100)


class TestRivalsOfTheirOwn:
    """Rivals with an environment of their own; no rival is installed here."""

    @pytest.fixture
    def program(self, tmp_path: Path) -> Path:
        program = tmp_path / "rival_greeting.py"
        program.write_text(GREETING)
        return program

    def test_tell_what_it_took_each_process(self, program: Path) -> None:
        run = rivals.run(Path(sys.executable), program, [["1"], ["3"]])
        assert [party.sent for party in run.parties] == [1, 3]
        assert (run.wall, run.cpu, run.memory, run.sent) == (3, 4, 3, 4)
        assert run.whole > 0

    def test_that_fail_take_nobody_with_them_and_say_why(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        program = tmp_path / "rival_failure.py"
        program.write_text(FAILURE)
        with pytest.raises(SpecError, match="did not come to an end"):
            rivals.run(Path(sys.executable), program, [["fail"], ["wait"]])
        assert "no luck" in capsys.readouterr().err

    def test_that_cannot_be_installed_are_named_and_left_out(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rivals, "PYTHON", "no-such-python")
        with (
            pytest.raises(SpecError, match=f"{rivals.SPU} could not be installed"),
            rivals.installed(rivals.SPU),
        ):
            pass


@pytest.mark.slow
class TestProcesses:
    def test_align_and_tell_what_it_took_each_party(self) -> None:
        with identifiers.written(300) as files:
            runs = [
                align_attested(files),
                align_cryptographic(files, "oblivious"),
                align_cryptographic(files, "diffie-hellman"),
            ]
            for run in runs:
                assert all(party.sent > 0 and party.memory > 0 for party in run.parties)
                assert [party.shared for party in run.parties] == [150, 150]

    def test_align_and_leave_out_rivals_that_are_not_here(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rivals, "PYTHON", "no-such-python")
        monkeypatch.setattr(bench_alignment, "TRIES", 1)
        counts = RowCounts(300, attested=[200], diffie_hellman=[200], oblivious=[(200, 100)])
        found = bench_alignment.measure(counts, naive_rows=20)
        beside, oblivious, diffie_hellman, attested = found.tables.values()
        assert [row["alignment"] for row in beside] == [ATTESTED, OBLIVIOUS]
        assert attested[0]["rows"] == diffie_hellman[0]["rows"] == "200 x 200"
        assert oblivious[0]["rows"] == "200 x 100"
        assert [note.partition(" was not measured")[0] for note in found.falls_short[:2]] == [
            RR22,
            JOIN,
        ]
