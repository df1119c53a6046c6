"""One machine's side of a job: what stops it before anything is sent, and how it is done again."""

from pathlib import Path

import pytest

from isthmus.core.errors import ChannelError, DiskError, IsthmusError, SpecError
from isthmus.core.telemetry import Event
from isthmus.jobs.check import check
from isthmus.jobs.run import FINISHED, align, run
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


class TestFinished:
    """The same command, once more."""

    def test_run_stays_finished_and_waits_for_nobody(self, trial: Desk) -> None:
        trial.edit_job("passive_columns = 2", "passive_columns = 2\nmax_rounds = 2")
        ended = trial.both(run)
        sent = {party: each.ledger.read_bytes() for party, each in ended.items()}
        latest = trial.folder / "clinic" / "runs" / "latest"
        assert latest.resolve() == ended["clinic"].folder
        for party, before in ended.items():
            seen = list[Event]()
            before.report.unlink()  # as where it was killed between result and report
            found = run(trial.job, trial.party_file(party), watch=seen.append)
            assert found.folder == before.folder
            assert found.report.exists()
            assert found.ledger.read_bytes() == sent[party]
            note = f"this run is finished: {before.folder}; `--again` begins another one"
            assert [(event.stage, event.note[: len(note)]) for event in seen] == [(FINISHED, note)]
            assert len(list(before.folder.parent.glob("trial-*"))) == 1

    def test_run_of_other_data_is_another_one(self, trial: Desk) -> None:
        trial.edit_job("passive_columns = 2", "passive_columns = 2\nmax_rounds = 2")
        trial.both(run)
        trial.edit_party("insurer", "wait = 30.0", "wait = 0.1")
        file = trial.folder / "insurer" / "people.csv"
        head, *rows, last = file.read_text().splitlines()
        file.write_text("\n".join([head, *rows, last + "1"]))  # one digit more of one value
        with pytest.raises(ChannelError, match="'clinic' did not answer"):
            run(trial.job, trial.party_file("insurer"))

    @pytest.mark.parametrize("file", ["start.json", "job.json"])
    def test_run_that_somebody_has_changed_is_no_reason_to_train_again(
        self, trial: Desk, file: str
    ) -> None:
        trial.edit_job("passive_columns = 2", "passive_columns = 2\nmax_rounds = 2")
        ended = trial.both(run)["clinic"]
        (ended.folder / file).write_text("{")
        clinic = trial.party_file("clinic")
        for verb in (check, run):
            with pytest.raises(
                SpecError, match=rf"{file}: was changed, .*another run with `--agai"
            ):
                verb(trial.job, clinic)
        trial.edit_party("clinic", "wait = 30.0", "wait = 0.1")
        with pytest.raises(ChannelError, match="'insurer' did not come"):  # it begins another one
            run(trial.job, clinic, again=True)
        assert ended.result.exists()

    def test_alignment_stays_finished_and_is_no_run(self, trial: Desk) -> None:
        before = trial.both(align)["clinic"]
        assert align(trial.job, trial.party_file("clinic")).folder == before.folder
        trial.edit_party("clinic", "wait = 30.0", "wait = 0.1")
        with pytest.raises(ChannelError, match="'insurer' did not come"):
            run(trial.job, trial.party_file("clinic"))
        # Nobody has come, so the latest run is still the alignment, which is finished.
        assert (trial.folder / "clinic" / "runs" / "latest").resolve() == before.folder
        assert align(trial.job, trial.party_file("clinic")).folder == before.folder

    def test_run_in_a_folder_of_our_choice_stays_finished_too(self, trial: Desk) -> None:
        trial.edit_job("passive_columns = 2", "passive_columns = 2\nmax_rounds = 2")

        def chosen(job: Path, party_file: Path) -> Run:
            return run(job, party_file, party_file.parent / "chosen")

        before = trial.both(chosen)["clinic"]
        assert chosen(trial.job, trial.party_file("clinic")).folder == before.folder
        with pytest.raises(SpecError, match="holds a finished run, which would be written over"):
            run(trial.job, trial.party_file("clinic"), before.folder, again=True)
        assert not (trial.folder / "clinic" / "runs" / "latest").exists()


class TestFullDisk:
    def test_is_a_sentence_and_the_run_goes_on_once_there_is_room(self, trial: Desk) -> None:
        def failure(job: Path, party_file: Path) -> IsthmusError:
            with pytest.raises(IsthmusError, match=r"no space left|disk is full") as caught:
                run(job, party_file)
            return caught.value

        with full_disk(5_000):
            failures = trial.both(failure).values()
        codes = {failed.exit_code for failed in failures}
        assert DiskError.exit_code in codes
        assert codes <= {DiskError.exit_code, ChannelError.exit_code}  # nobody broke the protocol
        for finished in trial.both(run).values():
            assert len(list(finished.folder.parent.glob("trial-*"))) == 1
            assert verify(finished.ledger).sealed
