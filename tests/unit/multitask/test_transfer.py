import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from isthmus.multitask.network.transfer import divide, packed, to_device, to_host, unpacked

_ARRAYS = st.one_of(
    arrays(np.int32, array_shapes(min_dims=1, max_dims=3, min_side=0)),
    arrays(np.float32, array_shapes(min_dims=1, max_dims=3, min_side=0)),
)


class TestToDevice:
    def test_on_a_processor_nothing_is_copied(self) -> None:
        array = np.zeros(3, np.float32)
        (tensor,) = to_device([array], torch.device("cpu"))
        array[1] = 7
        assert tensor.tolist() == [0, 7, 0]

    def test_what_cannot_be_written_is_copied(self) -> None:
        array = np.ones(3, np.float32)
        array.setflags(write=False)
        (tensor,) = to_device([array], torch.device("cpu"))
        tensor.zero_()
        assert array.tolist() == [1, 1, 1]


class TestPacked:
    @given(st.lists(_ARRAYS, min_size=1, max_size=5))
    def test_comes_apart_bit_by_bit(self, given: list[NDArray[np.generic]]) -> None:
        found = unpacked(packed(given), given)
        for tensor, array in zip(found, given, strict=True):
            assert tensor.shape == array.shape
            assert tensor.numpy().tobytes() == array.tobytes()


class TestToHost:
    def test_keeps_shapes(self) -> None:
        tensors = [torch.ones(2, 3), torch.tensor(4.0)]
        assert [array.shape for array in to_host(tensors)] == [(2, 3), ()]


class TestDivide:
    def test_parts_follow_each_other(self) -> None:
        parts = divide(torch.arange(5), [2, 0, 3])
        assert [part.tolist() for part in parts] == [[0, 1], [], [2, 3, 4]]
