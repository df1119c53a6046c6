"""Where a run can be taken up again."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from isthmus.core.errors import SpecError
from isthmus.store.checkpoint import Checkpoint, load, save


class TestCheckpoint:
    def test_comes_back_as_it_was_saved(self, tmp_path: Path) -> None:
        path = tmp_path / "checkpoint.npz"
        arrays = {"weights": np.array([1.5, -2.0]), "file": np.arange(6).reshape(2, 3)}
        save(path, "a job", Checkpoint(arrays, {"round": 3, "stage": "train"}))

        checkpoint = load(path, "a job")
        assert checkpoint is not None
        assert checkpoint.facts == {"round": 3, "stage": "train"}
        np.testing.assert_equal(checkpoint.arrays, arrays)

    def test_there_is_none_before_the_first_save(self, tmp_path: Path) -> None:
        assert load(tmp_path / "checkpoint.npz", "a job") is None

    def test_another_job_cannot_resume_from_it(self, tmp_path: Path) -> None:
        path = tmp_path / "checkpoint.npz"
        save(path, "a job", Checkpoint({}))
        with pytest.raises(SpecError, match=r"belongs to another job.*Remove it"):
            load(path, "another job")

    def test_refuses_to_save_objects(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="allow_pickle"):
            save(tmp_path / "checkpoint.npz", "a job", Checkpoint({"x": np.array([object()])}))

    def test_refuses_to_load_objects(self, tmp_path: Path) -> None:
        path = tmp_path / "checkpoint.npz"
        np.savez(path, header=np.array([object()]))
        with pytest.raises(SpecError, match="is not a whole checkpoint"):
            load(path, "a job")

    @pytest.mark.parametrize("keep", [0, 10, 100, -1])
    def test_a_cut_file_is_refused_with_advice(self, tmp_path: Path, keep: int) -> None:
        path = tmp_path / "checkpoint.npz"
        save(path, "a job", Checkpoint({"weights": np.ones(100)}))
        path.write_bytes(path.read_bytes()[:keep])
        with pytest.raises(SpecError, match="Remove it to start from the beginning"):
            load(path, "a job")

    def test_a_file_with_a_turned_byte_is_refused_or_read(self, tmp_path: Path) -> None:
        path = tmp_path / "checkpoint.npz"
        save(path, "a job", Checkpoint({"weights": np.ones(3)}))
        whole = path.read_bytes()
        for at in range(len(whole)):
            for turned in (0x00, 0x11, 0xFF):
                path.write_bytes(whole[:at] + bytes([turned]) + whole[at + 1 :])
                with suppress(SpecError):
                    load(path, "a job")

    def test_a_damaged_file_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "checkpoint.npz"
        save(path, "a job", Checkpoint({"weights": np.ones(100)}))
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        with pytest.raises(SpecError, match="is not a whole checkpoint"):
            load(path, "a job")
