"""How often a text finds its translation."""

import numpy as np

from isthmus.horizontal.encoders.retrieval import top1


class TestTop1:
    def test_is_all_of_them_where_each_is_nearest_to_its_own(self) -> None:
        vectors = np.eye(20, dtype=np.float32)
        assert top1(vectors, vectors) == 100.0

    def test_is_none_where_each_is_nearest_to_another(self) -> None:
        vectors = np.eye(20, dtype=np.float32)
        assert top1(vectors, np.roll(vectors, 1, axis=0)) == 0.0

    def test_does_not_let_one_text_be_nearest_to_all(self) -> None:
        draw = np.random.default_rng(0)
        texts = draw.normal(size=(100, 30)).astype(np.float32)
        hub = texts.mean(axis=0) * 20
        right = texts + 0.3 * draw.normal(size=texts.shape).astype(np.float32)
        right[0] += hub
        unit = [it / np.linalg.norm(it, axis=1, keepdims=True) for it in (texts, right)]
        assert top1(unit[0], unit[1]) > 95
