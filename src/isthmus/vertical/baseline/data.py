"""What a baseline is trained on."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from isthmus.data.table import Table
from isthmus.vertical.baseline.spec import BoostingBaseline
from isthmus.vertical.boosting.spec import Boosting


@dataclass(frozen=True)
class Data:
    """Rows to train on and rows to score."""

    train: Table
    test: Table
    monotone: Mapping[str, int]
    seed: int
    job: str
    """Digest of the job."""


def as_boosting(spec: BoostingBaseline) -> Boosting:
    """The same trees as a joint job would grow."""
    return Boosting(**msgspec.structs.asdict(spec))
