"""What a job with boosted trees asks of its parties, and what it measures."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from isthmus.core.arrays import Floats
from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Event, Sink, Telemetry, silent
from isthmus.crypto.encryption import Encryption
from isthmus.data.table import Table
from isthmus.transport.channel import Channel
from isthmus.vertical.boosting import system
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
        system.check_party(SPEC, "active", BARE)

    def test_refuses_local_trees_without_columns(self) -> None:
        with pytest.raises(SpecError, match=r"`boosting\.local_trees` grows trees on the active"):
            system.check_party(Boosting(local_trees=1), "active", BARE)

    def test_refuses_a_label_that_the_objective_does_not_know(self) -> None:
        with pytest.raises(SpecError, match="values other than 0 and 1"):
            system.check_party(SPEC, "active", table("age", OURS, ILL * 2))

    def test_refuses_such_a_label_of_test_rows(self) -> None:
        with pytest.raises(SpecError, match="the label of the test rows has values other than"):
            system.check_party(SPEC, "active", CLINIC, table("age", OURS, ILL * 2))

    def test_refuses_weights_beside_private_leaves(self) -> None:
        weighted = table("age", OURS, ILL, np.full(ROWS, 2.0))
        with pytest.raises(SpecError, match="leave out one of the two"):
            system.check_party(Boosting(leaf_epsilon=1.0), "active", weighted)

    def test_refuses_a_passive_party_without_columns(self) -> None:
        with pytest.raises(SpecError, match="has nothing else to bring"):
            system.check_party(SPEC, "passive", BARE)

    def test_refuses_weights_at_a_passive_party(self) -> None:
        with pytest.raises(SpecError, match="sample weights are the active party's"):
            system.check_party(SPEC, "passive", table("costs", THEIRS, weight=np.ones(ROWS)))


def played(
    folder: Path,
    clinic: Table,
    insurer: Table = INSURER,
    sink: Sink = silent,
    **changes: Any,
) -> Outcome:
    """The outcome of a job at the clinic."""
    small: dict[str, Any] = {"trees": 1, "depth": 1, "encryption": Encryption(key_bits=1024)}
    spec = Boosting(**(small | changes))

    def play(role: str, rows: Table) -> Role:
        def perform(line: Channel) -> Outcome:
            peers, checkpoint = {line.peer: line}, folder / role
            context = RoleContext(
                role, peers, rows, rows, Telemetry(sink), checkpoint, "digest", seed=7
            )
            return system.play(spec, context)

        return perform

    found = run_together(clinic=play("active", clinic), insurer=play("passive", insurer))
    outcome: Outcome = found["clinic"]
    return outcome


class TestPlay:
    def test_sets_a_party_without_columns_beside_a_guess(self, tmp_path: Path) -> None:
        outcome = played(tmp_path, BARE)
        assert outcome.metrics["auc"] > 0.6
        assert outcome.metrics["auc_active_only"] == 0.5
        assert outcome.scores is not None
        assert outcome.scores.alone == pytest.approx(ILL.mean())

    def test_measures_leakage_where_nodes_are_more_than_rows(self, tmp_path: Path) -> None:
        rows = np.arange(40)
        clinic, insurer = CLINIC.take(rows), INSURER.take(rows)
        outcome = played(
            tmp_path, clinic, insurer, trees=20, depth=3, minimum_bin_rows=3, minimum_node_rows=6
        )
        assert isinstance(outcome.model, ActivePart)
        assert sum(len(tree.code) for tree in outcome.model.trees) > len(rows)
        assert outcome.leakage["cluster_auc"] > 0.6

    def test_keeps_the_model_where_leakage_cannot_be_measured(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> float:
            raise ValueError("no such array")

        monkeypatch.setattr(system, "cluster_auc", fail)
        events = list[Event]()
        outcome = played(tmp_path, CLINIC, sink=events.append)
        assert isinstance(outcome.model, ActivePart)
        assert outcome.metrics["auc"] > 0.6
        assert outcome.leakage == {}
        assert "leakage was not measured: ValueError: no such array" in {it.note for it in events}

    def test_says_that_no_tree_has_a_split(self, tmp_path: Path) -> None:
        outcome = played(tmp_path, CLINIC, minimum_gain=1e17)
        assert outcome.ending == "1 rounds of trees, none with a split: all rows score alike"
        assert outcome.leakage["cluster_auc"] == 0.5


def together(clinic: Table = CLINIC, insurer: Table = INSURER) -> PooledRows:
    return PooledRows([clinic, insurer], [clinic, insurer], job="digest", seed=7)


class TestMeasurePooled:
    def test_measures_the_same_algorithm_and_xgboost(self) -> None:
        pytest.importorskip("xgboost", reason="the extra `compare` is not installed")
        found = system.measure_pooled(SPEC, together())
        assert found.keys() == {"auc_central", "ks_central", "auc_xgboost", "ks_xgboost"}
        assert found["auc_central"] == pytest.approx(found["auc_xgboost"], abs=0.02)

    def test_leaves_xgboost_out_where_it_has_no_such_numbers(self) -> None:
        huge = np.where(np.arange(ROWS) == 0, 1e99, THEIRS)
        found = system.measure_pooled(SPEC, together(insurer=table("costs", huge)))
        assert found.keys() == {"auc_central", "ks_central"}

    def test_measures_numbers_by_their_errors(self) -> None:
        squared = Boosting(objective="squared", trees=5)
        found = system.measure_pooled(squared, together(table("age", OURS, OURS + THEIRS)))
        assert found.keys() == {"rmse_central", "mae_central", "r2_central"}
        assert 0 < found["mae_central"] < found["rmse_central"]

    def test_measures_classes_by_how_many_are_right(self) -> None:
        three = (OURS > -0.5).astype(np.float64) + (OURS > 0.5)
        multiclass = Boosting(objective="multiclass", classes=3, trees=5)
        found = system.measure_pooled(multiclass, together(table("age", OURS, three)))
        assert found.keys() == {"accuracy_central"}
        assert found["accuracy_central"] > 0.9
