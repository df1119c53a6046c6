"""Both parties on one machine: who fails is named, with what it said."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from isthmus.core.errors import DiskError, PolicyError, SpecError
from isthmus.core.telemetry import Event
from isthmus.evaluation.description import measured
from isthmus.jobs import simulate as simulation
from isthmus.jobs.aligned import family
from isthmus.jobs.aligned.results import SimulatedAlignment, SimulatedTraining, TrainedResult
from isthmus.jobs.simulate import simulate
from isthmus.store.runs import Run, find
from tests.disk import full_disk
from tests.unit.jobs.desk import Desk


class TestSimulate:
    def test_equals_the_model_of_the_pooled_rows(self, simulated: Run) -> None:
        metrics = measured(simulated.read_json("result.json", SimulatedTraining).metrics)
        assert metrics["auc"]["joint"] == pytest.approx(metrics["auc"]["pooled"], abs=0.005)
        assert metrics["auc"]["joint"] > metrics["auc"]["active_only"]

    def test_puts_together_what_the_parties_say(self, simulated: Run) -> None:
        joint = simulated.read_json("result.json", SimulatedTraining)
        assert joint.parties == {"clinic": "active", "insurer": "passive"}
        assert joint.alignment.size == joint.rows["train"] + joint.rows["test"] == 260
        for party, egress in joint.egress.items():
            own = Run(simulated.folder / party).read_json("result.json", TrainedResult)
            assert (own.digest, own.egress) == (joint.digest, egress)

    def test_has_stored_what_the_parties_say_before_it_compares(
        self, simulated: Run, desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def played(
            _verb: str, _job: Path, parties: Mapping[str, Path], into: Path, _watch: object
        ) -> float:
            for party in parties:
                shutil.copytree(simulated.folder / party, into / party, dirs_exist_ok=True)
            return 1.0

        def stop(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(simulation, "play", played)
        monkeypatch.setattr(family, "compare", stop)
        with pytest.raises(KeyboardInterrupt):
            simulate(desk.job, tmp_path / "runs")
        result = find(tmp_path / "runs").read_json("result.json", SimulatedTraining)
        whole = simulated.read_json("result.json", SimulatedTraining)
        assert result.parties == whole.parties
        assert result.metrics["auc"].keys() == {"joint", "active_only"}
        assert result.missing == {"pooled": "the run was stopped while it was compared"}

    def test_names_the_party_that_failed_with_its_own_sentence_and_code(self, desk: Desk) -> None:
        desk.edit_party("insurer", "[identity]", "[policy]\nmaximum_bytes = 25000\n\n[identity]")
        seen: list[tuple[str, Event]] = []
        with pytest.raises(PolicyError, match=r"^party 'insurer' stopped: \w+ was not sent: ") as e:
            simulate(desk.job, desk.folder / "runs", lambda *event: seen.append(event))
        assert e.value.exit_code == 6
        assert {party for party, _ in seen} == {"clinic", "insurer"}

    def test_says_that_a_party_had_no_room(self, desk: Desk) -> None:
        with full_disk(15_000), pytest.raises(SpecError, match=r"^party '.*' stopped: ") as caught:
            simulate(desk.job, desk.folder / "runs")
        assert re.search(r": no space left to write it \(.*\)\. Make room", str(caught.value))

    def test_starts_nobody_where_there_is_no_room_for_the_keys(self, desk: Desk) -> None:
        with full_disk(), pytest.raises(DiskError, match=r"key\.pem: no space left"):
            simulate(desk.job, desk.folder / "runs")

    def test_starts_nobody_when_a_file_is_wrong(self, desk: Desk) -> None:
        desk.party_file("insurer").unlink()
        with pytest.raises(SpecError, match=r"insurer/party\.toml: there is no such file"):
            simulate(desk.job, desk.folder / "runs")
        assert not (desk.folder / "runs").exists()

    def test_ends_with_the_alignment_where_the_job_does_and_leaves_the_parties_runs_alone(
        self, desk: Desk, tmp_path: Path
    ) -> None:
        desk.drop_training()
        for party in ("clinic", "insurer"):
            own = tmp_path / party
            desk.edit_party(party, "wait = 30.0", f'wait = 30.0\nruns = "{own}"')
        finished = simulate(desk.job, desk.folder / "runs")
        joint = finished.read_json("result.json", SimulatedAlignment)
        assert joint.alignment.size == 260
        assert joint.egress.keys() == {"clinic", "insurer"}
        assert not (tmp_path / "clinic").exists()
        assert not (tmp_path / "insurer").exists()

    def test_needs_a_folder_to_write_to(self, desk: Desk, tmp_path: Path) -> None:
        (tmp_path / "runs").touch()
        with pytest.raises(SpecError, match="runs: cannot be written"):
            simulate(desk.job, tmp_path / "runs")
