"""The data of a baseline."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from isthmus.data.table import Table
from isthmus.vertical.baseline.spec import BoostingBaseline
from isthmus.vertical.boosting.spec import Boosting


@dataclass(frozen=True)
class Data:
    """Training and test rows."""

    train: Table
    test: Table
    monotone: Mapping[str, int]
    seed: int
    job: str
    """Digest of the job."""


def as_boosting(spec: BoostingBaseline) -> Boosting:
    """Returns the `[boosting]` table that grows the same trees in a joint job."""
    return Boosting(**msgspec.structs.asdict(spec))
