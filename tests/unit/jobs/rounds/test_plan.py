"""What a child brings to a job in rounds, against what the job promises."""

from pathlib import Path

import pytest

from isthmus.core.errors import SpecError
from isthmus.jobs.load import load_job, make_plan

CHILDREN = ("north", "south", "east")

JOB = """
name = "labs"
seed = 7
disclosed = ["Confirmation", "RoundStart", "RoundUpdate", "Published"]

[parties]
hub = { role = "master" }
north = { role = "child" }
south = { role = "child" }
east = { role = "child" }

[data]
train = "labs"

[encoders.network]
type = "tabular"
columns = ["age", "sodium"]
"""

NOISE = """
ranges = { age = [0, 120], sodium = [100, 180] }

[encoders.privacy.sample_level]
noise = 1.1
"""


def bring(folder: Path, job: str, missing: str) -> None:
    """Plan as a child whose file has an empty cell."""
    (folder / "job.toml").write_text(job)
    (folder / "labs.csv").write_text("age,sodium\n30,140\n,150\n50,130\n60,120\n")
    (folder / "north.toml").write_text(
        'party = "north"\n[datasets.labs]\npath = "labs.csv"\ntype = "tabular"\n'
        f"missing = {missing}\n"
    )
    make_plan(folder / "job.toml", folder / "north.toml")


class TestNoiseOfSamples:
    def test_needs_public_ranges_of_columns(self, tmp_path: Path) -> None:
        (tmp_path / "job.toml").write_text(JOB + NOISE.replace("ranges", "# ranges"))
        with pytest.raises(SpecError, match=r"job.toml: .*without `ranges` each child scales its"):
            load_job(tmp_path / "job.toml")

    def test_is_refused_where_a_mean_of_the_samples_fills_empty_cells(self, tmp_path: Path) -> None:
        with pytest.raises(
            SpecError, match=r"north.toml: `datasets.labs.missing = \"mean\"` fills"
        ):
            bring(tmp_path, JOB + NOISE, '"mean"')
        bring(tmp_path, JOB + NOISE, "60")
        bring(tmp_path, JOB, '"mean"')
