"""How a ServerApp finds the files of who started the run."""

from pathlib import Path

import pytest

from isthmus.core.errors import SpecError
from isthmus.horizontal.flower.run_files import Ending, RunFiles, RunFilesStore

FILES = RunFiles({"job": "/where/job.toml"}, {"clinic": {"party": "/where/clinic.toml"}})


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FLWR_HOME", str(tmp_path))
    return tmp_path / "isthmus"


class TestRunFilesStore:
    def test_who_has_the_number_finds_the_files(self) -> None:
        assert RunFilesStore(RunFilesStore.create(FILES).number).read() == FILES

    def test_nobody_else_can_read_it(self, home: Path) -> None:
        RunFilesStore.create(FILES)
        (file,) = home.iterdir()
        assert home.stat().st_mode & 0o077 == 0
        assert file.stat().st_mode & 0o077 == 0

    def test_each_run_has_its_own_number(self) -> None:
        assert RunFilesStore.create(FILES).number != RunFilesStore.create(FILES).number

    @pytest.mark.parametrize("number", ["", "../" * 5 + "etc/passwd", "0" * 31, "0" * 32 + "\n"])
    def test_a_number_that_is_none_opens_no_file(self, number: str) -> None:
        with pytest.raises(SpecError, match="start it with `isthmus run`"):
            RunFilesStore(number)

    def test_files_of_another_machine_are_explained(self) -> None:
        with pytest.raises(SpecError, match="start `isthmus run` where the SuperLink runs"):
            RunFilesStore("0" * 32).read()

    def test_it_learns_how_the_run_ended(self) -> None:
        store = RunFilesStore.create(FILES)
        assert store.ending() is None
        RunFilesStore(store.number).end(Ending("JobError", "too few"))
        assert store.ending() == Ending("JobError", "too few")

    def test_nothing_stays(self, home: Path) -> None:
        store = RunFilesStore.create(FILES)
        store.end(Ending())
        store.clear()
        assert not list(home.iterdir())
