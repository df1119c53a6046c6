from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from isthmus.core.errors import SpecError
from isthmus.data.spec import Dataset
from isthmus.multitask import model_file
from isthmus.multitask.network.trainer import Description, TorchTrainer
from isthmus.multitask.predict import Scorer, predict
from isthmus.multitask.samples import TaskBatch
from isthmus.multitask.spec import Multitask
from isthmus.paramserver.spec import Server
from isthmus.paramserver.window import DEFAULT, Float32s
from tests.unit.multitask.stored_models import (
    rows,
    samples_of,
    spec_of,
    stored,
    tables_of,
    write_rows,
)


def _predicted(model: Path, rows: Path) -> Any:
    out = BytesIO()
    predict(model, Dataset(path=str(rows)), out)
    return parquet.read_table(pa.BufferReader(out.getvalue()))


def _by_hand(folder: Path, spec: Multitask, table: Any) -> Float32s:
    """Looks every id of the rows up in a dictionary."""
    model = model_file.read(folder)
    rows, samples = tables_of(model), samples_of(spec, table)

    def row(feature: int, identity: int) -> list[float]:
        return rows.get((feature, identity), rows.get((feature, DEFAULT), [0.0] * 4))

    vectors = [
        row(feature, identity)
        for ids in samples.ids.tolist()
        for feature, identity in zip((0, 2, 3, 5), ids, strict=True)
    ]
    for feature, lists in zip((1, 4), samples.lists, strict=True):
        vectors += [row(feature, identity) for identity in lists.ids.tolist()]
    batch = TaskBatch(
        0,
        np.arange(len(vectors), dtype=np.int32),
        tuple(lists.lengths for lists in samples.lists),
        samples.numbers,
        samples.labels,
        samples.weights,
    )
    trainer = TorchTrainer(model.description)
    return trainer.predict(batch, np.array(vectors, np.float32), model.dense)


class TestPredict:
    def test_scores_each_row_of_a_file(self, tmp_path: Path) -> None:
        spec = spec_of()
        model = stored(tmp_path, spec)
        table = write_rows(tmp_path / "rows.parquet", 50, users=60)
        found = _predicted(model, tmp_path / "rows.parquet")
        assert found.column_names == ["click", "buy"]
        due = _by_hand(model, spec, table)
        np.testing.assert_allclose(np.stack(found.columns, 1), due, atol=1e-6)
        assert len(np.unique(due)) > 50

    def test_says_how_many_rows_there_were(self, tmp_path: Path) -> None:
        model = stored(tmp_path, spec_of())
        write_rows(tmp_path / "rows.parquet", 50, users=60)
        said = predict(model, Dataset(path=str(tmp_path / "rows.parquet")), BytesIO())
        assert said.rows == 50
        assert list(said.columns) == ["click", "buy"]

    def test_a_missing_column_is_a_sentence(self, tmp_path: Path) -> None:
        model = stored(tmp_path, spec_of())
        parquet.write_table(rows(5, users=3).drop_columns("topic"), tmp_path / "rows.parquet")
        with pytest.raises(SpecError, match="topic"):
            predict(model, Dataset(path=str(tmp_path / "rows.parquet")), BytesIO())


class TestScorer:
    def test_needs_no_graphics_card(self, tmp_path: Path) -> None:
        spec = spec_of()
        model = model_file.read(stored(tmp_path, spec))
        cuda = Description(spec_of(server=Server(device="cuda")), 3)
        samples = samples_of(spec, rows(9, users=5))
        assert Scorer(replace(model, description=cuda)).scores(samples).shape == (9, 2)


class TestCorrection:
    """Rows without a positive label are rarer in training than they are."""

    def test_is_a_shift_of_the_logit_of_a_first_label(self, tmp_path: Path) -> None:
        spec, table = spec_of(negatives=0.1), rows(30, users=20)
        model = model_file.read(stored(tmp_path, spec))
        found = Scorer(model).scores(samples_of(spec, table))
        plain = replace(model, description=Description(spec_of(), 3))
        raw = Scorer(plain).scores(samples_of(spec, table)).astype(float)
        odds = 0.1 * raw[:, 0] / (1 - raw[:, 0])
        np.testing.assert_allclose(found[:, 0], odds / (1 + odds), atol=1e-6)
        np.testing.assert_array_equal(found[:, 1], raw[:, 1])
