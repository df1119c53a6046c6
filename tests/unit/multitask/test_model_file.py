from pathlib import Path

import numpy as np
import pytest

from isthmus.core.errors import SpecError
from isthmus.multitask import model_file
from isthmus.multitask.network.trainer import Description
from isthmus.paramserver.shards.shard_state import read_states
from isthmus.paramserver.shards.snapshots import read_manifest
from isthmus.paramserver.spec import Adagrad
from isthmus.paramserver.tables.optimizers import Layout
from isthmus.paramserver.tables.table import FeatureRule, Table
from isthmus.paramserver.window import DEFAULT, Keys
from tests.unit.multitask.stored_models import snapshots, spec_of, stored, tables_of


class TestSave:
    def test_holds_the_rows_of_a_table_that_loaded_all_snapshots(self, tmp_path: Path) -> None:
        spec = spec_of()
        chain = snapshots(tmp_path / "snapshots", spec)
        model_file.save(tmp_path / "model", Description(spec, 3), chain)
        due = dict[tuple[int, int], list[float]]()
        for shard in range(2):
            table = Table(Layout(4, Adagrad()), [FeatureRule()] * 7, seed=3)
            for folder in chain:
                for state in read_states(folder, read_manifest(folder), shard, 2):
                    table.load(state.rows)
            dump = table.dump()
            pairs = zip(dump.keys.feature.tolist(), dump.keys.id.tolist(), strict=True)
            due |= dict(zip(pairs, dump.rows[:, :4].tolist(), strict=True))
        model = model_file.read(tmp_path / "model")
        assert tables_of(model) == due
        assert model.snapshot == 3
        assert any(len(part.evicted) for part in model.parts)

    def test_is_the_same_for_any_number_of_shards(self, tmp_path: Path) -> None:
        spec = spec_of()
        model = model_file.read(stored(tmp_path, spec, versions=1, shards=1))
        keys = Keys(np.array([0, 0], np.uint16), np.array([2, DEFAULT]))
        assert len(model.parts) == 1
        assert model.values_of(keys).shape == (2, 4)

    def test_replaces_a_model(self, tmp_path: Path) -> None:
        spec = spec_of()
        chain = snapshots(tmp_path / "snapshots", spec)
        for last in (1, 2):
            model_file.save(tmp_path / "model", Description(spec, 3), chain[:last])
        assert model_file.read(tmp_path / "model").snapshot == 2


class TestValuesOf:
    def test_a_key_without_a_row_has_the_default_row_of_its_feature(self, tmp_path: Path) -> None:
        model = model_file.read(stored(tmp_path, spec_of()))
        rows = tables_of(model)
        features = np.arange(6, dtype=np.uint16)
        unseen = model.values_of(Keys(features, np.full(6, 10**15)))
        nothing = [0.0] * 4
        assert unseen.tolist() == [rows.get((it, DEFAULT), nothing) for it in range(6)]
        assert unseen.any()
        known = [key for key in rows if key[1] != DEFAULT]
        keys = Keys(
            np.array([key[0] for key in known], np.uint16), np.array([key[1] for key in known])
        )
        assert model.values_of(keys).tolist() == [rows[key] for key in known]

    def test_no_keys_have_no_rows(self, tmp_path: Path) -> None:
        model = model_file.read(stored(tmp_path, spec_of()))
        keys = Keys(np.empty(0, np.uint16), np.empty(0, np.int64))
        assert model.values_of(keys).shape == (0, 4)


class TestErrors:
    def test_a_folder_without_a_model_is_a_sentence(self, tmp_path: Path) -> None:
        with pytest.raises(SpecError, match="Has this run finished"):
            model_file.read(tmp_path)

    @pytest.mark.parametrize("name", ["dense.npy", "0001.values.npy", "0000.id.npy"])
    def test_a_file_that_was_cut_is_a_sentence(self, tmp_path: Path, name: str) -> None:
        folder = stored(tmp_path, spec_of())
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[:-4])
        with pytest.raises(SpecError, match=name):
            model_file.read(folder)

    @pytest.mark.parametrize("name", ["dense.npy", "0001.values.npy", "0000.id.npy"])
    def test_a_file_that_was_changed_is_a_sentence(self, tmp_path: Path, name: str) -> None:
        path = stored(tmp_path, spec_of()) / name
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(bytes(content))
        with pytest.raises(SpecError, match=rf"{name}: is not as it was written"):
            model_file.read(path.parent)

    def test_a_missing_file_is_a_sentence(self, tmp_path: Path) -> None:
        folder = stored(tmp_path, spec_of())
        (folder / "0000.id.npy").unlink()
        with pytest.raises(SpecError, match=r"0000\.id\.npy: cannot be read"):
            model_file.read(folder)
