"""Real data, which lies beside the repository and not in it."""

import os
from pathlib import Path

import numpy as np
import pytest

from isthmus.data import reading
from isthmus.data.spec import Dataset
from isthmus.data.table import Table

BESIDE = Path(os.environ.get("ISTHMUS_DATA", Path(__file__).parents[2] / "shared" / "data"))
VERTICAL = BESIDE / "vertical"


def needs(folder: Path) -> pytest.MarkDecorator:
    """Mark of a test that is skipped where this folder does not exist."""
    reason = f"data/{folder.name} is not beside the repository (ISTHMUS_DATA)"
    return pytest.mark.skipif(not folder.exists(), reason=reason)


def rows(name: str, party: str, part: str, train: Table | None = None) -> Table:
    """Rows of one party, in the order of their identifiers."""
    dataset = Dataset(
        path=f"{name}_{party}_{part}.csv.gz",
        identifiers=("id",),
        label="y" if party == "guest" else None,
    )
    loaded = reading.load(dataset, VERTICAL, [], None if train is None else train.coding)
    return loaded.take(np.argsort(np.array(loaded.identifiers)))
