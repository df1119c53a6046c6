"""A vertical regression as a job plays it."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from msgspec import structs

from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Telemetry
from isthmus.data.scores import StoredScores
from isthmus.data.spec import Dataset
from isthmus.data.table import Table
from isthmus.store import checkpoint
from isthmus.store.checkpoint import Checkpoint
from isthmus.transport.loopback import loopback
from isthmus.vertical.regression import levels, system
from isthmus.vertical.regression.memory import Round
from isthmus.vertical.regression.pooled import train_pooled
from isthmus.vertical.regression.spec import Family, Regression, Shared
from isthmus.vertical.regression.trained import ActiveTrained
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

    def test_measures_every_family_by_its_own_measures(self) -> None:
        three = table([0.0, 1.0, 2.0, 1.0, 0.0, 2.0, 1.0])
        cases: tuple[tuple[Family, int, set[str]], ...] = (
            ("multinomial", 3, {"accuracy", "log_loss"}),
            ("poisson", 0, {"deviance", "d2"}),
            ("tweedie", 0, {"deviance", "d2"}),
        )
        for family, classes, measures in cases:
            spec = Regression(passive_columns=1, family=family, classes=classes)
            found = system.pooled(spec, PooledRows([three], [three], job="digest", seed=7))
            assert found.keys() == measures
            assert all(values["pooled"] is not None for values in found.values())


class TestCheckExpected:
    @pytest.mark.parametrize(
        ("changes", "rounds", "functions", "sentence"),
        [
            ({}, 9, 3, r"`expected.rounds` is 9, and every run does the 8 rounds"),
            ({}, 8, 17, r"`expected.functions` is 17, and `regression.shared.most_functions` all"),
            ({"family": "poisson"}, 8, 3, "only two classes at the level shared take any"),
            ({"level": "encrypted", "shared": None}, 8, 3, "only two classes at the level shared"),
        ],
    )
    def test_refuses_what_no_run_can_have(
        self, changes: dict[str, Any], rounds: int, functions: int, sentence: str
    ) -> None:
        shared: dict[str, Any] = {
            "level": "shared",
            "shared": Shared(active_columns=1, rounds=8),
        }
        spec = Regression(passive_columns=1, **(shared | changes))
        with pytest.raises(SpecError, match=sentence):
            system.check_expected(spec, rounds, functions)

    def test_takes_what_runs_have(self) -> None:
        shared = Shared(active_columns=1, rounds=8)
        system.check_expected(Regression(passive_columns=1, level="shared", shared=shared), 8, 16)
        system.check_expected(SPEC, 9, 0)


class TestCheckParty:
    def check(self, spec: Regression, train: Table, test: Table | None = None) -> None:
        system.check_party(spec, "clinic", "active", train, test)

    def test_takes_weights_and_offsets(self) -> None:
        ours = replace(TRAIN, weight=np.ones(7), offset=np.ones(7))
        self.check(SPEC, ours, ours)

    def test_refuses_collinear_columns_without_a_penalty(self) -> None:
        x = np.random.default_rng(1).normal(size=(7, 2))
        features = np.column_stack([x, x @ [2.0, -1.0] + 3.0])
        train = replace(TRAIN, features=features, names=("age", "height", "both"))
        with pytest.raises(SpecError, match=r"is a linear combination of the others on these 7"):
            self.check(Regression(passive_columns=1, penalty=0.0), train)
        self.check(SPEC, train)

    @pytest.mark.parametrize("passive", [1, {"insurer": 1}], ids=str)
    def test_refuses_weights_where_shares_of_residuals_just_add_up(self, passive: Any) -> None:
        weighted = replace(TRAIN, weight=np.arange(1.0, 8.0))
        shared = Shared(active_columns=len(TRAIN.names))
        spec = Regression(level="shared", family="gaussian", passive_columns=passive, shared=shared)
        with pytest.raises(SpecError, match=r"knows no weights of rows.*level = \"encrypted\""):
            self.check(spec, weighted, None)
        self.check(spec, replace(TRAIN, weight=np.full(7, 3.0)), None)
        several = structs.replace(spec, passive_columns={"insurer": 1, "bank": 1})
        self.check(several, weighted, None)

    def test_refuses_labels_to_score_outside_the_family(self) -> None:
        with pytest.raises(SpecError, match="1 of 2 labels are other than 0 and 1"):
            self.check(SPEC, TRAIN, table([1.0, 2.0, np.nan]))

    def test_refuses_rows_to_score_that_lack_the_exposure_of_those_to_train_on(self) -> None:
        exposed = replace(TRAIN, offset=np.zeros(7))
        spec = Regression(passive_columns=1, family="poisson")
        with pytest.raises(SpecError, match="one has an `exposure` or an `offset`, and the other"):
            self.check(spec, exposed, TRAIN)


class TestCheckDataset:
    @pytest.mark.parametrize(
        ("keys", "role", "key", "whose"),
        [
            ({}, "passive", "weight", "the active party"),
            ({}, "passive", "offset", "the active party"),
            ({}, "active", "exposure", "the families poisson, gamma and tweedie"),
            (
                {"family": "multinomial", "classes": 3},
                "active",
                "offset",
                "families with one predictor for each row",
            ),
        ],
    )
    def test_refuses_columns_that_would_have_no_effect(
        self, keys: dict[str, Any], role: str, key: str, whose: str
    ) -> None:
        spec = Regression(passive_columns=1, **keys)
        dataset = structs.replace(Dataset(path="people.csv"), **{key: "column"})
        with pytest.raises(SpecError, match=f"`datasets.people.{key}` is for {whose}"):
            system.check_dataset(spec, role, "datasets.people", dataset)

    def test_takes_an_exposure_of_counts(self) -> None:
        spec = Regression(passive_columns=1, family="poisson")
        system.check_dataset(spec, "active", "datasets.people", Dataset(path="x", exposure="years"))


class TestSpec:
    @pytest.mark.parametrize(
        ("keys", "said"),
        [
            ({"family": "multinomial"}, "multinomial needs `classes`"),
            ({"classes": 3}, "only multinomial has `classes`"),
            ({"family": "poisson", "class_weight": "balanced"}, "`class_weight` is for classes"),
        ],
    )
    def test_refuses_keys_that_contradict_each_other(self, keys: dict[str, Any], said: str) -> None:
        with pytest.raises(ValueError, match=said):
            Regression(passive_columns=1, **keys)


class TestDescribeTraining:
    @pytest.mark.parametrize("level", ["encrypted", "shared"])
    @pytest.mark.parametrize(
        ("columns", "said"),
        [
            (1_200, "1,200 columns of each passive party"),
            ({"insurer": 4, "pharmacy": 2}, "4 columns of 'insurer', 2 columns of 'pharmacy'"),
        ],
    )
    def test_says_how_many_columns_each_party_brings(
        self, level: Any, columns: int | dict[str, int], said: str
    ) -> None:
        shared = Shared(active_columns=3) if level == "shared" else None
        spec = Regression(family="poisson", level=level, passive_columns=columns, shared=shared)
        (sentence,) = system.describe_training(spec)
        assert sentence.startswith("Train a Poisson regression")
        assert said in sentence


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

    def test_keeps_scores_of_classes_and_measures_them(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        spec = Regression(passive_columns=1, family="multinomial", classes=3)
        train = table([0.0, 1.0, 2.0, 1.0, 0.0, 2.0, 1.0, 2.0])
        alone = train_pooled(train, spec)
        scores = alone.predict(train.features)
        trained = ActiveTrained(alone, alone, scores, scores, [Round(1.0, 1e-6)], converged=True)
        level = SimpleNamespace(active=lambda *_: trained)
        monkeypatch.setattr(levels, "of", lambda _: level)
        context = RoleContext(
            "active", {}, train, train, Telemetry(), tmp_path / "c", "digest", seed=7
        )
        played = system.play(spec, context)
        assert played.scores is not None
        assert played.found.arrays["training"].shape == (3, 8)
        measured = played.measure()
        assert measured.scores is not None
        for found in (played.scores, measured.scores):
            found.save(tmp_path / "scores.parquet")
            kept = StoredScores.load(tmp_path / "scores.parquet")
            assert kept.predictions == pytest.approx(scores.T)
        assert measured.metrics.keys() == {"accuracy", "log_loss"}
        assert measured.missing == {}
