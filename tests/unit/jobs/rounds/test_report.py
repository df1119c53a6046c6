"""The report of a run in rounds, from the files in its folder."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from isthmus.core.errors import SpecError
from isthmus.crypto import certificates
from isthmus.evaluation.description import Metrics
from isthmus.horizontal.messages import Instruction
from isthmus.horizontal.privacy.spec import (
    ChildLevel,
    EightBit,
    Privacy,
    SampleLevel,
    SecureAggregation,
    TopK,
)
from isthmus.horizontal.rounds.training import ContributionRecord, Round
from isthmus.jobs import finished, report
from isthmus.jobs.result import Egress
from isthmus.jobs.rounds.report import read
from isthmus.jobs.rounds.results import RoundsResult, SimulatedRounds
from isthmus.ledger.record import Ledger
from isthmus.store import atomic
from isthmus.store.runs import Run
from isthmus.transport.message import encode

CHILDREN = ["north", "south"]
BY_RULE: Metrics = {"accuracy": {"actor_critic": 0.934, "fedavg": 0.7}}
BY_PARTY: dict[str, Metrics] = {
    "office": {"accuracy": {"shared_head": 0.934}},
    "north": {"accuracy": {"shared_head": 0.9}},
}
EVIDENCE = ["it counts for 2% of what its samples would give it"]


def taken(samples: int, weight: float, **metrics: float) -> ContributionRecord:
    return ContributionRecord(samples, "ab" * 32, {"loss": 0.5} | metrics, weight)


HISTORY = [
    Round({"north": taken(85, 0.4), "south": taken(109, 0.6)}, {"east": "declined"}, "c1" * 32),
    Round(
        {"north": taken(85, 1.0, epsilon=1.25)}, {"south": "gone", "east": "declined"}, "c2" * 32
    ),
]


def result(**keys: Any) -> RoundsResult:
    usual: dict[str, Any] = {
        "job": "digits",
        "digest": "5f2b" * 16,
        "version": "0.1.0",
        "party": "office",
        "role": "master",
        "peers": ["north", "south", "east"],
        "started": "2026-01-01T00:00:00+00:00",
        "rows": {"train": 20, "test": 500},
        "seconds": {"total": 9.0, "training": 7.0, "measuring": 1.0},
        "egress": Egress(messages=1, bytes=32),
        "learned": [],
        "system": "weighting",
        "network": "image",
        "rule": "actor_critic",
        "privacy": Privacy(),
        "model": "c2" * 32,
        "metrics": {"accuracy": {"shared_head": 0.934}},
        "rounds": 2,
        "ending": "ended after 2 rounds",
        "suspects": {"south": EVIDENCE},
        "holders": ["north", "south", "east"],
    }
    return RoundsResult(**(usual | keys))


def store(run: Run, found: RoundsResult, history: list[Round]) -> Run:
    """What a finished run leaves for its report."""
    run.folder.mkdir()
    key = certificates.make_key()
    atomic.write(run.certificate, certificates.self_signed(found.party, key))
    with Ledger(run.ledger) as ledger:
        message = Instruction(encoder="image")
        ledger.append(message, encode(message), to="north")
        ledger.seal(lambda data: certificates.sign(key, data))
    run.write_json(run.rounds.name, history)
    run.write_json(run.result.name, found)
    return run


@pytest.fixture
def office(tmp_path: Path) -> Run:
    """The finished run of a master."""
    return store(Run(tmp_path / "office"), result(), HISTORY)


def privacy_of(run: Run, privacy: Privacy, **keys: Any) -> dict[str, str]:
    run.write_json(run.result.name, result(privacy=privacy, **keys))
    return read(run).privacy


class TestRead:
    def test_follows_every_child_through_the_rounds(self, office: Run) -> None:
        east, north, south = read(office).children
        assert (north.samples, north.rounds, north.weights) == (85, [1, 2], {1: 0.4, 2: 1.0})
        assert (south.rounds, south.left_out, south.suspicion) == ([1], {2: "gone"}, EVIDENCE)
        assert (east.samples, east.rounds, list(east.left_out)) == (None, [], [1, 2])

    def test_keeps_what_children_say_by_round(self, office: Run) -> None:
        north = read(office).children[1]
        assert north.metrics == {"loss": {1: 0.5, 2: 0.5}, "epsilon": {2: 1.25}}

    def test_takes_a_weight_of_nothing_for_one_and_no_weight_for_none(self, office: Run) -> None:
        history = [
            Round({"north": taken(85, 0.0), "south": replace(taken(1, 0.0), weight=None)}, {}, "")
        ]
        office.write_json(office.rounds.name, history)
        north, south = read(office).children
        assert (north.weights, south.weights) == ({1: 0.0}, {})

    def test_checks_the_ledger(self, office: Run) -> None:
        assert "1 record, chain unbroken, sealed" in read(office).verdict

    def test_warns_of_children_that_may_not_have_the_network(self, office: Run) -> None:
        office.write_json(office.result.name, result(holders=["south", "east"]))
        (warning,) = read(office).warnings
        assert warning.startswith("Not heard that they have the final network: north.")

    def test_of_a_child_knows_no_other_children(self, tmp_path: Path) -> None:
        own = result(party="north", role="child", suspects={}, holders=[])
        found = read(store(Run(tmp_path / "north"), own, []))
        assert (found.children, found.warnings) == ([], [])

    def test_of_a_run_by_itself_is_compared_with_nothing(self, office: Run) -> None:
        found = read(office)
        assert found.metrics == {"accuracy": {"shared_head": 0.934}}
        assert (found.simulated, found.by_party) == ({}, {})

    def test_of_a_simulated_run_knows_the_metrics_of_all_parties(
        self, office: Run, tmp_path: Path
    ) -> None:
        run = Run(tmp_path / "simulated")
        run.folder.mkdir()
        run.write_json(run.result.name, joint())
        found = read(office, run)
        assert (found.simulated, found.by_party) == (BY_RULE, BY_PARTY)

    def test_of_a_simulated_run_knows_which_children_attacked(
        self, office: Run, tmp_path: Path
    ) -> None:
        run = Run(tmp_path / "simulated")
        for name, attack in (("north", 'simulated_attack = "sign_flip"'), ("south", "")):
            (run.folder / name).mkdir(parents=True)
            (run.folder / name / "party.toml").write_text(f'party = "{name}"\n{attack}')
        run.write_json(run.result.name, joint())
        known = {child.name: child.attacks for child in read(office, run).children}
        assert known == {"east": False, "north": True, "south": False}
        assert {child.attacks for child in read(office).children} == {None}

    def test_needs_the_record_of_the_rounds(self, office: Run) -> None:
        office.rounds.unlink()
        with pytest.raises(SpecError, match=r"rounds\.json: cannot be read"):
            read(office)


class TestPrivacy:
    def test_says_plainly_where_nothing_protects(self, office: Run) -> None:
        assert privacy_of(office, Privacy()) == {
            "updates of a child": "The master saw the update of every child in every round.",
            "single samples": "No noise hides them in an update.",
            "whole children": "No noise hides them in the network.",
            "size of updates": "All numbers are sent as they are.",
        }

    def test_says_what_a_master_sees_of_sums(self, office: Run) -> None:
        said = privacy_of(office, Privacy(secure_aggregation=SecureAggregation(least_children=5)))
        assert "sums of at least 5 updates, and none by itself" in said["updates of a child"]

    def test_gives_the_epsilon_that_children_report(self, office: Run) -> None:
        said = privacy_of(office, Privacy(sample_level=SampleLevel(noise=2.0)))
        assert said["single samples"] == (
            "Each child adds noise of 2 times what one of its samples can change: epsilon is 1.25, "
            "for delta 1e-05."
        )

    def test_gives_the_epsilon_of_the_job_for_whole_children(self, office: Run) -> None:
        said = privacy_of(office, Privacy(child_level=ChildLevel(epsilon=8.0)))
        assert said["whole children"].endswith("epsilon is at most 8, for delta 1e-05.")

    def test_gives_the_epsilon_that_the_master_has_spent_for_whole_children(
        self, office: Run
    ) -> None:
        asked = Privacy(sample_level=SampleLevel(), child_level=ChildLevel(epsilon=8.0))
        said = privacy_of(office, asked, epsilon=6.5)
        assert said["whole children"].endswith("epsilon is 6.5, for delta 1e-05.")
        assert said["single samples"].endswith("epsilon is 1.25, for delta 1e-05.")

    def test_gives_the_epsilon_of_a_child_for_its_own_samples(self, office: Run) -> None:
        office.write_json(office.rounds.name, [])
        asked = Privacy(sample_level=SampleLevel(), child_level=ChildLevel())
        said = privacy_of(office, asked, role="child", epsilon=2.5)
        assert said["single samples"].endswith("epsilon is 2.5, for delta 1e-05.")
        assert said["whole children"].endswith("times what one child can change.")

    @pytest.mark.parametrize(
        ("compression", "said"),
        [(TopK(share=0.05), "0.05 of the numbers are sent"), (EightBit(), "with 8 bits each")],
    )
    def test_says_how_updates_are_made_smaller(
        self, office: Run, compression: TopK | EightBit, said: str
    ) -> None:
        assert said in privacy_of(office, Privacy(compression=compression))["size of updates"]


class TestWrite:
    def test_makes_one_page_that_needs_nothing_else(self, office: Run) -> None:
        page = report.write(office).read_text("utf-8")
        assert "Look after south" in page
        assert "c2" * 32 in page
        assert 'src="http' not in page

    def test_of_a_simulated_run_shows_every_party_what_it_is_compared_with(
        self, office: Run, tmp_path: Path
    ) -> None:
        run = Run(tmp_path / "simulated")
        run.folder.mkdir()
        shutil.move(office.folder, run.folder / "office")
        own = result(party="north", role="child", suspects={}, holders=[], metrics={})
        store(Run(run.folder / "north"), own, [])
        run.write_json(run.result.name, joint())
        pages = report.write_all(run.folder)
        assert [page.parent.name for page in pages] == ["office", "north"]
        for page in pages:
            html = page.read_text("utf-8")
            assert "Accuracy by way of training" in html
            assert "Accuracy at each party" in html


class TestSummary:
    def test_of_a_master_says_whom_it_should_look_after(self, office: Run) -> None:
        found = finished.summary(office)
        assert found.metrics == {"accuracy": {"shared_head": 0.934}}
        assert ("training", "ended after 2 rounds") in found.facts
        assert ("look after south", EVIDENCE[0]) in found.facts
        assert ("the others", "are not cleared by not being named") in found.facts

    def test_of_a_child_says_what_its_noise_has_cost(self, tmp_path: Path) -> None:
        own = result(party="north", role="child", suspects={}, holders=[], epsilon=1.25)
        found = finished.summary(store(Run(tmp_path / "north"), own, []))
        assert ("epsilon", "1.25") in found.facts


def joint() -> SimulatedRounds:
    return SimulatedRounds(
        job="digits",
        digest="5f2b" * 16,
        version="0.1.0",
        parties={"office": "master", "north": "child"},
        seconds={"simulation": 9.0},
        egress={},
        system="weighting",
        rows={},
        metrics=BY_RULE,
        metrics_by_party=BY_PARTY,
        model="c2" * 32,
        rounds=2,
        ending="ended after 2 rounds",
        weights={},
        suspects={},
        reports={},
    )
