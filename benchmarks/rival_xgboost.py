"""Boosted trees by XGBoost on all columns in one place, which needs nothing of ours.

`python rival_xgboost.py SETTINGS FILE FILE` leaves what it took in cost.json. SETTINGS is the table
[boosting] of a job in JSON; the first file has the labels.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray


def main(settings: dict[str, Any], files: list[str]) -> None:
    train = xgb.QuantileDMatrix(*joined(files, ""), max_bin=settings["bins"])
    model = xgb.Booster(parameters(settings), [train])
    marks = [mark()]
    for tree in range(settings["trees"]):
        model.update(train, tree)
        marks.append(mark())
    auc = float(model.eval(xgb.DMatrix(*joined(files, "_test"))).rpartition(":")[2])
    Path("cost.json").write_text(json.dumps({"marks": marks, "auc": auc}))


def parameters(settings: dict[str, Any]) -> dict[str, Any]:
    """What XGBoost calls what was asked for; all else as it comes."""
    return {
        "objective": "binary:logistic",
        "eval_metric": "auc",
        "tree_method": "hist",
        "max_bin": settings["bins"],
        "max_depth": settings["depth"],
        "learning_rate": settings["learning_rate"],
        "reg_lambda": settings["l2"],
        "gamma": settings["minimum_gain"],
        "min_child_weight": settings["minimum_child_weight"],
        "nthread": os.cpu_count(),
    }


def joined(files: list[str], part: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """All columns, and the label."""
    parties = [np.load(file) for file in files]
    return np.hstack([arrays[f"x{part}"] for arrays in parties]), parties[0][f"y{part}"]


def mark() -> dict[str, float]:
    """Where training is now: the time, and what was spent until then."""
    return {"time": time.perf_counter(), "cpu": time.process_time(), "sent": 0}


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), sys.argv[2:])
