"""What a party of a shared encoder measures when the rounds are over."""

from pathlib import Path

import pytest

from isthmus.core.telemetry import Telemetry
from isthmus.horizontal.encoders.learner import initial
from isthmus.horizontal.encoders.system import compare, finish
from isthmus.horizontal.parameters import digest
from isthmus.horizontal.privacy.accounting import epsilon, spent_by_master
from isthmus.horizontal.privacy.spec import ChildLevel, Privacy, SampleLevel
from isthmus.horizontal.system import EPSILON, LocalData, RoundsOutcome
from tests.learning import encoders, samples

CHILDREN = ("ada", "bo")


def local(party: str) -> LocalData:
    return LocalData(party, CHILDREN, samples(), None, seed=1)


def finished(folder: Path, party: str, privacy: Privacy, **said: float) -> dict[str, float]:
    """The metrics of a party after three rounds; in the last of them it said so of training."""
    spec = encoders(privacy=privacy)
    parameters = initial(spec, 1)
    outcome = RoundsOutcome(parameters, digest(parameters), 3, metrics=said)
    return finish(spec, local(party), outcome, folder / "network", Telemetry())


class TestFinish:
    @pytest.mark.parametrize("limit", [None, 100.0])
    def test_at_a_master_that_adds_noise_tells_its_cost(
        self, limit: float | None, tmp_path: Path
    ) -> None:
        asked = ChildLevel(noise=2.0, epsilon=limit)
        due = epsilon(spent_by_master(asked, 3), asked.delta)
        assert finished(tmp_path, "office", Privacy(child_level=asked)) == {EPSILON: due}

    def test_at_a_child_that_adds_noise_tells_its_cost_and_not_the_masters(
        self, tmp_path: Path
    ) -> None:
        asked = Privacy(sample_level=SampleLevel(), child_level=ChildLevel())
        assert finished(tmp_path, "ada", asked, epsilon=1.5) == {EPSILON: 1.5}

    @pytest.mark.parametrize("party", ["office", "ada"])
    def test_tells_of_no_cost_where_there_is_no_noise(self, party: str, tmp_path: Path) -> None:
        assert finished(tmp_path, party, Privacy(), loss=0.5) == {}


class TestCompare:
    def test_leaves_out_what_noise_has_cost(self) -> None:
        parties = {party: local(party) for party in ("office", *CHILDREN)}
        measured = {"office": {EPSILON: 2.0}, "ada": {"accuracy": 0.9, EPSILON: 1.5}, "bo": {}}
        assert compare(encoders(), parties, measured) == {"accuracy": {"ada": 0.9}}
