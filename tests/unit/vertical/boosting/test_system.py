"""What a job with boosted trees asks of its parties, and what it measures."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from isthmus.core.arrays import Floats
from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Telemetry
from isthmus.crypto.encryption import Encryption
from isthmus.data.table import Table
from isthmus.evaluation.description import Metrics, measured
from isthmus.transport.channel import Channel
from isthmus.vertical.boosting import outcome, system
from isthmus.vertical.boosting.model import ActivePart
from isthmus.vertical.boosting.spec import Boosting
from isthmus.vertical.system import Outcome, PooledRows, RoleContext
from tests.roles import Role, run_together

ROWS = 400
NUMBERS = np.random.default_rng(5)
SPEC = Boosting(trees=5)


def table(
    name: str, values: Floats, label: Floats | None = None, weight: Floats | None = None
) -> Table:
    identifiers = [b"%d" % row for row in range(len(values))]
    return Table(identifiers, values[:, None], (name,), label, weight)


OURS, THEIRS = NUMBERS.normal(size=ROWS), NUMBERS.normal(size=ROWS)
ILL = (OURS + THEIRS + NUMBERS.normal(size=ROWS) > 0).astype(np.float64)
CLINIC, INSURER = table("age", OURS, ILL), table("costs", THEIRS)
BARE = Table(CLINIC.identifiers, np.empty((ROWS, 0)), (), ILL)


class TestCheckParty:
    def test_accepts_an_active_party_without_columns(self) -> None:
        system.check_party(SPEC, "clinic", "active", BARE)

    def test_refuses_local_trees_without_columns(self) -> None:
        with pytest.raises(SpecError, match=r"`boosting\.local_trees` grows trees on the active"):
            system.check_party(Boosting(local_trees=1), "clinic", "active", BARE)

    def test_refuses_a_label_that_the_objective_does_not_know(self) -> None:
        with pytest.raises(SpecError, match="values other than 0 and 1"):
            system.check_party(SPEC, "clinic", "active", table("age", OURS, ILL * 2))

    def test_refuses_such_a_label_of_test_rows(self) -> None:
        with pytest.raises(SpecError, match="the label of the test rows has values other than"):
            system.check_party(SPEC, "clinic", "active", CLINIC, table("age", OURS, ILL * 2))

    def test_refuses_weights_beside_private_leaves(self) -> None:
        weighted = table("age", OURS, ILL, np.full(ROWS, 2.0))
        with pytest.raises(SpecError, match="leave out one of the two"):
            system.check_party(Boosting(leaf_epsilon=1.0), "clinic", "active", weighted)

    def test_refuses_a_passive_party_without_columns(self) -> None:
        with pytest.raises(SpecError, match="has nothing else to bring"):
            system.check_party(SPEC, "insurer", "passive", BARE)

    def test_refuses_weights_at_a_passive_party(self) -> None:
        with pytest.raises(SpecError, match="sample weights are the active party's"):
            system.check_party(
                SPEC, "insurer", "passive", table("costs", THEIRS, weight=np.ones(ROWS))
            )


def played(
    folder: Path,
    clinic: Table,
    insurer: Table = INSURER,
    **changes: Any,
) -> Outcome:
    """The outcome of a job at the clinic."""
    small: dict[str, Any] = {"trees": 1, "depth": 1, "encryption": Encryption(key_bits=2048)}
    spec = Boosting(**(small | changes))

    def play(role: str, rows: Table) -> Role:
        def perform(line: Channel) -> Outcome:
            peers, checkpoint = {line.peer: line}, folder / role
            context = RoleContext(
                role, peers, rows, rows, Telemetry(), checkpoint, "digest", seed=7
            )
            return system.play(spec, context)

        return perform

    found = run_together(clinic=play("active", clinic), insurer=play("passive", insurer))
    ended: Outcome = found["clinic"]
    return ended


class TestPlay:
    def test_sets_a_party_without_columns_beside_a_guess(self, tmp_path: Path) -> None:
        ended = played(tmp_path, BARE).measure()
        metrics = measured(ended.metrics)
        assert metrics["auc"]["joint"] > 0.6
        assert metrics["auc"]["active_only"] == 0.5
        assert ended.scores is not None
        assert ended.scores.alone == pytest.approx(ILL.mean())

    def test_measures_leakage_where_nodes_are_more_than_rows(self, tmp_path: Path) -> None:
        rows = np.arange(40)
        clinic, insurer = CLINIC.take(rows), INSURER.take(rows)
        ended = played(
            tmp_path, clinic, insurer, trees=20, depth=3, minimum_bin_rows=3, minimum_node_rows=6
        )
        assert isinstance(ended.model, ActivePart)
        assert sum(len(tree.code) for tree in ended.model.trees) > len(rows)
        assert ended.measure().leakage["cluster_auc"] > 0.6

    def test_has_all_but_leakage_where_leakage_cannot_be_measured(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> float:
            raise ValueError("no such array")

        monkeypatch.setattr(outcome, "cluster_auc", fail)
        ended = played(tmp_path, CLINIC)
        assert isinstance(ended.model, ActivePart)
        found = ended.measure()
        assert found.metrics["auc"].keys() == {"joint", "active_only"}
        assert found.leakage == {}
        assert found.missing == {
            "leakage.cluster_auc": "ValueError: this is a bug in isthmus, please report it"
        }

    def test_has_no_tolerance_to_converge_to(self, tmp_path: Path) -> None:
        assert played(tmp_path, CLINIC).converged is None

    def test_says_that_no_tree_has_a_split(self, tmp_path: Path) -> None:
        ended = played(tmp_path, CLINIC, minimum_gain=1e17)
        assert ended.ending == "1 rounds of trees, none with a split: all rows score alike"
        assert ended.measure().leakage["cluster_auc"] == 0.5


def together(clinic: Table = CLINIC, insurer: Table = INSURER) -> PooledRows:
    return PooledRows([clinic, insurer], [clinic, insurer], job="digest", seed=7)


def pooled(spec: Boosting, rows: PooledRows) -> Metrics:
    """All measures of the models, each of which is defined."""
    return measured(system.pooled(spec, rows))


def test_pooled_draws_by_the_secret_seed_that_the_run_kept(tmp_path: Path) -> None:
    changes: dict[str, Any] = {"trees": 9, "sampling": "uniform", "row_share": 0.3}
    joint = measured(played(tmp_path, CLINIC, **changes).measure().metrics)
    rows = replace(together(), checkpoint=tmp_path / "active")
    same = pooled(Boosting(depth=1, **changes), rows)
    assert same["auc"]["pooled"] == joint["auc"]["joint"]
    assert same["ks"]["pooled"] == joint["ks"]["joint"]


def models(found: Metrics) -> dict[str, set[str]]:
    """Which models are measured, by measure."""
    return {measure: set(values) for measure, values in found.items()}


class TestPooled:
    def test_measures_the_same_algorithm_and_xgboost(self) -> None:
        pytest.importorskip("xgboost", reason="the extra `compare` is not installed")
        found = pooled(SPEC, together())
        assert models(found) == {"auc": {"pooled", "xgboost"}, "ks": {"pooled", "xgboost"}}
        assert found["auc"]["pooled"] == pytest.approx(found["auc"]["xgboost"], abs=0.02)

    def test_leaves_xgboost_out_where_it_has_no_such_numbers(self) -> None:
        huge = np.where(np.arange(ROWS) == 0, 1e99, THEIRS)
        found = pooled(SPEC, together(insurer=table("costs", huge)))
        assert models(found) == {"auc": {"pooled"}, "ks": {"pooled"}}

    def test_measures_numbers_by_their_errors(self) -> None:
        squared = Boosting(objective="squared", trees=5)
        found = pooled(squared, together(table("age", OURS, OURS + THEIRS)))
        assert models(found) == {"rmse": {"pooled"}, "mae": {"pooled"}, "r2": {"pooled"}}
        assert 0 < found["mae"]["pooled"] < found["rmse"]["pooled"]

    def test_measures_classes_by_how_many_are_right(self) -> None:
        three = (OURS > -0.5).astype(np.float64) + (OURS > 0.5)
        multiclass = Boosting(objective="multiclass", classes=3, trees=5)
        found = pooled(multiclass, together(table("age", OURS, three)))
        assert models(found) == {"accuracy": {"pooled"}}
        assert found["accuracy"]["pooled"] > 0.9
