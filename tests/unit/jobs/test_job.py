"""The job file: read, written back, changed, and compared by its digest."""

from pathlib import Path

import pytest

from isthmus.core import spec
from isthmus.core.errors import SpecError
from isthmus.jobs.job import Job
from isthmus.jobs.registry import FAMILIES, ROWS

EXAMPLES = sorted(Path("examples").glob("*/*.toml"))


@pytest.fixture
def job(template: Path) -> Job:
    return Job.load(template / "job.toml")


class TestJob:
    @pytest.mark.parametrize("file", EXAMPLES, ids=str)
    def test_is_written_as_it_was_read(self, file: Path, tmp_path: Path) -> None:
        job = Job.load(file)
        job.save(tmp_path / "job.toml")
        assert Job.load(tmp_path / "job.toml") == job
        assert Job.load(tmp_path / "job.toml").digest == job.digest

    def test_knows_who_plays_a_role_and_who_the_others_are(self, job: Job) -> None:
        assert (job.in_role("passive"), list(job.peers("clinic"))) == ("insurer", ["insurer"])

    def test_has_a_table_for_every_system_and_family(self, job: Job) -> None:
        tables = {row.table for row in ROWS} | {name for each in FAMILIES for name in each.tables}
        assert tables <= job.tables.keys()
        used = {name for name in tables if job.tables[name] is not None}
        assert used == {"alignment", "regression"}


class TestDigest:
    def test_is_of_what_the_job_says_and_of_no_table_that_it_does_not_use(self, job: Job) -> None:
        top = {key.partition(".")[0] for key in spec.key_digests(job)}
        keys = {"name", "seed", "disclosed", "data", "parties", "alignment", "regression"}
        assert top == keys
        assert job.digest == spec.digest(job)

    def test_changes_with_what_the_job_says(self, job: Job) -> None:
        assert job.replace(seed=8).digest != job.digest


class TestReplace:
    def test_gives_a_copy_with_other_values(self, job: Job) -> None:
        assert job.replace(seed=8).seed == 8
        assert job.seed == 7

    def test_checks_the_values(self, job: Job) -> None:
        with pytest.raises(
            SpecError, match=r"^job: `seed` is -1, and must be a whole number of at least 0"
        ):
            job.replace(seed=-1)
