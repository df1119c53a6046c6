"""What people are shown at the end of a simulated run in rounds."""

from pathlib import Path

from isthmus.evaluation.description import Metrics
from isthmus.jobs.result import Egress
from isthmus.jobs.rounds import family
from isthmus.jobs.rounds.results import SimulatedRounds
from isthmus.store.runs import Run

PARTIES = {"hub": "master", "north": "child", "south": "child"}
BY_PARTY: dict[str, Metrics] = {
    "north": {"accuracy": {"shared_head": 0.9, "alone": 0.7}},
    "south": {"accuracy": {"shared_head": 0.8}, "probe": {"shared": 0.6}},
}
MEANS = {"accuracy": {"shared_head": 0.85, "alone": 0.7}, "probe": {"shared": 0.6}}
SAMPLES = (
    ("accuracy at", "shared head #", "alone #"),
    [("north", "0.9000", "0.7000"), ("south", "0.8000", "")],
)


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
