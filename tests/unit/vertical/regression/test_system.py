"""A vertical regression as a job plays it."""

from pathlib import Path

import numpy as np
import pytest

from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Telemetry
from isthmus.data.table import Table
from isthmus.store import checkpoint
from isthmus.store.checkpoint import Checkpoint
from isthmus.transport.loopback import loopback
from isthmus.vertical.regression import system
from isthmus.vertical.regression.spec import Family, Regression
from isthmus.vertical.system import PooledRows, RoleContext

SPEC = Regression(passive_columns=1)


def table(labels: list[float]) -> Table:
    rows = len(labels)
    return Table(
        identifiers=[str(row).encode() for row in range(rows)],
        features=np.arange(float(rows)).reshape(rows, 1) % 5,
        names=("age",),
        label=np.array(labels),
    )


TRAIN = table([0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0])


def together(test: Table) -> PooledRows:
    return PooledRows([TRAIN], [test], job="digest", seed=7)


class TestPooled:
    def test_measures_on_the_test_rows(self) -> None:
        linear = Regression(passive_columns=1, family="gaussian")
        for spec, measures in ((SPEC, {"auc", "ks"}), (linear, {"rmse", "r2"})):
            found = system.pooled(spec, together(TRAIN))
            assert found.keys() == measures
            assert all(values.keys() == {"pooled"} for values in found.values())

    @pytest.mark.parametrize("family", ["binomial", "gaussian"])
    @pytest.mark.parametrize("labels", [[], [1.0], [0.0, 0.0]], ids=["none", "one", "one class"])
    def test_ranks_and_explains_nothing_where_labels_do_not_differ(
        self, family: Family, labels: list[float]
    ) -> None:
        spec = Regression(passive_columns=1, family=family)
        found = system.pooled(spec, together(table(labels)))
        assert found.keys() == ({"auc", "ks"} if family == "binomial" else {"rmse", "r2"})
        undefined = [found.get(name, {"pooled": None}) for name in ("auc", "ks", "r2")]
        assert undefined == [{"pooled": None}] * 3


class TestPlay:
    def test_does_not_go_on_from_a_round_of_other_columns(self, tmp_path: Path) -> None:
        saved = tmp_path / "checkpoint.npz"
        weights = {"weights": np.zeros((2, 4)), "rounds": np.zeros((2, 2))}
        checkpoint.save(saved, "digest height weight", Checkpoint(weights))
        line, _ = loopback("insurer", "clinic")
        lines = {"insurer": line}
        context = RoleContext("active", lines, TRAIN, TRAIN, Telemetry(), saved, "digest", seed=7)
        with pytest.raises(SpecError, match=r"npz: belongs to another job.*Remove it to start"):
            system.play(SPEC, context)
        assert line.sent == []
