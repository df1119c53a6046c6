"""What parties have before and after they score rows."""

from collections.abc import Mapping
from typing import Any

from pyarrow import parquet

from isthmus.store.runs import Run
from tests.unit.jobs.desk import Desk


def trained(desk: Desk, party: str) -> Run:
    (folder,) = (desk.folder / party / "runs").glob("trial-2*")
    return Run(folder)


def by_person(scored: Run) -> Mapping[str, dict[str, Any]]:
    return {row["person_id"]: row for row in parquet.read_table(scored.predictions).to_pylist()}
