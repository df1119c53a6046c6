"""Jobs whose parties hold samples of their own, as the verbs of the command line see them."""

from pathlib import Path

import pytest

from isthmus.core.errors import SpecError
from isthmus.evaluation.description import Metrics
from isthmus.jobs.check import check
from isthmus.jobs.examples import Made, make
from isthmus.jobs.explain import explain
from isthmus.jobs.load import make_plan
from isthmus.jobs.result import Egress
from isthmus.jobs.rounds import family
from isthmus.jobs.rounds.results import SimulatedRounds
from isthmus.jobs.run import align
from isthmus.store.runs import Run

PARTIES = {"hub": "master", "north": "child", "south": "child"}
BY_PARTY: dict[str, Metrics] = {
    "north": {"accuracy": {"shared_head": 0.9, "alone": 0.7}},
    "south": {"accuracy": {"shared_head": 0.8}, "probe": {"shared": 0.6}},
}
MEANS = {"accuracy": {"shared_head": 0.85, "alone": 0.7}, "probe": {"shared": 0.6}}
SAMPLES = (
    ("accuracy at", "the network #", "alone #"),
    [("north", "0.9000", "0.7000"), ("south", "0.8000", "")],
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make("fusion", tmp_path_factory.mktemp("made") / "trial")


class TestCheck:
    def test_says_what_will_happen_in_order(self, made: Made) -> None:
        meeting, samples, rounds, end = check(made.job).steps
        assert meeting.startswith("office (master) listens, branch-01 (child), ")
        assert samples.startswith("Each child finds samples of the type image in its ")
        assert rounds.endswith("office fuses what they send by the rule 'actor_critic'.")
        assert end.startswith("office publishes the result; each party measures it on test ")

    @pytest.mark.parametrize(
        ("party", "address"),
        [("office", "listens on 127.0.0.1:7401"), ("branch-01", "calls office at 127.0.0.1:7401")],
    )
    def test_says_what_a_party_brings(self, made: Made, party: str, address: str) -> None:
        ready = check(made.job, made.parties[party]).ready
        assert ready is not None
        assert (ready.party, ready.address) == (party, address)
        assert ready.rows > 0


class TestExplain:
    def test_reckons_with_the_rounds_only(self, made: Made) -> None:
        found = explain(make_plan(made.job, made.parties["branch-01"]))
        assert found.assumptions.keys() == {"rounds"}
        names = [flow.message for flow in found.flows]
        assert names[0] == "Hello"
        assert "RoundUpdate" in names
        assert "Done" not in names  # rounds end with the word of a child that it keeps the network


class TestAlign:
    def test_has_no_rows_to_find(self, made: Made) -> None:
        with pytest.raises(SpecError, match="hold samples of their own, so there are no rows"):
            align(made.job, made.parties["office"])
        assert not (made.parties["office"].parent / "runs").exists()


def simulated(by_party: dict[str, Metrics], **weights: float) -> SimulatedRounds:
    return SimulatedRounds(
        job="labs",
        digest="0" * 64,
        version="0.1.0",
        seconds={"total": 1.0, "simulation": 2.0},
        parties=PARTIES,
        egress=dict.fromkeys(PARTIES, Egress(messages=1, bytes=10)),
        system="encoders",
        rows={},
        metrics=MEANS,
        metrics_by_party=by_party,
        model="1" * 64,
        rounds=3,
        ending="ended after 3 rounds",
        weights=weights,
        suspects={},
        reports={},
    )


class TestSummary:
    def test_shows_the_means_and_each_measure_that_several_parties_have(
        self, tmp_path: Path
    ) -> None:
        summary = family.summary(Run(tmp_path), simulated(BY_PARTY))
        assert summary.metrics == MEANS
        assert summary.tables == [SAMPLES]

    def test_shows_no_table_of_a_single_party(self, tmp_path: Path) -> None:
        only = {"north": BY_PARTY["north"]}
        assert family.summary(Run(tmp_path), simulated(only)).tables == []

    def test_shows_what_each_child_counted_for(self, tmp_path: Path) -> None:
        summary = family.summary(Run(tmp_path), simulated({}, north=0.25, south=0.75))
        weights = [("north", "0.250"), ("south", "0.750")]
        assert summary.tables == [(("child", "weight in the last round #"), weights)]
