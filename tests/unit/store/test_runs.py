"""The folder of one run."""

import re
import stat
import threading
from pathlib import Path

import msgspec
import numpy as np
import pytest

from isthmus.core.errors import SpecError
from isthmus.store.runs import Run, candidates, find

DIGEST = "0123456789abcdef"


class Result(msgspec.Struct):
    auc: float
    rows: int


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


class TestCreate:
    def test_names_the_folder_after_job_time_and_digest(self, tmp_path: Path) -> None:
        run = Run.create(tmp_path / "runs", "readmission", DIGEST)
        assert re.fullmatch(r"readmission-\d{8}-\d{6}-012345", run.folder.name)

    def test_never_takes_a_folder_twice(self, tmp_path: Path) -> None:
        runs = [Run.create(tmp_path, "readmission", DIGEST) for _ in range(3)]
        assert len({run.folder for run in runs}) == 3

    def test_is_private(self, tmp_path: Path) -> None:
        run = Run.create(tmp_path / "runs", "readmission", DIGEST)
        run.write_json("result.json", 1)
        assert (mode(run.folder.parent), mode(run.folder)) == (0o700, 0o700)
        assert mode(run.result) == 0o600

    def test_latest_follows_by_a_relative_link(self, tmp_path: Path) -> None:
        Run.create(tmp_path, "first", DIGEST)
        second = Run.create(tmp_path, "second", DIGEST)
        assert (tmp_path / "latest").readlink() == Path(second.folder.name)

    @pytest.mark.parametrize("name", ["../elsewhere", "/etc", "", ".hidden", "a b"])
    def test_a_job_name_cannot_lead_out_of_the_folder(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(SpecError, match="cannot be part of a file name"):
            Run.create(tmp_path, name, DIGEST)

    def test_a_folder_that_cannot_be_written_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "runs").write_text("a file")
        with pytest.raises(SpecError, match=r"runs: cannot be written.*Choose another"):
            Run.create(tmp_path / "runs", "readmission", DIGEST)


class TestJson:
    def test_comes_back_as_it_was_written(self, tmp_path: Path) -> None:
        Run(tmp_path).write_json("result.json", Result(auc=0.75, rows=12))
        assert Run(tmp_path).read_json("result.json", Result) == Result(auc=0.75, rows=12)

    def test_takes_numbers_of_numpy(self, tmp_path: Path) -> None:
        Run(tmp_path).write_json("result.json", {"auc": np.float64(0.5), "rows": np.int64(3)})
        assert Run(tmp_path).read_json("result.json", Result) == Result(auc=0.5, rows=3)

    def test_a_failed_write_leaves_the_old_file_and_nothing_else(self, tmp_path: Path) -> None:
        run = Run(tmp_path)
        run.write_json("result.json", 1)
        with pytest.raises(TypeError):
            run.write_json("result.json", object())
        assert [path.name for path in tmp_path.iterdir()] == ["result.json"]
        assert run.read_json("result.json", int) == 1

    def test_a_missing_file_asks_whether_the_run_has_finished(self, tmp_path: Path) -> None:
        with pytest.raises(SpecError, match="Has this run finished"):
            Run(tmp_path).read_json("result.json", Result)

    def test_a_broken_file_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "result.json").write_text('{"auc": "high"}')
        with pytest.raises(SpecError, match=r"result\.json: is not the Result of a run"):
            Run(tmp_path).read_json("result.json", Result)


class TestFind:
    @pytest.fixture
    def run(self, tmp_path: Path) -> Run:
        run = Run.create(tmp_path / "runs", "readmission", DIGEST)
        run.ledger.touch()
        return run

    def test_takes_a_run_a_folder_of_runs_or_the_link(self, run: Run) -> None:
        runs = run.folder.parent
        for path in (run.folder, runs, runs / "latest"):
            assert find(path).folder == run.folder

    def test_a_folder_without_runs_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(SpecError, match="holds no run"):
            find(tmp_path)

    def test_a_link_to_a_removed_run_is_not_a_run(self, run: Run) -> None:
        run.ledger.unlink()
        run.folder.rmdir()
        with pytest.raises(SpecError, match="holds no run"):
            find(run.folder.parent)

    @pytest.mark.parametrize("path", ["x" * 5_000, "a\0b"], ids=["too long", "zero byte"])
    def test_refuses_a_path_that_can_be_none(self, path: str) -> None:
        with pytest.raises(SpecError, match="holds no run"):
            find(Path(path))


class TestCandidates:
    def test_are_one_run_where_a_run_is_named(self, tmp_path: Path) -> None:
        run = Run.create(tmp_path, "job", "ab" * 32)
        run.events.touch()
        assert [each.folder for each in candidates(run.folder)] == [run.folder]

    def test_are_all_in_a_folder_of_runs_the_newest_first(self, tmp_path: Path) -> None:
        runs = [Run.create(tmp_path, job, "ab" * 32) for job in ("b", "a", "a")]
        runs[-1].events.touch()
        older = tmp_path / "z-20200101-000000-ababab"
        older.mkdir()
        (tmp_path / "exposure.jsonl").touch()
        found = [each.folder for each in candidates(tmp_path)]
        assert found[0] == runs[-1].folder
        assert found[-1] == older
        assert len(found) == 4

    def test_are_those_left_where_the_latest_was_removed(self, tmp_path: Path) -> None:
        first, last = (Run.create(tmp_path, "job", "ab" * 32) for _ in range(2))
        last.folder.rmdir()
        assert [each.folder for each in candidates(tmp_path)] == [first.folder]


class TestAt:
    def test_makes_the_folder_for_its_owner_only(self, tmp_path: Path) -> None:
        run = Run.at(tmp_path / "a" / "b")
        assert mode(run.folder) == 0o700
        assert Run.at(run.folder).folder == run.folder

    def test_says_that_there_is_a_file_in_its_place(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(SpecError, match=r"file: cannot be written: File exists"):
            Run.at(tmp_path / "file")


class TestLocked:
    def test_keeps_a_second_one_out_while_the_first_runs(self, tmp_path: Path) -> None:
        with (
            Run(tmp_path).locked(),
            pytest.raises(SpecError, match=r"another process is running this job here"),
            Run(tmp_path).locked(),
        ):
            pytest.fail("both are in")
        with Run(tmp_path).locked():
            assert not list(tmp_path.iterdir())  # it leaves nothing behind


class TestInTurn:
    def test_lets_one_process_after_the_other_at_it(self, tmp_path: Path) -> None:
        at_it = list[str]()

        def second() -> None:
            with Run(tmp_path).in_turn():
                at_it.append("second")

        waiting = threading.Thread(target=second)
        with Run(tmp_path).in_turn():
            waiting.start()
            waiting.join(0.1)
            at_it.append("first")
        waiting.join()
        assert at_it == ["first", "second"]
