"""Updates in fewer bytes, and what is left out of them."""

import numpy as np
import pytest

from isthmus.horizontal.parameters import Layout, Parameters
from isthmus.horizontal.privacy.compression import (
    RESIDUAL,
    Coarse,
    Sparse,
    coarse,
    compress,
    dense,
    fine,
    sparse,
    widened,
)
from isthmus.horizontal.privacy.spec import EightBit, TopK
from isthmus.horizontal.tables import Tables
from isthmus.store.checkpoint import Arrays

MODEL: Parameters = {"b": np.zeros((), np.float32), "w": np.zeros((2, 3), np.float32)}
LAYOUT = Layout.of(MODEL)


def vector(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


class TestSparse:
    def test_keeps_what_is_furthest_from_zero(self) -> None:
        update = vector(0.1, -5.0, 0.0, 3.0, -0.2)
        assert sparse(update, 0.4).positions.tolist() == [1, 3]
        assert dense(sparse(update, 0.4), 5).tolist() == [0.0, -5.0, 0.0, 3.0, 0.0]

    def test_keeps_one_number_at_least(self) -> None:
        assert len(sparse(vector(1.0, 2.0), 0.001).values) == 1

    @pytest.mark.parametrize(
        ("positions", "values"),
        [
            ([1, 0], [1.0, 2.0]),
            ([0, 0], [1.0, 2.0]),
            ([7], [1.0]),
            ([0, 1], [1.0]),
            ([[0]], [[1.0]]),
        ],
        ids=["falling", "twice", "beyond", "lengths", "shape"],
    )
    def test_of_a_stranger_is_checked(self, positions: list[int], values: list[float]) -> None:
        found = Sparse(np.array(positions, np.uint32), np.array(values, np.float32))
        with pytest.raises(ValueError, match="positions"):
            dense(found, 7)


class TestCoarse:
    def test_is_off_by_half_a_step_of_its_array_at_most(self) -> None:
        update = np.random.default_rng(1).normal(size=7).astype(np.float32)
        update[0] = 1e-6  # an array of its own, with a step of its own
        found = coarse(update, LAYOUT)
        assert found.levels.dtype == np.int8
        assert found.steps == pytest.approx([1e-6 / 127, np.abs(update[1:]).max() / 127])
        off = np.abs(fine(found, LAYOUT) - update)
        assert (off <= np.repeat(found.steps, [1, 6]) * 0.5001).all()

    def test_of_nothing_is_nothing(self) -> None:
        assert fine(coarse(np.zeros(7, np.float32), LAYOUT), LAYOUT).tolist() == [0.0] * 7

    @pytest.mark.parametrize(
        ("steps", "levels", "flaw"),
        [
            ([1.0], [0] * 7, "do not fit the encoder"),
            ([1.0, 1.0], [0] * 6, "do not fit the encoder"),
            ([3e38, 1.0], [127] * 7, "its numbers are too large"),
        ],
        ids=["steps", "levels", "infinite"],
    )
    def test_of_a_stranger_is_checked(
        self, steps: list[float], levels: list[int], flaw: str
    ) -> None:
        found = Coarse(np.array(steps, np.float32), np.array(levels, np.int8))
        with pytest.raises(ValueError, match=flaw):
            fine(found, LAYOUT)


TABLES = Tables(LAYOUT, ("w",))


class TestTouchedRows:
    def test_are_all_that_is_sent_of_a_table(self) -> None:
        update = vector(5.0, 0.0, 0.0, 0.0, 1.0, -2.0, 127.0)
        found = compress(update, EightBit(), LAYOUT, {}, TABLES)
        assert isinstance(found, Coarse)
        assert np.unpackbits(found.rows, count=2).tolist() == [0, 1]
        assert found.levels.tolist() == [127, 1, -2, 127]
        assert fine(widened(found, LAYOUT, TABLES), LAYOUT) == pytest.approx(update)

    def test_are_those_that_move_now_and_what_was_left_out_of_others_waits(self) -> None:
        state: Arrays = {}
        compress(vector(0, 0.3, 0, 100.0, 0, 0, 0), EightBit(), LAYOUT, state, TABLES)
        left_out = state[RESIDUAL].copy()
        assert left_out[1] == pytest.approx(0.3)
        found = compress(vector(0, 0, 0, 0, 1.0, 0, 0), EightBit(), LAYOUT, state, TABLES)
        assert np.unpackbits(found._asdict()["rows"], count=2).tolist() == [0, 1]
        assert state[RESIDUAL] == pytest.approx(left_out)

    @pytest.mark.parametrize(
        ("rows", "levels", "flaw"),
        [
            ([0b10000000], [1] * 7, "do not fit the encoder"),
            ([0, 0], [1], "do not fit the 2 rows of its tables"),
            ([], [1], "do not fit the 2 rows of its tables"),
        ],
        ids=["levels", "too many", "none"],
    )
    def test_of_a_stranger_are_checked(self, rows: list[int], levels: list[int], flaw: str) -> None:
        sent = Coarse(np.ones(2, np.float32), np.array(levels, np.int8), np.array(rows, np.uint8))
        with pytest.raises(ValueError, match=flaw):
            widened(sent, LAYOUT, TABLES)


class TestErrorFeedback:
    @pytest.mark.parametrize("compression", [TopK(share=0.2), EightBit()], ids=["top_k", "8 bit"])
    def test_sends_in_the_long_run_all_that_was_left_out(
        self, compression: TopK | EightBit
    ) -> None:
        generator = np.random.default_rng(3)
        state: Arrays = {}
        due, sent = np.zeros(7), np.zeros(7)
        for _ in range(50):
            update = generator.normal(size=7).astype(np.float32)
            found = compress(update, compression, LAYOUT, state, Tables(LAYOUT))
            due += update
            sent += dense(found, 7) if isinstance(found, Sparse) else fine(found, LAYOUT)
        assert sent + state[RESIDUAL] == pytest.approx(due, abs=1e-4)
        assert np.abs(state[RESIDUAL]).max() < 20
