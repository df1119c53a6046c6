"""Attacks over many jobs, of which each by itself is harmless: what budgets leave of them."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from isthmus.core.arrays import Floats
from isthmus.core.errors import PolicyError
from isthmus.data.index import split
from isthmus.data.table import Table
from isthmus.jobs.aligned import exposure
from isthmus.jobs.aligned.plan import AlignedPlan
from isthmus.jobs.load import make_plan
from isthmus.store.runs import Run
from isthmus.vertical.regression import scaling
from isthmus.vertical.regression.pooled import train_pooled
from isthmus.vertical.regression.spec import Regression
from tests.unit.jobs.desk import CLINIC, JOB

ROWS, COLUMNS, JOBS = 300, 1, 150
SPEC = Regression(passive_columns=COLUMNS)
IDENTIFIERS = [b"person %d" % row for row in range(ROWS)]


def people(seed: int) -> tuple[Table, Table]:
    """Labels depend a little on a column of each party, as labels do."""
    random = np.random.default_rng(seed)
    ours, theirs, noise = random.normal(size=(3, ROWS))
    label = (0.5 * ours + 0.5 * theirs + noise > 0).astype(np.float64)
    clinic = Table(IDENTIFIERS, ours[:, None], ("age",), label)
    return clinic, Table(IDENTIFIERS, theirs[:, None], ("visits",))


def equation(clinic: Table, insurer: Table, rows: np.ndarray) -> tuple[Floats, float]:
    """What the first gradient of a job over some rows tells: one equation about all residuals."""
    train, alone = clinic.take(rows), train_pooled(clinic.take(rows), SPEC)
    assert train.label is not None
    residual = alone.predict(train.features) - train.label
    theirs = insurer.take(rows)
    weights = np.zeros(ROWS)
    weights[rows] = scaling.fit(theirs)(theirs.features)[:, 0]
    return weights, float(weights[rows] @ residual)


def area(clinic: Table, insurer: Table, jobs: int) -> float:
    """How well least squares over the equations of many jobs ranks all rows by label."""
    told = [
        equation(clinic, insurer, split(IDENTIFIERS, 0.2, seed)[0]) for seed in range(1, jobs + 1)
    ]
    known, sums = np.array([each[0] for each in told]), np.array([each[1] for each in told])
    guess = -np.linalg.lstsq(known, sums, rcond=1e-3)[0]
    return float(roc_auc_score(clinic.label, guess))


@pytest.fixture
def plan(tmp_path: Path) -> AlignedPlan:
    """The clinic of a job whose insurer brings one column."""
    job = tmp_path / "job.toml"
    job.write_text(JOB.replace("passive_columns = 2", f"passive_columns = {COLUMNS}"))
    folder = tmp_path / "clinic"
    folder.mkdir()
    rows = "".join(f"person {row},{row % 2},{row % 7}\n" for row in range(ROWS))
    (folder / "people.csv").write_text(f"person_id,ill,age\n{rows}")
    (folder / "party.toml").write_text(CLINIC)
    found = make_plan(job, folder / "party.toml")
    assert isinstance(found, AlignedPlan)
    return found


def a_run(folder: Path, name: str) -> Run:
    """A run that has said its first word."""
    run = Run(folder / name)
    run.folder.mkdir(parents=True)
    run.ledger.write_text(f"the first line of {name}\n")
    return run


def test_many_jobs_with_other_seeds_are_stopped_before_they_tell_labels(
    plan: AlignedPlan, tmp_path: Path
) -> None:
    clinic, insurer = people(3)
    began = 0
    for seed in range(1, JOBS + 1):
        train, _ = split(IDENTIFIERS, 0.2, seed)
        with suppress(PolicyError):
            exposure.begin(plan, a_run(tmp_path, f"run {seed}"), clinic.take(train))
            began += 1
    assert 10 <= began <= 12  # 0.1 equations a rarer label, with one about some 120 each time

    own = float(roc_auc_score(clinic.label, insurer.features[:, 0]))
    assert area(clinic, insurer, JOBS) > own + 0.15
    assert area(clinic, insurer, began) < own + 0.05


def test_two_jobs_that_differ_by_one_row_tell_its_label_and_so_the_second_is_refused(
    plan: AlignedPlan, tmp_path: Path
) -> None:
    clinic, insurer = people(5)
    assert clinic.label is not None
    every, right = np.arange(ROWS), 0
    with_all = equation(clinic, insurer, every)[1]
    for person in range(60):
        others = np.delete(every, person)
        weights, without = equation(clinic, insurer, others)
        residual = (with_all - without) / insurer.features[person, 0]
        del weights
        right += (residual < 0) == (clinic.label[person] == 1)
    assert right >= 50

    exposure.begin(plan, a_run(tmp_path, "all"), clinic)
    for number, left_out in enumerate((1, 19)):
        with pytest.raises(PolicyError, match=rf"differ by {left_out} from those of an earlier"):
            exposure.begin(plan, a_run(tmp_path, f"{number}"), clinic.take(every[left_out:]))
    exposure.begin(plan, a_run(tmp_path, "others"), clinic.take(every[20:]))
