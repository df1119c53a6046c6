"""Figures of models on few rows and many columns, places or classes: there, or named as missing."""

from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.core.telemetry import Telemetry
from isthmus.data.table import Table
from isthmus.evaluation.validation import Stability
from isthmus.outcomes import LocalOutcome
from isthmus.store.runs import Run
from isthmus.vertical.baseline import training
from isthmus.vertical.baseline.data import Data
from isthmus.vertical.baseline.spec import Baseline, BoostingBaseline, RegressionBaseline
from isthmus.vertical.boosting.leakage import cluster_auc, sample_auc
from isthmus.vertical.validated import stability_since, trained_groups

MODELS: list[Baseline] = [
    RegressionBaseline(penalty=0.1),
    RegressionBaseline(family="gaussian", penalty=0.1),
    BoostingBaseline(trees=2, minimum_bin_rows=1, minimum_node_rows=2),
    BoostingBaseline(objective="squared", trees=2, minimum_bin_rows=1, minimum_node_rows=2),
    BoostingBaseline(
        objective="multiclass", classes=3, trees=1, minimum_bin_rows=1, minimum_node_rows=2
    ),
]

nodes = st.integers(1, 6).flatmap(
    lambda rows: st.tuples(
        st.lists(
            st.lists(st.integers(-1, 9), min_size=rows, max_size=rows), min_size=1, max_size=9
        ),
        st.lists(st.sampled_from([0.0, 1.0]), min_size=rows, max_size=rows),
    )
)


def table(rows: int, columns: int, labels: list[float], first: int = 0) -> Table:
    values = np.random.default_rng(rows + columns + first).normal(size=(rows, columns))
    return Table(
        identifiers=[str(first + row).encode() for row in range(rows)],
        features=values,
        names=tuple(f"a{place}" for place in range(columns)),
        label=np.array(labels),
    )


class TestLeakage:
    @given(nodes)
    def test_is_between_a_blind_guess_and_certainty(
        self, found: tuple[list[list[int]], list[float]]
    ) -> None:
        views = [np.array(view, np.int16) for view in found[0]]
        label = np.array(found[1])
        assert 0.5 <= cluster_auc(views, label) <= 1
        assert 0.5 <= sample_auc(views, label) <= 1


class TestStability:
    @given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 9))
    def test_is_a_number_of_every_column(self, trained: int, scored: int, columns: int) -> None:
        rows = table(trained, columns, [0.0] * trained), table(scored, columns, [0.0] * scored, 50)
        groups = trained_groups(rows[0], np.arange(float(trained)))
        found = stability_since(groups, rows[1], np.ones(scored))
        assert len(found.columns) == columns
        assert found.score is not None
        stored = msgspec.json.encode(found)
        assert msgspec.json.decode(stored, type=Stability) == found  # no NaN, no infinity


class TestBaseline:
    @settings(max_examples=15, deadline=None)
    @given(
        st.sampled_from(MODELS),
        st.integers(3, 8),
        st.integers(1, 12),
        st.lists(st.sampled_from([0.0, 1.0]), max_size=4),
    )
    def test_finishes_with_every_figure_there_or_named(
        self, spec: Baseline, rows: int, columns: int, labels: list[float]
    ) -> None:
        classes = 3 if isinstance(spec, BoostingBaseline) and spec.objective == "multiclass" else 2
        train = table(rows, columns, [float(row % classes) for row in range(rows)])
        test = table(len(labels), columns, labels, first=50)
        with TemporaryDirectory() as folder:
            run = Run(Path(folder))
            found = training.train(
                spec, Data(train, test, {}, 7, "job"), run, Telemetry()
            ).measure()
            assert run.model.exists()
            assert run.predictions.exists()
        stored = msgspec.json.encode(found)
        assert msgspec.json.decode(stored, type=LocalOutcome) == found  # no NaN, no infinity
        assert not any("a bug" in why for why in found.missing.values())
        for name, values in found.metrics.items():
            undefined = values["model"] is None
            assert undefined == (f"metrics.{name}" in found.missing or "metrics" in found.missing)
