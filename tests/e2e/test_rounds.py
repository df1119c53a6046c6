"""Rounds of a master and its children as users run them: processes, files, mutual TLS."""

import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from safetensors.torch import load_file

from isthmus.nn import build
from isthmus.nn.spec import Network
from isthmus.store.runs import Run
from tests import commands
from tests.commands import ended, isthmus

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

MASTER, CHILDREN = "office", ("branch-01", "branch-03", "branch-06")
PARTIES = (MASTER, *CHILDREN)
ROUNDS = 30


class Office:
    """An office and three branches, started by hand; who still runs at the end is killed."""

    def __init__(self, folder: Path, port: int) -> None:
        isthmus("init", "fusion", folder)
        self.folder = folder
        self.job = folder / "job.toml"
        text = self.job.read_text()
        for party in re.findall(r"\[parties\.(branch-\d\d)\]", text):
            if party not in CHILDREN:
                text = text.replace(f'[parties.{party}]\nrole = "child"\n\n', "")
        text = text.replace('rule = "actor_critic"', 'rule = "count"')
        text = text.replace("count = 40\nquorum = 5", f"count = {ROUNDS}\nquorum = 3")
        self.job.write_text(text)
        for party in PARTIES:
            file = self.file(party)
            file.write_text(file.read_text().replace(":7401", f":{port}"))
        self.started: list[subprocess.Popen[str]] = []

    def file(self, party: str) -> Path:
        return self.folder / party / "party.toml"

    def latest(self, party: str) -> Run:
        return Run(self.folder / party / "runs" / "latest")

    def start(self, party: str) -> subprocess.Popen[str]:
        process = commands.start("run", self.job, "--party", self.file(party))
        self.started.append(process)
        return process

    def play(self) -> dict[str, dict[str, Any]]:
        """What every party answers, by party."""
        started = {party: self.start(party) for party in PARTIES}
        return {party: ended(process) for party, process in started.items()}

    def wait_for_round(self, number: int) -> None:
        log = self.latest(MASTER).events
        while not (log.exists() and f'"stage":"train","done":{number},' in log.read_text()):
            assert self.started[0].poll() is None
            time.sleep(0.02)

    def close(self) -> None:
        for process in self.started:
            process.kill()  # does nothing to one that has ended
            process.communicate()


@pytest.fixture
def office(tmp_path: Path, free_port: int) -> Iterator[Office]:
    office = Office(tmp_path / "trial", free_port)
    yield office
    office.close()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The model of a run in which nobody failed: the seed of the job decides all of it."""
    office = Office(tmp_path_factory.mktemp("rounds") / "trial", 7401)
    return isthmus("simulate", office.job, "--runs", office.folder / "runs")


class TestSimulate:
    def test_measures_the_network_beside_other_ways_to_train_it(
        self, undisturbed: dict[str, Any]
    ) -> None:
        accuracy = undisturbed["metrics"]["accuracy"]
        assert accuracy.keys() == {"count", "fedavg", "oracle", "root_only"}
        assert accuracy["count"] == accuracy["fedavg"] == accuracy["oracle"] > 0.5

    def test_leaves_one_and_the_same_network_at_every_party(
        self, undisturbed: dict[str, Any]
    ) -> None:
        found = {
            (Path(undisturbed["run"]) / party / "network" / "model.safetensors").read_bytes()
            for party in PARTIES
        }
        assert len(found) == 1

    @pytest.mark.parametrize("party", [MASTER, CHILDREN[0]])
    def test_sends_what_was_explained(self, undisturbed: dict[str, Any], party: str) -> None:
        job = Path(undisturbed["run"]).parents[1] / "job.toml"
        run = Path(undisturbed["run"]) / party
        flows = isthmus("explain", job, "--party", job.parent / party / "party.toml", "--run", run)[
            "flows"
        ]
        assert {flow["message"] for flow in flows} == {
            row["message"] for row in isthmus("ledger", "show", run)["ledgers"][party]
        }
        for flow in flows:
            assert flow["count"] == flow["recorded_count"]
            if flow["message"] not in {"Hello", "Confirmation", "RoundUpdate"}:  # numbers differ
                assert flow["bytes"] == flow["recorded_bytes"]


class TestResume:
    def test_a_child_that_was_killed_comes_back_into_the_run(
        self, office: Office, undisturbed: dict[str, Any]
    ) -> None:
        running = {party: office.start(party) for party in PARTIES}
        office.wait_for_round(5)
        running[CHILDREN[1]].send_signal(signal.SIGKILL)
        running[CHILDREN[1]].communicate()
        running[CHILDREN[1]] = office.start(CHILDREN[1])
        answers = {party: ended(process) for party, process in running.items()}
        assert {answer["model"] for answer in answers.values()} == {undisturbed["model"]}
        assert answers[MASTER]["holders"] == list(CHILDREN)

    def test_a_master_that_was_killed_goes_on_where_it_was(
        self, office: Office, undisturbed: dict[str, Any]
    ) -> None:
        running = {party: office.start(party) for party in PARTIES}
        office.wait_for_round(5)
        running[MASTER].send_signal(signal.SIGKILL)
        running[MASTER].communicate()
        for child in CHILDREN:
            assert running[child].wait(timeout=60) == 4
        answers = office.play()
        assert {answer["model"] for answer in answers.values()} == {undisturbed["model"]}
        assert answers[MASTER]["rounds"] == ROUNDS


EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    runs = tmp_path_factory.mktemp("encoder")
    return isthmus("simulate", EXAMPLES / "encoder" / "job.toml", "--runs", runs)


class TestExampleOfASharedEncoder:
    def test_is_worth_more_to_every_site_than_one_of_its_own(self, encoder: dict[str, Any]) -> None:
        metrics = encoder["metrics"]
        assert metrics["accuracy_shared"].keys() == {f"site-{number}" for number in range(1, 6)}
        for site, shared in metrics["accuracy_shared"].items():
            assert shared > metrics["accuracy_alone"][site] + 0.02
            assert shared > metrics["accuracy_pooled"][site] - 0.04

    def test_leaves_the_encoder_for_plain_pytorch(self, encoder: dict[str, Any]) -> None:
        network = Path(encoder["run"]) / "site-1" / "network"
        config = json.loads((network / "config.json").read_text())
        module = build.encoder(msgspec.convert(config["network"], Network))
        module.load_state_dict(load_file(network / "model.safetensors"))
        assert module(torch.zeros(3, 1, 8, 8)).shape == (3, 32)


class TestExampleOfWeighting:
    def test_does_almost_as_well_as_one_who_knows_the_bad_children(self, tmp_path: Path) -> None:
        result = isthmus("simulate", EXAMPLES / "fusion" / "job.toml", "--runs", tmp_path)
        accuracy = result["metrics"]["accuracy"]
        assert accuracy["actor_critic"] > accuracy["oracle"] - 0.02
        assert accuracy["actor_critic"] > accuracy["fedavg"] + 0.02
        turned = {"branch-02", "branch-05", "branch-09"}
        assert sum(result["weights"][child] for child in turned) < 0.15
        assert turned <= result["suspects"].keys()
