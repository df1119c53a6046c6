"""Commands that are given too little memory: one sentence, exit code 2, at once."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from isthmus.cli.failures import fail
from isthmus.core import memory
from isthmus.core.errors import OutOfMemoryError, SpecError
from isthmus.core.memory import Room
from isthmus.jobs import check as checking
from isthmus.jobs.explain import explain
from isthmus.jobs.load import make_plan
from isthmus.jobs.run import run

JOB = """
name = "alone"
seed = 7
[data]
train = "people"
[datasets.people]
path = "people.csv"
identifiers = ["id"]
label = "ill"
[baseline]
model = "regression"
family = "binomial"
"""


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """A job of one organisation, with its rows."""
    ages = np.random.default_rng(7).normal(size=200)
    rows = (f"p{row},{row % 2},{age:.3f}" for row, age in enumerate(ages))
    (tmp_path / "people.csv").write_text("\n".join(["id,ill,age", *rows]))
    (tmp_path / "job.toml").write_text(JOB)
    return tmp_path / "job.toml"


def given(monkeypatch: pytest.MonkeyPatch, *rooms: Room) -> None:
    """Let this machine have so much memory, and this process none of it yet."""
    monkeypatch.setattr(memory, "rooms", lambda: list(rooms))
    monkeypatch.setattr(memory, "resident", lambda: 0)


class TestAProcessOfItsOwn:
    @pytest.mark.parametrize("mebibytes", [60, 150, 300, 550])
    def test_is_refused_in_one_line(self, mebibytes: int, job: Path) -> None:
        """Below 200 MB OpenBLAS would end it, then Arrow would hang, then training would fail."""
        # By a shell: between fork and exec, this process may have more memory than the limit.
        limited = f'ulimit -v {mebibytes * 1024}; exec "$0" -m isthmus run "$1"'
        ended = subprocess.run(  # noqa: S603 - our own interpreter and arguments
            ["/bin/sh", "-c", limited, sys.executable, str(job)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ended.returncode == 2
        (line,) = ended.stderr.splitlines()
        assert line.startswith("isthmus: ")
        assert "`ulimit -v`" in line


class TestAJob:
    def test_is_refused_before_it_begins_where_a_firm_limit_is_lower(
        self, job: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        given(monkeypatch, Room(26 * 10**7, "under the limit of this container"))
        for begin in (checking.check, run):
            with pytest.raises(OutOfMemoryError, match=r"expected to take about 27\d.\d MB of mem"):
                begin(job)
        assert not (job.parent / "runs").exists()

    def test_is_warned_of_where_other_programs_have_the_memory(
        self, job: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        given(monkeypatch, Room(0, "on this machine", firm=False))
        ready = checking.check(job).ready
        assert ready is not None
        assert ready.warnings[-1].endswith("end other programs, or bring fewer rows or columns.")

    def test_says_what_it_takes_and_what_there_is(
        self, job: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        given(monkeypatch, Room(10**12, "on this machine", firm=False))
        ready = checking.check(job).ready
        assert ready is not None
        assert ready.facts["memory"].startswith("about 275.")
        assert ready.facts["memory"].endswith(" TB are free on this machine")
        assert explain(make_plan(job)).memory == ready.facts["memory"]

    def test_takes_more_with_more_rows(self, job: Path) -> None:
        few = make_plan(job)
        rows = (f"p{row},{row % 2},{row % 97}" for row in range(20_000))
        (job.parent / "people.csv").write_text("\n".join(["id,ill,age", *rows]))
        many = make_plan(job)
        assert many.loaded.family.peak(many) > few.loaded.family.peak(few) + 20_000 * 8

    def test_names_the_file_that_is_too_large_to_be_read(
        self, job: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        given(monkeypatch, Room(100, "under `ulimit -v`", mapped=True))
        with pytest.raises(
            OutOfMemoryError, match=r"people.csv: reading and checking it takes about .* thr"
        ):
            make_plan(job)


class TestAnError:
    @pytest.mark.parametrize(
        "error", [MemoryError(), pa.ArrowMemoryError("malloc of size 64 failed")]
    )
    def test_of_any_library_is_told_as_ours(
        self, error: Exception, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert fail(error, as_json=False) == 2
        assert capsys.readouterr().err.startswith("isthmus: there was too little memory")

    def test_that_hides_one_is_told_as_one(self, capsys: pytest.CaptureFixture[str]) -> None:
        error: SpecError | None = None
        try:
            try:
                raise pa.ArrowMemoryError("malloc of size 64 failed")
            except pa.ArrowException:
                raise SpecError("the file is not CSV in UTF-8") from None
        except SpecError as caught:
            error = caught
        assert fail(error, as_json=False) == 2
        assert "CSV" not in capsys.readouterr().err

    def test_of_a_process_that_the_system_ended_names_it(self) -> None:
        error = memory.of_process("party 'clinic'", -9)
        assert str(error).startswith("party 'clinic' was ended by SIGKILL")
        assert memory.of_process("party 'clinic'", 1) is None

    def test_of_a_library_counts_only_under_a_limit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        given(monkeypatch)
        assert memory.of_process("it", -6) is None
        given(monkeypatch, Room(1, "under `ulimit -v`", mapped=True))
        assert memory.of_process("it", -6) is not None
