"""One party's run: what stops it before anything is sent, and what it says once it has ended."""

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from isthmus.core.errors import IsthmusError, SpecError
from isthmus.data.index import Index
from isthmus.jobs.explain import explain
from isthmus.jobs.report import write_all
from isthmus.jobs.result import AlignmentResult, Result, has_trained
from isthmus.jobs.run import align_only, run
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


PARTIES = ("clinic", "insurer")
Runs = dict[str, Run]


def both(desk: Desk, verb: Callable[[Path, Path], Run]) -> Runs:
    """What both parties of a desk have when they do the same at the same time."""
    with ThreadPoolExecutor(2) as threads:
        playing = {
            party: threads.submit(verb, desk.job, desk.party_file(party)) for party in PARTIES
        }
        return {party: each.result() for party, each in playing.items()}


@pytest.fixture
def trial(desk: Desk) -> Desk:
    """Two parties that listen and call where nobody else does."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    for party in PARTIES:
        desk.edit_party(party, "127.0.0.1:7401", address)
    return desk


class TestFullDisk:
    def test_is_a_sentence_and_the_run_goes_on_once_there_is_room(self, trial: Desk) -> None:
        with full_disk(5_000), pytest.raises(IsthmusError, match=r"no space left|disk is full"):
            both(trial, run)
        for finished in both(trial, run).values():
            assert len(list(finished.folder.parent.glob("trial-*"))) == 1
            assert verify(finished.ledger).sealed


@pytest.mark.timeout(60)
class TestAlignOnly:
    def test_ends_with_the_alignment(self, trial: Desk) -> None:
        for party, aligned in both(trial, align_only).items():
            result = aligned.read_json("result.json", AlignmentResult)
            assert (result.party, result.alignment.size) == (party, 260)
            assert aligned.index.exists()
            assert not has_trained(aligned)
            with pytest.raises(SpecError, match="aligned rows and trained nothing, so there is no"):
                write_all(aligned.folder)

    def test_sends_what_was_forecast_and_no_training(self, trial: Desk) -> None:
        for party, aligned in both(trial, align_only).items():
            assert_as_forecast(trial, party, aligned)

    def test_is_taken_up_by_a_run_that_tells_nothing_again(self, trial: Desk) -> None:
        aligned = both(trial, align_only)
        trained = both(trial, run)
        for party in PARTIES:
            assert trained[party].read_json("result.json", Result).alignment.reused
            assert trained[party].index.read_bytes() == aligned[party].index.read_bytes()
            assert_as_forecast(trial, party, trained[party])

    def test_names_rows_of_the_file_where_repeated_ones_were_left_out(self, trial: Desk) -> None:
        file = trial.folder / "clinic" / "people.csv"
        head, *rows = file.read_text().splitlines()
        file.write_text("\n".join([head, rows[0], *rows]))
        trial.edit_party("clinic", 'label = "ill"', 'label = "ill"\nduplicates = "first"')
        index = Index.load(both(trial, align_only)["clinic"].index)
        lines = [rows[0], *rows]
        shared = sorted(lines[row].partition(",")[0] for row in index.rows)
        assert shared == sorted(f"p{row}" for row in range(40, 300))
        assert index.rows.min() == 41


def assert_as_forecast(desk: Desk, party: str, finished: Run) -> None:
    for flow in explain(desk.plan(party), finished).flows:
        assert flow.recorded_count == flow.count, flow.message
        assert flow.recorded_bytes == pytest.approx(flow.bytes, rel=0.05, abs=50), flow.message
