import numpy as np
import pytest

from isthmus.paramserver.distributed import packing
from isthmus.paramserver.shards.placement import pulls
from isthmus.paramserver.window import Rows
from tests.tiers import FEATURES, LinearBatch, LinearFeeder, make_data, make_push


class TestPacking:
    def test_brings_a_window_back(self) -> None:
        given = LinearFeeder(make_data(), batches=3).next_window(0)
        assert given is not None
        again = packing.window(packing.pack(given), LinearBatch)
        assert packing.pack(again)[0] == 0
        assert_same(packing.pack(again), packing.pack(given))

    def test_brings_pulls_rows_and_pushes_back(self) -> None:
        window = LinearFeeder(make_data()).next_window(0)
        assert window is not None
        pull = pulls(window, 1)[0]
        rows = Rows(np.ones((2, 5), np.float32), np.ones(2, np.bool_), np.ones((1, 3), np.float32))
        push = make_push(3, [(0, -1), (1, 9)], [[1.0], [2.0]], np.zeros((2, 3), np.float32))
        assert_same(packing.pack(packing.pull(packing.pack(pull))), packing.pack(pull))
        assert_same(packing.pack(packing.rows(packing.pack(rows))), packing.pack(rows))
        assert_same(packing.pack(packing.push(packing.pack(push))), packing.pack(push))

    def test_what_comes_out_can_be_written_to(self) -> None:
        numbers = np.zeros((2, FEATURES), np.float32)
        numbers.flags.writeable = False
        rows = packing.rows((numbers, np.ones(2, np.bool_), numbers))
        assert rows.rows.flags.writeable

    @pytest.mark.parametrize("thing", [np.array([object()]), "text", {"a": 1}, 0.5, None, [b"x"]])
    def test_takes_nothing_but_arrays_and_whole_numbers(self, thing: object) -> None:
        with pytest.raises(TypeError, match="is no array of numbers"):
            packing.pack((1, thing))


def assert_same(one: packing.Packed, other: packing.Packed) -> None:
    """Both are equal in types, shapes and bits."""
    assert type(one) is type(other)
    if isinstance(one, tuple):
        assert len(one) == len(other)
        for ours, theirs in zip(one, other, strict=True):
            assert_same(ours, theirs)
    elif isinstance(one, np.ndarray):
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        assert one.tobytes() == other.tobytes()
    else:
        assert one == other
