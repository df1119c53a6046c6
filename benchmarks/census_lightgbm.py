"""LightGBM on Census-Income: one model per task, in an environment of its own."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import numpy as np

from benchmarks import census, rivals
from benchmarks.census import AMOUNTS, CATEGORIES, INCOME, TASKS, TRAIN, Census
from benchmarks.census_training import Trained

REQUIREMENT = "lightgbm==4.7.0"
PATIENCE = 900.0
"""Seconds that a process may take."""

BY_DEFAULT, TUNED = "LightGBM as it comes", "LightGBM, tuned"
PARAMETERS: Mapping[str, Mapping[str, float]] = {
    BY_DEFAULT: {},
    TUNED: {
        "learning_rate": 0.05,
        "num_leaves": 15,
        "feature_fraction": 0.5,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
    },
}
"""By name on the page. Both grow as many trees as were best on the validation part."""


class _Boosted(msgspec.Struct, frozen=True):
    auc: float
    trees: int
    cpu: float
    rows: int


def train(python: Path, rows: Census, share: float, name: str, seed: int) -> Trained:
    """Train a model per task, and score the test part.

    Args:
        python: The interpreter of an environment with LightGBM.
        rows: The parts.
        share: Of the training rows that keep the label of income.
        name: Of `PARAMETERS`.
        seed: Of LightGBM, and of which labels are left: the same as ours.

    Returns:
        What the models were worth, and what they took.
    """
    program = Path(__file__).with_name("rival_lightgbm.py")
    with TemporaryDirectory() as folder:
        file = Path(folder, "rows.npz")
        with file.open("wb") as opened:
            np.savez(opened, allow_pickle=False, **arrays(rows, share, seed))
        settings = msgspec.json.encode({**PARAMETERS[name], "seed": seed}).decode()
        (found,) = rivals.play(python, program, [[settings, str(file)]], list[_Boosted], PATIENCE)
    return Trained(
        auc={task: each.auc for task, each in zip(TASKS, found, strict=True)},
        samples=sum(each.rows for each in found),
        cpu=sum(each.cpu for each in found),
        flushes={f"trees {task}": each.trees for task, each in zip(TASKS, found, strict=True)},
    )


def arrays(rows: Census, share: float, seed: int) -> dict[str, Any]:
    """The columns of each part as numbers, and its labels, NaN where one is missing."""
    found = dict[str, Any]()
    learned = census.without_labels(rows.parts[TRAIN], INCOME, share, seed)
    for part, table in {**rows.parts, TRAIN: learned}.items():
        categories = [
            census.codes(table.column(name), rows.parts[TRAIN].column(name)) for name in CATEGORIES
        ]
        amounts = [table.column(name).to_numpy() for name in AMOUNTS]
        labels = [table.column(task).to_numpy().astype(np.float64) for task in TASKS]
        found[f"{part}_rows"] = np.stack([*categories, *amounts], axis=1).astype(np.float32)
        found[f"{part}_labels"] = np.stack(labels, axis=1)
    found["categories"] = np.arange(len(CATEGORIES) + len(AMOUNTS)) < len(CATEGORIES)
    return found
