"""The job of each of our rows in the benchmark of tasks, as it was tuned on the validation part."""

from collections.abc import Mapping, Sequence

from benchmarks.census import TASKS, Encoding
from benchmarks.census_training import Table, Training

ALL, FEW = 1.0, 0.05
"""Shares of the training rows that have a label of income."""

SINGLE = "single task"
JOINT, JOINT_FIXED = "joint_when_complete, label_rate", "joint_when_complete, fixed"
BY_RATE, FIXED = "a queue per task, label_rate", "a queue per task, fixed"
QUEUES: Mapping[str, Table] = {
    SINGLE: {},
    JOINT: {},
    JOINT_FIXED: {"threshold": "fixed"},
    BY_RATE: {"joint_when_complete": False},
    FIXED: {"joint_when_complete": False, "threshold": "fixed"},
}
"""The table `[multitask.queues]` by name on the page."""

_ADAM = {"kind": "adam", "rate": 2e-3}

MANY_LABELS: Table = {
    "model": "dcn",
    "dimension": 4,
    "hidden": [256],
    "tower": [],
    "batch_rows": 512,
    "epochs": 5,
    "server": {"dense": _ADAM},
}
"""For all labels: shared layers below two towers."""

FEW_LABELS: Table = {
    "model": "dcn",
    "dimension": 4,
    "cross_layers": 1,
    "sharing": "ple",
    "experts": 1,
    "own_experts": 1,
    "hidden": [256],
    "tower": [],
    "batch_rows": 256,
    "epochs": 2,
}
"""For few: an expert in common, and one for each task."""

ONE_TASK_FEW_LABELS: Table = {
    "model": "dcn",
    "dimension": 4,
    "cross_layers": 1,
    "hidden": [256],
    "tower": [],
    "batch_rows": 16,
    "epochs": 2,
}
"""For one task with few: small batches, as label_rate has them."""

FINE, COARSE = Encoding(buckets=64, least=10), Encoding(buckets=4, least=100)


def training(share: float, name: str, seed: int, tasks: Sequence[str] = TASKS) -> Training:
    """Describe a training.

    Args:
        share: Of the training rows that have a label of income.
        name: Of `QUEUES`.
        seed: Of the job.
        tasks: What to predict.

    Returns:
        The training, with the settings that were best on the validation part.
    """
    few = share < 1
    table = MANY_LABELS
    if few:
        table = FEW_LABELS if name != SINGLE else ONE_TASK_FEW_LABELS
    return Training(
        table={**table, "queues": QUEUES[name]},
        encoding=COARSE if few else FINE,
        seed=seed,
        share=share,
        tasks=tuple(tasks),
    )
