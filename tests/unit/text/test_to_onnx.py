from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

from isthmus.core.errors import SpecError
from isthmus.text import to_onnx
from isthmus.text.static import embed
from isthmus.text.tokens import Tokens

TABLE = torch.tensor(np.random.default_rng(0).standard_normal((20, 6)), dtype=torch.float32)


class TestStaticToOnnx:
    def test_gives_the_vectors_of_the_encoder(self) -> None:
        ids = np.array([[1, 2, 3, 0], [7, 0, 0, 0], [0, 0, 0, 0]])
        mask = np.array([[1, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0]])
        session: Any = onnxruntime.InferenceSession(to_onnx.static_to_onnx(TABLE))
        (found,) = session.run(None, {"input_ids": ids, "attention_mask": mask})
        due = embed(TABLE, Tokens(np.array([1, 2, 3, 7], np.int32), np.array([0, 3, 4, 4])))
        assert found == pytest.approx(due, abs=1e-6)

    def test_the_same_encoder_gives_the_same_file(self) -> None:
        assert to_onnx.static_to_onnx(TABLE) == to_onnx.static_to_onnx(TABLE.clone())

    def test_a_table_too_large_for_a_file_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(to_onnx, "_MOST_BYTES", 100)
        with pytest.raises(SpecError, match="480 bytes"):
            to_onnx.static_to_onnx(TABLE)

    def test_a_file_that_gives_other_vectors_is_a_bug(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(to_onnx, "embed", lambda table, _: np.zeros((3, table.shape[1])))
        with pytest.raises(RuntimeError, match="other vectors"):
            to_onnx.static_to_onnx(TABLE)
