"""The library whose vectors ours must equal."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray


def by_sentence_transformers(folder: Path, texts: list[str]) -> NDArray[np.float32]:
    """Vectors of texts by the encoder in a folder."""
    library = pytest.importorskip("sentence_transformers", reason="only tests use it")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model: Any = library.SentenceTransformer(str(folder), device="cpu", local_files_only=True)
        vectors: NDArray[np.float32] = model.encode(texts)
    return vectors
