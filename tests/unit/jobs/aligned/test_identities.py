"""By what passive parties know each other's keys, where they sum shares under masks."""

import re
import shutil
from pathlib import Path

import pytest

from isthmus.core.errors import SpecError
from isthmus.crypto import certificates
from isthmus.jobs.aligned import identities
from isthmus.jobs.aligned.plan import AlignedPlan
from isthmus.jobs.examples import make
from isthmus.jobs.load import make_plan
from isthmus.jobs.simulate import planned, provide

PASSIVES = ("insurer", "pharmacy")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make("health", tmp_path_factory.mktemp("health") / "trial").job.with_name("three.toml")


@pytest.fixture
def bare(job: Path) -> Path:
    """The same without fingerprints."""
    job.write_text(re.sub("fingerprint = .*\n", "", job.read_text()))
    return job


@pytest.fixture
def job(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made.parent, tmp_path / "trial")) / made.name


def plan(job: Path, folder: Path) -> AlignedPlan:
    found = make_plan(job, folder / "party.toml")
    assert isinstance(found, AlignedPlan)
    return found


def fingerprint(folder: Path) -> str:
    return certificates.fingerprint((folder / "certificate.pem").read_bytes())


class TestAPassiveParty:
    def test_is_told_its_own_line_where_the_job_has_no_fingerprints(self, bare: Path) -> None:
        insurer = bare.parent / "insurer"
        with pytest.raises(SpecError, match="passive parties of a regression sum their") as error:
            identities.of(plan(bare, insurer))
        assert "the job has no `fingerprint` of insurer, pharmacy" in str(error.value)
        assert f'[parties.insurer] fingerprint = "{fingerprint(insurer)}"' in str(error.value)

    def test_knows_the_others_by_the_job(self, job: Path) -> None:
        who = identities.of(plan(job, job.parent / "insurer"))
        assert who is not None
        known = {party: fingerprint(job.parent / party) for party in PASSIVES}
        assert (who.party, who.fingerprints) == ("insurer", known)

    def test_knows_them_by_the_keys_of_a_simulation(self, bare: Path, tmp_path: Path) -> None:
        _, plans = planned(bare)
        folders = provide(plans, tmp_path)
        who = identities.of(plan(bare, folders["pharmacy"]))
        assert who is not None
        assert who.fingerprints == {it: fingerprint(folders[it]) for it in PASSIVES}

    def test_needs_none_where_it_is_the_only_one(self, job: Path) -> None:
        two = job.with_name("job.toml")
        assert identities.of(plan(two, job.parent / "insurer")) is None


class TestTheActiveParty:
    def test_needs_none(self, job: Path) -> None:
        assert identities.of(plan(job, job.parent / "clinic")) is None
