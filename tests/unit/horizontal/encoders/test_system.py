"""What a party measures after the rounds of a shared encoder."""

from pathlib import Path

import pytest

from isthmus.core.telemetry import Telemetry
from isthmus.evaluation.description import Metrics
from isthmus.horizontal.encoders import system
from isthmus.horizontal.encoders.learner import initial
from isthmus.horizontal.encoders.spec import Encoders
from isthmus.horizontal.parameters import digest
from isthmus.horizontal.privacy.accounting import epsilon, spent_by_master
from isthmus.horizontal.privacy.spec import ChildLevel, Privacy, SampleLevel
from isthmus.horizontal.system import LocalData, RoundsOutcome
from tests.learning import RANGED, encoders, samples

CHILDREN = ("ada", "bo")


def local(party: str) -> LocalData:
    return LocalData(party, CHILDREN, samples(), None, seed=1)


def outcome(spec: Encoders, **said: float) -> RoundsOutcome:
    """The result of three rounds at a child that said so of its training in the last one."""
    parameters = initial(spec, 1)
    return RoundsOutcome(parameters, digest(parameters), 3, metrics=said)


def cost(party: str, privacy: Privacy, **said: float) -> float | None:
    """What the noise of a party has cost in three rounds."""
    spec = encoders(RANGED, privacy=privacy)
    return system.epsilon(spec, local(party), outcome(spec, **said))


class TestFinish:
    def test_measures_nothing_without_test_samples_and_leaves_the_network(
        self, tmp_path: Path
    ) -> None:
        spec, folder = encoders(), tmp_path / "network"
        measure = system.finish(spec, local("ada"), outcome(spec, loss=0.5), folder, Telemetry())
        assert (folder / "model.safetensors").exists()
        assert measure() == {}


class TestEpsilon:
    @pytest.mark.parametrize("limit", [None, 100.0])
    def test_at_a_master_that_adds_noise_is_its_cost(self, limit: float | None) -> None:
        asked = ChildLevel(noise=2.0, epsilon=limit)
        due = epsilon(spent_by_master(asked, 3), asked.delta)
        assert cost("office", Privacy(child_level=asked)) == due

    def test_at_a_child_that_adds_noise_is_its_cost_and_not_the_masters(self) -> None:
        asked = Privacy(sample_level=SampleLevel(), child_level=ChildLevel())
        assert cost("ada", asked, epsilon=1.5) == 1.5

    @pytest.mark.parametrize("party", ["office", "ada"])
    def test_is_none_where_there_is_no_noise(self, party: str) -> None:
        assert cost(party, Privacy(), loss=0.5) is None


class TestCompare:
    def test_finds_the_means_over_the_parties_that_measured_something(self) -> None:
        parties = {party: local(party) for party in ("office", *CHILDREN)}
        measured: dict[str, Metrics] = {
            "office": {},
            "ada": {"accuracy": {"shared_head": 0.9}},
            "bo": {"accuracy": {"shared_head": 0.7}},
        }
        found = system.compare(encoders(), parties, measured)
        assert found.metrics == {"accuracy": {"shared_head": pytest.approx(0.8)}}
        assert found.by_party == {"ada": measured["ada"], "bo": measured["bo"]}
