"""One machine's side of a job: what stops it before anything is sent, and how it is done again."""

from pathlib import Path

import pytest

from isthmus.core.errors import IsthmusError, SpecError
from isthmus.jobs.run import run
from isthmus.ledger.verify import verify
from isthmus.store.runs import Run
from tests.disk import full_disk
from tests.unit.jobs.desk import Desk


class TestRun:
    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ('label = "ill"', 'label = "il"'),
            ("127.0.0.1:7401", "127.0.0.1"),
            ('"insurer.pem"', '"certificate.pem"'),
            ("[identity]", '[policy]\nrefuse = ["Start"]\n\n[identity]'),
        ],
        ids=["data", "address", "certificate", "policy"],
    )
    def test_leaves_nothing_behind_when_something_here_is_wrong(
        self, desk: Desk, old: str, new: str
    ) -> None:
        desk.edit_party("clinic", old, new)
        with pytest.raises(IsthmusError):
            run(desk.job, desk.party_file("clinic"))
        assert not (desk.folder / "clinic" / "runs").exists()

    def test_refuses_a_file_in_the_place_of_its_folder(self, desk: Desk, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(SpecError, match=r"file: cannot be written"):
            run(desk.job, desk.party_file("clinic"), tmp_path / "file")

    def test_refuses_a_folder_in_which_another_process_runs(
        self, desk: Desk, tmp_path: Path
    ) -> None:
        with (
            Run.at(tmp_path / "run").locked(),
            pytest.raises(SpecError, match=r"another process is running this job here"),
        ):
            run(desk.job, desk.party_file("clinic"), tmp_path / "run")
        assert not list((tmp_path / "run").iterdir())

    def test_refuses_a_job_that_trains_nothing(self, desk: Desk) -> None:
        desk.drop_training()
        with pytest.raises(
            SpecError,
            match=r"says nothing of training: add a table \[regression\] or .*`isthmus align`\.",
        ):
            run(desk.job, desk.party_file("clinic"))


class TestFullDisk:
    def test_is_a_sentence_and_the_run_goes_on_once_there_is_room(self, trial: Desk) -> None:
        with full_disk(5_000), pytest.raises(IsthmusError, match=r"no space left|disk is full"):
            trial.both(run)
        for finished in trial.both(run).values():
            assert len(list(finished.folder.parent.glob("trial-*"))) == 1
            assert verify(finished.ledger).sealed
