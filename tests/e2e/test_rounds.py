"""Rounds of a master and its children as users run them: processes, files, mutual TLS."""

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import Any

import msgspec
import pytest
import torch
from safetensors.torch import load_file

from isthmus.nn import build
from isthmus.nn.spec import Network
from tests.commands import isthmus
from tests.e2e.office import MASTER, Office

pytestmark = pytest.mark.slow

CHILDREN = ("branch-01", "branch-03")
PARTIES = (MASTER, *CHILDREN)
ROUNDS = 6


def an_office(folder: Path) -> Office:
    return Office(folder, CHILDREN, ROUNDS)


@pytest.fixture
def office(tmp_path: Path, free_port: int) -> Iterator[Office]:
    with an_office(tmp_path / "trial") as office:
        office.use_port(free_port)
        yield office


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The model of a run in which nobody failed: the seed of the job decides all of it."""
    office = an_office(tmp_path_factory.mktemp("rounds") / "trial")
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
    def test_a_child_and_later_the_master_that_were_killed_end_with_the_same_model(
        self, office: Office, undisturbed: dict[str, Any]
    ) -> None:
        # 1. A child comes back into the run.
        running = office.start_all("run")
        office.wait_for_round(1)
        self._kill(running[CHILDREN[1]])
        running[CHILDREN[1]] = office.start("run", CHILDREN[1])

        # 2. The master goes on where it was, in a run that all start again.
        office.wait_for_round(3)
        self._kill(running[MASTER])
        for child in CHILDREN:
            assert running[child].wait(timeout=600) == 4
        answers = office.play("run")
        assert {answer["model"] for answer in answers.values()} == {undisturbed["model"]}
        assert answers[MASTER]["rounds"] == ROUNDS
        assert answers[MASTER]["holders"] == list(CHILDREN)

    def _kill(self, process: subprocess.Popen[str]) -> None:
        process.send_signal(signal.SIGKILL)
        process.communicate()


EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    runs = tmp_path_factory.mktemp("encoder")
    return isthmus("simulate", EXAMPLES / "encoder" / "job.toml", "--runs", runs)


@pytest.mark.long  # tests/docs trains an encoder by the same commands, tests/protocol its worth
class TestExampleOfASharedEncoder:
    def test_is_worth_more_to_every_site_than_one_of_its_own(self, encoder: dict[str, Any]) -> None:
        sites = encoder["metrics_by_party"]
        assert sites.keys() == {f"site-{number}" for number in range(1, 6)}
        for metrics in sites.values():
            found = metrics["accuracy"]
            assert found["shared"] > found["alone"] + 0.02
            assert found["shared"] > found["pooled"] - 0.04
        mean = fmean(metrics["accuracy"]["shared"] for metrics in sites.values())
        assert encoder["metrics"]["accuracy"]["shared"] == pytest.approx(mean)

    def test_leaves_the_encoder_for_plain_pytorch(self, encoder: dict[str, Any]) -> None:
        network = Path(encoder["run"]) / "site-1" / "network"
        config = json.loads((network / "config.json").read_text())
        module = build.encoder(msgspec.convert(config["network"], Network))
        module.load_state_dict(load_file(network / "model.safetensors"))
        assert module(torch.zeros(3, 1, 8, 8)).shape == (3, 32)


@pytest.mark.long  # tests/protocol has it in one process
class TestExampleOfWeighting:
    def test_does_almost_as_well_as_one_who_knows_the_bad_children(self, tmp_path: Path) -> None:
        result = isthmus("simulate", EXAMPLES / "fusion" / "job.toml", "--runs", tmp_path)
        accuracy = result["metrics"]["accuracy"]
        assert accuracy["actor_critic"] > accuracy["oracle"] - 0.02
        assert accuracy["actor_critic"] > accuracy["fedavg"] + 0.02
        turned = {"branch-02", "branch-05", "branch-09"}
        assert sum(result["weights"][child] for child in turned) < 0.15
        assert turned <= result["suspects"].keys()
