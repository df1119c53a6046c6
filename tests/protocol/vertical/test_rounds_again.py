"""A round that is done again tells what it told before, or the passive party ends it.

What follows from each gradient tells the active party something of the passive party's columns. If
it could start again with other residuals, it would be told as much as it likes.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from isthmus.core.errors import PeerError
from isthmus.data.table import Table
from isthmus.vertical.regression.memory import Memory
from isthmus.vertical.regression.spec import Regression, Shared
from tests.regressions import ACTIVE, Members, Split, a_spec, bfv, train
from tests.roles import Play

TWO = {ACTIVE: (0, 1), "insurer": (2, 3)}
ENCRYPTED = a_spec(encryption=bfv(), max_rounds=2, block_rows=4_096)
SPECS: dict[str, Regression] = {
    "encrypted": ENCRYPTED,
    "batches": a_spec(encryption=bfv(), max_rounds=2, batches=3, block_rows=4_096),
    "shared": a_spec(
        encryption=bfv(),
        level="shared",
        shared=Shared(active_columns=2, rounds=2),
        block_rows=4_096,
    ),
}


def a_split() -> Split:
    random = np.random.default_rng(8)
    x = random.normal(size=(160, 4))
    label = (x @ [1.0, -1.0, 0.5, 0.5] + random.logistic(size=160) > 0).astype(np.float64)
    ids = [b"%d" % at for at in range(160)]
    return Split(Table(ids, x, tuple("abcd"), label), TWO, 128)


def played(spec: Regression, data: Split, folder: Path) -> Play:
    """Train once more, where the passive party alone remembers what it was told before."""
    memory = Memory(folder / "insurer", "job")
    memory.load()
    return train(spec, data, Members(memories={"insurer": memory}), patience=20.0)


@pytest.mark.parametrize("name", SPECS)
class TestRoundsAgain:
    def test_are_refused_with_other_labels(self, name: str, tmp_path: Path) -> None:
        data, spec = a_split(), SPECS[name]
        assert not played(spec, data, tmp_path).raised
        label = data.table.label
        assert label is not None
        flipped = replace(data, table=replace(data.table, label=1 - label))
        outcome = played(spec, flipped, tmp_path)
        with pytest.raises(PeerError, match="has another gradient than before the run was cut off"):
            raise outcome.raised["insurer"]

    def test_go_on_with_the_same_ones(self, name: str, tmp_path: Path) -> None:
        data, spec = a_split(), SPECS[name]
        first, second = (played(spec, data, tmp_path) for _ in range(2))
        assert not second.raised
        ours, theirs = (each.returned["insurer"].part for each in (first, second))
        assert ours.coefficients.tobytes() == theirs.coefficients.tobytes()
