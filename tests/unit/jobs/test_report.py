"""The page about a finished run: what it is made of, and where it goes."""

import shutil
from pathlib import Path

import msgspec
import pytest

from isthmus.core.errors import DiskError, SpecError
from isthmus.jobs import finished, report
from isthmus.jobs.aligned import family as aligned
from isthmus.store.runs import Run
from tests.disk import full_disk


@pytest.fixture
def clinic(simulated: Run, tmp_path: Path) -> Run:
    """A copy of the active party's finished run."""
    return Run(Path(shutil.copytree(simulated.folder / "clinic", tmp_path / "clinic")))


class TestWrite:
    @pytest.mark.parametrize("name", ["result.json", "model.json"])
    def test_needs_a_finished_run(self, clinic: Run, name: str) -> None:
        (clinic.folder / name).unlink()
        with pytest.raises(SpecError, match=rf"{name}: cannot be read.*Has this run finished"):
            report.write(clinic)

    def test_refuses_a_result_that_is_none(self, clinic: Run) -> None:
        clinic.result.write_text('{"job": 3}')
        with pytest.raises(SpecError, match=r"result\.json: is not the Result of a run"):
            report.write(clinic)

    def test_says_that_the_run_itself_has_finished_where_there_is_no_room(
        self, clinic: Run
    ) -> None:
        with full_disk(), pytest.raises(DiskError, match=r"but the run itself has finished\. Make"):
            report.write(clinic)


def no_page(*_: object) -> str:
    raise LookupError("no page")


class TestAttempt:
    def test_leaves_a_finished_run_that_says_why_it_has_no_page(
        self, clinic: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clinic.report.unlink()
        monkeypatch.setattr(aligned, "page", no_page)
        why = report.attempt(clinic)
        assert why == "LookupError: this is a bug in isthmus, please report it"
        assert finished.read(clinic).missing == {"report": why}
        assert ("no report", why) in finished.summary(clinic).facts

    def test_leaves_a_finished_run_where_there_is_no_room_for_a_page(self, clinic: Run) -> None:
        clinic.report.unlink()
        result = finished.read(clinic)
        with full_disk():
            why = report.attempt(clinic)
        assert why is not None
        assert "but the run itself has finished" in why
        assert finished.read(clinic) == result
        assert ("no report", f"run `isthmus report {clinic.folder}`") in finished.summary(
            clinic
        ).facts

    def test_shows_on_the_page_what_is_missing(self, clinic: Run) -> None:
        result = finished.read(clinic)
        missing = {"leakage.cluster_auc": "this machine has too little memory for it"}
        clinic.write_json(clinic.result.name, msgspec.structs.replace(result, missing=missing))
        assert report.attempt(clinic) is None
        said = "No <code>leakage.cluster_auc</code>: this machine has too little memory for it"
        assert said in clinic.report.read_text()


class TestWriteAll:
    def test_writes_the_page_of_every_party_of_a_simulated_run(
        self, simulated: Run, tmp_path: Path
    ) -> None:
        folder = Path(shutil.copytree(simulated.folder, tmp_path / "run"))
        pages = [folder / party / "report.html" for party in ("clinic", "insurer")]
        for page in pages:
            page.unlink()
        assert report.write_all(folder) == pages
        assert all(page.exists() for page in pages)

    def test_says_where_there_is_no_run(self, tmp_path: Path) -> None:
        with pytest.raises(SpecError, match=r"holds no run. Give a run folder"):
            report.write_all(tmp_path)
