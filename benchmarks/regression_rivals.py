"""SecretFlow's regression on secret shares, on the rows of a workload."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from benchmarks import boosting_rivals, rivals
from benchmarks.boosting_rivals import SGB
from benchmarks.pace import Course
from benchmarks.regression_jobs import Spent
from benchmarks.simulated import Workload

SSLR = SGB.replace("SGB", "SS-LR")

EPOCHS = 3
"""With these, its AUC is as near to scikit-learn's as it gets."""

SETTINGS: Mapping[str, object] = {
    "epochs": EPOCHS,
    "learning_rate": 0.3,
    "batch_size": 1024,
    "sig_type": "t1",
    "l2_norm": 1e-4,
}

PATIENCE = 600.0
"""Seconds that a training may take."""


@dataclass(frozen=True)
class Fitted:
    """What a rival took."""

    rounds: int
    """Passes over the rows."""

    fit: Spent
    round: Spent
    sent: int
    """Bytes in all, both ways."""

    auc: float


def environment() -> AbstractContextManager[Path]:
    """Returns the environment that boosted trees run in, too."""
    pins = Path(__file__).with_name("rival_sgb.txt")
    return rivals.installed(SGB.removeprefix("SGB of "), pins)


def train_sslr(
    python: Path, workload: Workload, settings: Mapping[str, object] = SETTINGS
) -> Fitted:
    """Let two processes train on secret shares.

    Args:
        python: The interpreter of its environment.
        workload: The rows.
        settings: Of `SSRegression.fit`.

    Returns:
        What it took, from before the first pass.
    """
    with TemporaryDirectory() as folder:
        files = boosting_rivals.write(workload, Path(folder))
        shared = [*rivals.free_addresses(2 * len(files)), *map(str, files)]
        said = msgspec.json.encode(settings).decode()
        each = [[said, str(party), *shared] for party in range(len(files))]
        program = Path(__file__).with_name("rival_sslr.py")
        return fitted(rivals.play(python, program, each, Course, PATIENCE))


def fitted(courses: Sequence[Course]) -> Fitted:
    """What a training took.

    Args:
        courses: Of its processes, each with a mark before the first pass and one after each; the
            first process has the clock.

    Returns:
        The whole, and a pass on average.
    """
    marks = courses[0].marks
    rounds = len(marks) - 1
    wall = marks[-1].time - marks[0].time
    cpu = sum(course.marks[-1].cpu - course.marks[0].cpu for course in courses)
    sent = sum(course.marks[-1].sent - course.marks[0].sent for course in courses)
    return Fitted(
        rounds, Spent(wall, cpu), Spent(wall / rounds, cpu / rounds), sent, courses[0].auc
    )


@dataclass(frozen=True)
class Rival:
    """Somebody else's regression."""

    environment: Callable[[], AbstractContextManager[Path]]
    train: Callable[[Path, Workload], Fitted]


RIVALS: Mapping[str, Rival] = {SSLR: Rival(environment, train_sslr)}
