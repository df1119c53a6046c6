"""Coefficients and predictions of both levels, beside scikit-learn on joined columns."""
# scikit-learn and pyarrow have no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet
from sklearn.metrics import roc_auc_score

from benchmarks import simulated
from benchmarks.measurement import Row
from benchmarks.regression_jobs import Trained, train
from benchmarks.simulated import ACTIVE, PASSIVE, TEST, TRAIN, Workload
from isthmus.core.arrays import Floats
from isthmus.core.seeds import generator
from isthmus.data import reading
from isthmus.data.spec import Dataset
from isthmus.data.table import Table, joined
from isthmus.vertical.regression.model import Part
from isthmus.vertical.regression.pooled import train_pooled
from isthmus.vertical.regression.spec import Regression

EXAMPLE = Path(__file__).parents[1] / "examples" / "health"

COEFFICIENTS, AUC = "coefficients differ by", "AUC differs by"
"""Columns of the table: of the length of the vector of all coefficients, and the difference."""

Train = Callable[[Workload, Regression], Trained]


@dataclass(frozen=True)
class Case:
    """Rows to train on, and the jobs."""

    workload: Workload
    jobs: Sequence[Regression]


def table(cases: Sequence[Case], play: Train = train) -> list[Row]:
    """Train each job, and compare.

    Args:
        cases: What is trained.
        play: Trains.

    Returns:
        A row for each job.
    """
    return [row for case in cases for row in compared(case, play)]


def compared(case: Case, play: Train) -> list[Row]:
    """The rows of one case."""
    tables = {
        part: [case.workload.rows(party, part) for party in (ACTIVE, PASSIVE)]
        for part in (TRAIN, TEST)
    }
    rows = list[Row]()
    for job in case.jobs:
        pooled = train_pooled(joined(tables[TRAIN]), job)
        trained = play(case.workload, job)
        ours = _coefficients([trained.parts[party] for party in (ACTIVE, PASSIVE)])
        theirs = _coefficients([pooled])
        scores = trained.parts[ACTIVE].predict(
            tables[TEST][0].features, trained.parts[PASSIVE].predictor(tables[TEST][1].features)
        )
        aucs = [
            auc(tables[TEST][0], found)
            for found in (scores, pooled.predict(joined(tables[TEST]).features))
        ]
        rows.append(
            {
                "rows": case.workload.name,
                "family": job.family,
                "level": job.level,
                "functions": trained.functions,
                "rounds": trained.rounds,
                COEFFICIENTS: float(np.linalg.norm(ours - theirs) / np.linalg.norm(theirs)),
                "AUC": aucs[0],
                "AUC, scikit-learn": aucs[1],
                AUC: abs(aucs[0] - aucs[1]),
            }
        )
    return rows


def auc(rows: Table, scores: Floats) -> float:
    """Of two classes, or the mean over all of several, each against the rest."""
    return float(roc_auc_score(rows.label, scores, multi_class="ovr"))


def _coefficients(parts: Sequence[Part]) -> Floats:
    """Without intercept; of classes, less their mean, which tells nothing."""
    found = np.concatenate([part.coefficients for part in parts])
    return found if found.ndim == 1 else found - found.mean(axis=1, keepdims=True)


def one_against_the_rest(workload: Workload, label: int, folder: Path) -> Workload:
    """The same rows with a label of 1 for one class, and 0 for all others.

    Args:
        workload: Rows with classes.
        label: The class.
        folder: Where the files go.

    Returns:
        The workload.
    """
    changed = {
        part: replace(rows, label=(rows.label == label).astype(np.float64))
        for part in (TRAIN, TEST)
        if (rows := workload.rows(ACTIVE, part)).label is not None
    }
    files = dict(workload.files)
    for part, rows in changed.items():
        files[ACTIVE, part] = _write(rows, folder / f"{workload.name}-{part}.parquet")
    return replace(workload, name=f"{workload.name}, class {label} or not", files=files)


def health(folder: Path, example: Path = EXAMPLE) -> Workload:
    """The shared rows of the health example, a fifth of them for testing.

    Args:
        folder: Where the files go.
        example: The example.

    Returns:
        The workload.
    """
    columns = {"clinic": ("physlm", "disea", "hlth*"), "insurer": ("lncoins", "idp", "lpi", "fmde")}
    tables = {
        party: reading.load(
            Dataset(
                path=str(example / party / "people.csv.gz"),
                identifiers=("person_id",),
                label="sees_doctor" if party == "clinic" else None,
                columns=chosen,
            ),
            Path(),
            ["trim", "lower"],
        )
        for party, chosen in columns.items()
    }
    places = {
        party: {identifier: row for row, identifier in enumerate(rows.identifiers)}
        for party, rows in tables.items()
    }
    shared = sorted(set.intersection(*map(set, places.values())))
    shuffled = generator(7, "benchmark").permutation(len(shared))
    tests = len(shared) // 5
    files = dict[tuple[str, str], Path]()
    for party, name in ((ACTIVE, "clinic"), (PASSIVE, "insurer")):
        for part, chosen in ((TRAIN, shuffled[tests:]), (TEST, shuffled[:tests])):
            wanted = np.array([places[name][shared[row]] for row in chosen])
            rows = tables[name].take(wanted)
            files[party, part] = _write(rows, folder / f"health-{party}-{part}.parquet")
    return Workload("health", files, passive_columns=len(columns["insurer"]))


def _write(rows: Table, file: Path) -> Path:
    ids = [identifier.decode() for identifier in rows.identifiers]
    named: Mapping[str, object] = dict(zip(rows.names, rows.features.T, strict=True))
    label = {} if rows.label is None else {simulated.LABEL: rows.label}
    parquet.write_table(pa.table({simulated.IDENTIFIER: ids, **label, **named}), file)
    return file
