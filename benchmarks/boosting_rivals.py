"""Boosted trees by others: SecretFlow's SGB under HEU, and XGBoost on joined data."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec
import numpy as np

from benchmarks import rivals
from benchmarks.pace import Course, Pace, pace
from benchmarks.simulated import ACTIVE, PASSIVE, TEST, TRAIN, Workload
from isthmus.vertical.boosting.spec import Boosting

SGB = "SGB of secretflow-lite==1.11.0b1"
XGBOOST = "XGBoost hist"

PATIENCE = 7_200.0
"""Seconds that a training may take."""

TRIES = 5

Train = Callable[[Path, Boosting, Sequence[Path]], Pace]
"""What trains on the files that `write` left, with the Python of a rival's environment."""


@dataclass(frozen=True)
class Rival:
    """Somebody else's boosted trees."""

    environment: Callable[[], AbstractContextManager[Path]]
    """Makes an environment, and has its Python."""

    train: Train


def train_sgb(python: Path, boosting: Boosting, files: Sequence[Path]) -> Pace:
    """Let two processes train under encryption, and tell what it took."""
    shared = [*rivals.free_addresses(len(files)), *map(str, files)]
    each = [[_settings(boosting), str(party), *shared] for party in range(len(files))]
    return _train(python, "rival_sgb.py", each)


def train_xgboost(python: Path, boosting: Boosting, files: Sequence[Path]) -> Pace:
    """Let one process train on joined columns, and tell what it took: the fastest of some tries.

    A tree takes it milliseconds, or a hundred times as long while others use the same cores.
    """
    each = [[_settings(boosting), *map(str, files)]]
    tries = [_train(python, "rival_xgboost.py", each) for _ in range(TRIES)]
    return min(tries, key=lambda pace: pace.wall)


RIVALS: Mapping[str, Rival] = {
    SGB: Rival(
        partial(
            rivals.installed,
            SGB.removeprefix("SGB of "),
            Path(__file__).with_name("rival_sgb.txt"),
        ),
        train_sgb,
    ),
    XGBOOST: Rival(partial(rivals.installed, "xgboost-cpu==3.2.0"), train_xgboost),
}


def write(workload: Workload, folder: Path) -> list[Path]:
    """Lay the rows of a workload down as rivals read them: numpy's arrays, rows in one order.

    Args:
        workload: The rows.
        folder: Where the files go.

    Returns:
        The file of the active party, with labels, and that of the passive one.
    """
    files = []
    for party in (ACTIVE, PASSIVE):
        arrays = dict[str, np.ndarray]()
        for part, suffix in ((TRAIN, ""), (TEST, "_test")):
            rows = workload.rows(party, part)
            arrays[f"x{suffix}"] = rows.features
            if rows.label is not None:
                arrays[f"y{suffix}"] = rows.label
        files.append(folder / f"{party}.npz")
        with files[-1].open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
    return files


def _settings(boosting: Boosting) -> str:
    return msgspec.json.encode(boosting).decode()


def _train(python: Path, program: str, arguments: Sequence[Sequence[str]]) -> Pace:
    path = Path(__file__).with_name(program)
    return pace(rivals.play(python, path, arguments, Course, PATIENCE))
