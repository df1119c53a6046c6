import hashlib
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from pyarrow import parquet
from safetensors.torch import load_file

from isthmus.core.errors import SpecError
from isthmus.data.spec import Dataset
from isthmus.multitask import export as exporting
from isthmus.multitask import model_file
from isthmus.multitask.export import Contents, export
from isthmus.multitask.network import networks
from isthmus.multitask.predict import predict
from isthmus.multitask.spec import sparse_features
from isthmus.paramserver.window import DEFAULT
from tests.unit.multitask.stored_models import spec_of, stored, tables_of, write_rows

_SCRIPT = Path(__file__).parents[3] / "examples" / "ads" / "score_from_export.py"

Tables = dict[str, dict[int, list[float]]]


@pytest.fixture
def without_onnx(monkeypatch: pytest.MonkeyPatch) -> None:
    """Layers take seconds to export; these tests are about rows."""

    def nothing(*_: object) -> bytes:
        return b""

    monkeypatch.setattr(exporting, "to_onnx", nothing)


def _exported(model: Path, into: Path, since: int | None = None) -> Path:
    into.mkdir()
    export(model, into, since)
    return into


def _contents(folder: Path) -> Contents:
    return msgspec.json.decode((folder / "features.json").read_bytes(), type=Contents)


def _add(tables: Tables, folder: Path) -> Tables:
    """Apply an export to tables, as a user would."""
    contents = _contents(folder)
    if contents.since is not None:
        for row in parquet.read_table(folder / "evicted.parquet").to_pylist():
            tables[row["feature"]].pop(row["id"], None)
    for each in contents.vectors:
        rows = parquet.read_table(folder / each.file).to_pylist()
        tables.setdefault(each.name, {}).update({row["id"]: row["vector"] for row in rows})
    return tables


@pytest.mark.usefixtures("without_onnx")
class TestTables:
    def test_hold_every_row_and_the_default_row_of_every_feature(self, tmp_path: Path) -> None:
        model = stored(tmp_path, spec_of())
        tables = _add({}, _exported(model, tmp_path / "out"))
        names = list(sparse_features(spec_of()))
        due: Tables = {name: {DEFAULT: [0.0] * 4} for name in names}
        for (feature, identity), values in tables_of(model_file.read(model)).items():
            due[names[feature]][identity] = values
        assert tables == due

    def test_have_their_ids_in_order(self, tmp_path: Path) -> None:
        out = _exported(stored(tmp_path, spec_of()), tmp_path / "out")
        for path in out.glob("feature-*.parquet"):
            ids = parquet.read_table(path)["id"].to_pylist()
            assert ids == sorted(set(ids))
            assert ids[0] == DEFAULT

    def test_are_the_same_for_any_number_of_shards(self, tmp_path: Path) -> None:
        one, other = (
            _add({}, _exported(stored(tmp_path, spec_of(), 3, shards), tmp_path / f"out-{shards}"))
            for shards in (2, 3)
        )
        assert one == other

    @pytest.mark.parametrize("base", [1, 2])
    def test_base_and_later_changes_are_the_whole(self, tmp_path: Path, base: int) -> None:
        spec = spec_of()
        tables: Tables = {}
        since = None
        for version in range(base, 4):
            model = stored(tmp_path, spec, versions=version)
            out = _exported(model, tmp_path / f"out-{version}", since)
            tables = _add(tables, out)
            since = version
        whole = _add({}, _exported(stored(tmp_path / "whole", spec), tmp_path / "all"))
        assert tables == whole

    def test_since_a_snapshot_there_are_only_changes(self, tmp_path: Path) -> None:
        model = stored(tmp_path, spec_of())
        (tmp_path / "changes").mkdir()
        (tmp_path / "all").mkdir()
        changes = export(model, tmp_path / "changes", 2)
        whole = export(model, tmp_path / "all", None)
        assert 0 < changes.rows < whole.rows
        assert changes.evicted > 0
        assert (changes.since, changes.snapshot) == (2, 3)
        gone = parquet.read_table(tmp_path / "changes" / "evicted.parquet").to_pylist()
        assert len(gone) == changes.evicted

    def test_nothing_changes_since_the_last_snapshot(self, tmp_path: Path) -> None:
        (tmp_path / "out").mkdir()
        found = export(stored(tmp_path, spec_of()), tmp_path / "out", 3)
        assert (found.rows, found.evicted) == (0, 0)

    def test_a_later_snapshot_is_a_sentence(self, tmp_path: Path) -> None:
        model = stored(tmp_path, spec_of())
        with pytest.raises(SpecError, match="Give a number up to 3"):
            export(model, tmp_path, 4)


@pytest.mark.usefixtures("without_onnx")
class TestFeatures:
    def test_digests_are_of_every_other_file(self, tmp_path: Path) -> None:
        out = _exported(stored(tmp_path, spec_of()), tmp_path / "out")
        found = {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in out.iterdir()
            if path.name != "features.json"
        }
        assert _contents(out).sha256 == found

    def test_say_how_cells_become_inputs(self, tmp_path: Path) -> None:
        spec = spec_of(negatives=0.1)
        contents = _contents(_exported(stored(tmp_path, spec), tmp_path / "out"))
        names = ["user", "topic", "device", "hour", "tags", "places"]
        assert [each.name for each in contents.vectors] == names
        assert [each.feature for each in contents.vectors] == [spec.features[it] for it in names]
        assert [each.name for each in contents.numbers] == ["price"]
        assert list(contents.tasks) == ["click", "buy"]
        assert contents.shifts == {"click": pytest.approx(np.log(0.1)), "buy": 0}

    def test_layers_are_those_of_a_network_of_pytorch(self, tmp_path: Path) -> None:
        spec = spec_of()
        model = stored(tmp_path, spec)
        out = _exported(model, tmp_path / "out")
        network = networks.Network(spec)
        network.load_state_dict(load_file(out / "model.safetensors"))
        flat = torch.cat([it.detach().ravel() for it in network.parameters()])
        assert flat.numpy().tobytes() == model_file.read(model).dense.tobytes()


class TestScript:
    def test_scores_like_predict_and_the_layers_tell_nothing_of_this_machine(
        self, tmp_path: Path
    ) -> None:
        model = stored(tmp_path, spec_of(sharing="ple", negatives=0.1))
        out = _exported(model, tmp_path / "out")
        rows, scores = tmp_path / "rows.parquet", tmp_path / "scores.parquet"
        write_rows(rows, 60, users=60)
        command = [sys.executable, *map(str, (_SCRIPT, rows, scores, out))]
        subprocess.run(command, check=True, timeout=120)  # noqa: S603
        due = BytesIO()
        predict(model, Dataset(path=str(rows)), due)
        for name in ("click", "buy"):
            np.testing.assert_allclose(
                parquet.read_table(scores)[name], parquet.read_table(due)[name], atol=1e-6
            )
        layers = (out / "model.onnx").read_bytes()
        assert b".py" not in layers
        assert b"isthmus" not in layers
