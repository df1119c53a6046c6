"""By what children know each other's keys where something is summed under masks."""

import re
from pathlib import Path

import pytest

from isthmus.core.errors import SpecError
from isthmus.crypto import certificates
from isthmus.jobs.check import check
from isthmus.jobs.examples import make
from isthmus.jobs.load import load_job, make_plan
from isthmus.jobs.rounds import identities
from isthmus.jobs.rounds.plan import RoundsPlan
from isthmus.jobs.simulate import planned, provide

ISLANDS = ("lyon", "omsk", "wuhan")


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """Of three islands and a hub, as `isthmus init` makes it."""
    return make("multilingual", tmp_path / "words").job.with_name("islands.toml")


def edit(job: Path, pattern: str, new: str) -> None:
    text, count = re.subn(pattern, new, job.read_text())
    assert count
    job.write_text(text)


def plan(job: Path, party: str) -> RoundsPlan:
    found = make_plan(job, job.parent / party / "party.toml")
    assert isinstance(found, RoundsPlan)
    return found


def fingerprint(job: Path, party: str) -> str:
    return certificates.fingerprint((job.parent / party / "certificate.pem").read_bytes())


class TestInit:
    def test_writes_the_fingerprint_of_every_child_into_the_job(self, job: Path) -> None:
        members = load_job(job).job.parties
        assert {it: members[it].fingerprint for it in ISLANDS} == {
            it: fingerprint(job, it) for it in ISLANDS
        }
        assert members["hub"].fingerprint is None

    def test_leaves_a_job_without_masks_alone(self, tmp_path: Path) -> None:
        made = make("fusion", tmp_path / "trial")
        assert "fingerprint" not in made.job.read_text()


class TestAChild:
    def test_knows_the_others_by_the_job(self, job: Path) -> None:
        found = identities.of(plan(job, "lyon"))
        assert found is not None
        assert found.fingerprints == {it: fingerprint(job, it) for it in ISLANDS}
        assert (found.party, found.job) == ("lyon", load_job(job).job.digest)

    def test_takes_a_fingerprint_as_it_is_printed(self, job: Path) -> None:
        printed = re.sub(r"(.{4})(?=.)", r"\1 ", fingerprint(job, "omsk"))
        edit(job, fingerprint(job, "omsk"), printed)
        found = identities.of(plan(job, "lyon"))
        assert found is not None
        assert found.fingerprints["omsk"] == fingerprint(job, "omsk")

    def test_is_told_its_own_line_where_the_job_has_none(self, job: Path) -> None:
        edit(job, 'fingerprint = ".*"\n', "")
        with pytest.raises(SpecError) as refused:
            check(job, job.parent / "lyon" / "party.toml")
        assert "islands.toml: a joint vocabulary sums what children send under masks" in str(
            refused.value
        )
        assert "the job has no `fingerprint` of lyon, omsk, wuhan" in str(refused.value)
        line = f'[parties.lyon] fingerprint = "{fingerprint(job, "lyon")}"'
        assert line in str(refused.value)

    def test_is_told_where_the_job_has_another_certificate_of_its_own(self, job: Path) -> None:
        edit(job, fingerprint(job, "lyon"), "0" * 64)
        with pytest.raises(SpecError, match=r"`parties.lyon.fingerprint` is not that of your cert"):
            check(job, job.parent / "lyon" / "party.toml")

    def test_is_told_where_two_children_have_one_certificate(self, job: Path) -> None:
        edit(job, fingerprint(job, "omsk"), fingerprint(job, "wuhan"))
        with pytest.raises(SpecError, match="'omsk' and 'wuhan' have one certificate by the fing"):
            check(job, job.parent / "lyon" / "party.toml")

    def test_of_a_simulation_knows_the_others_by_the_keys_of_the_simulation(
        self, job: Path, tmp_path: Path
    ) -> None:
        _, plans = planned(job)
        parties = provide(plans, tmp_path)
        found = identities.of(plan_of(job, parties["lyon"]))
        assert found is not None
        assert found.fingerprints == {
            it: certificates.fingerprint((parties[it] / "certificate.pem").read_bytes())
            for it in ISLANDS
        }
        assert found.fingerprints["omsk"] != fingerprint(job, "omsk")

    def test_that_sums_nothing_needs_none(self, tmp_path: Path) -> None:
        made = make("fusion", tmp_path / "trial")
        assert identities.of(plan(made.job, "branch-01")) is None


class TestTheMaster:
    def test_sees_the_lines_that_the_job_lacks(self, job: Path) -> None:
        assert check(job).steps[3].endswith("by fingerprints in this job, which lacks none.")
        edit(job, f'fingerprint = "{fingerprint(job, "omsk")}"\n', "")
        assert check(job).steps[3].endswith("which lacks omsk.")
        ready = check(job, job.parent / "hub" / "party.toml").ready
        assert ready is not None
        (warning,) = [it for it in ready.warnings if "fingerprints" in it]
        assert warning.endswith(f': [parties.omsk] fingerprint = "{fingerprint(job, "omsk")}"')


def plan_of(job: Path, folder: Path) -> RoundsPlan:
    found = make_plan(job, folder / "party.toml")
    assert isinstance(found, RoundsPlan)
    return found
