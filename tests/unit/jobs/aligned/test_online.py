"""Both parties of a job that scores single rows, as the active party asks for them."""

import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import csv

import isthmus
from isthmus.api.online import OnlineScorer
from isthmus.jobs.run import run
from isthmus.jobs.trained import write_scoring_job
from isthmus.store.runs import Run
from tests.unit.jobs.aligned.scored import by_person, trained
from tests.unit.jobs.desk import Desk

SCORES = ("score", "score_0", "score_1")


@pytest.fixture
def desk(desks: Path, tmp_path: Path) -> Desk:
    """Parties that have trained, and a job that scores single rows with their model."""
    found = Desk(Path(shutil.copytree(desks, tmp_path / "desk", symlinks=True)))
    found.job = found.folder / "online.toml"
    write_scoring_job(found.folder / "clinic" / "runs", found.job, online=True)
    return found


@contextmanager
def asked(desk: Desk) -> Iterator[tuple[OnlineScorer, Future[Run]]]:
    """The clinic's open line, and what the insurer is left with at its end."""
    with ThreadPoolExecutor(1) as threads:
        answering = threads.submit(run, desk.job, desk.party_file("insurer"))
        model = isthmus.load(trained(desk, "clinic").folder)
        with model.online(desk.job, desk.party_file("clinic")) as scorer:
            yield scorer, answering


def people(desk: Desk) -> pa.Table:
    return csv.read_csv(desk.folder / "clinic" / "people.csv")


def only_scores(row: Mapping[str, Any]) -> dict[str, float]:
    return {name: value for name, value in row.items() if name in SCORES}


class TestPredict:
    def test_gives_rows_the_scores_of_training_to_the_last_digit(self, desk: Desk) -> None:
        before = by_person(trained(desk, "clinic"))
        rows = people(desk)
        shared = rows.filter(pa.compute.is_in(rows["person_id"], pa.array(list(before))))
        with asked(desk) as (scorer, _):
            at_once = scorer.predict(shared.slice(0, 20)).to_pylist()
            one_by_one = [scorer.predict(shared.slice(at, 1)).to_pylist()[0] for at in range(20)]
            known = scorer.predict(shared.select(["person_id"]).slice(0, 20)).to_pylist()
        assert [row["person_id"] for row in at_once] == shared["person_id"].to_pylist()[:20]
        for found in (at_once, one_by_one, known):
            for row in found:
                assert only_scores(row) == only_scores(before[row["person_id"]])
