"""Boosted trees by LightGBM, one model per task, which needs nothing of ours.

`python rival_lightgbm.py SETTINGS FILE` leaves what it found in cost.json. SETTINGS is LightGBM's
parameters in JSON; the file has the columns of each part, which of them are categories, and labels,
NaN where one is missing. How many trees there are is found on the validation part.
"""

import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np

MOST_TREES = 2_000
PATIENCE = 50
"""Trees without a gain on the validation part until no more are grown."""


def main(settings: dict[str, Any], file: str) -> None:
    warnings.simplefilter("ignore")
    arrays = np.load(file)
    categories = np.flatnonzero(arrays["categories"]).tolist()
    found = []
    for task in range(arrays["train_labels"].shape[1]):
        began = time.process_time()
        parts = {part: known(arrays, part, task) for part in ("train", "validation", "test")}
        train = lgb.Dataset(*parts["train"], categorical_feature=categories)
        watched = lgb.Dataset(*parts["validation"], reference=train)
        model = lgb.train(
            parameters(settings),
            train,
            MOST_TREES,
            [watched],
            callbacks=[lgb.early_stopping(PATIENCE, verbose=False)],
        )
        trained = time.process_time() - began
        x, label = parts["test"]
        scores = np.asarray(model.predict(x))
        found.append(
            {
                "auc": auc(label, scores),
                "trees": model.best_iteration,
                "cpu": trained,
                "rows": len(parts["train"][0]),
            }
        )
    Path("cost.json").write_text(json.dumps(found))


def known(arrays: Any, part: str, task: int) -> tuple[Any, Any]:
    """The rows of a part that have the label of a task."""
    label = arrays[f"{part}_labels"][:, task]
    there = ~np.isnan(label)
    return arrays[f"{part}_rows"][there], label[there]


def parameters(settings: dict[str, Any]) -> dict[str, Any]:
    """What was asked for, and what makes a run repeatable; all else as it comes."""
    fixed = {"objective": "binary", "metric": "auc", "verbosity": -1, "deterministic": True}
    return {**fixed, "force_row_wise": True, "num_threads": 1, **settings}


def auc(label: Any, scores: Any) -> float:
    """Probability that a positive row scores above a negative one; half of it where they tie."""
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    positive = label == 1
    count = positive.sum()
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * (~positive).sum()))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), sys.argv[2])
