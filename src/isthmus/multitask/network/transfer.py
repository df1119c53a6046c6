"""Arrays to the device that computes and back: no copy on a CPU, one each way with CUDA."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from isthmus.paramserver.window import Float32s


def to_device(arrays: Sequence[NDArray[Any]], device: torch.device) -> list[Tensor]:
    """Move arrays to a device.

    Args:
        arrays: Of float32 or int32.
        device: Where to.

    Returns:
        A tensor for each array; on a CPU it is the memory of the array, if that can be written.
    """
    whole = [np.require(array, requirements=("C", "W")) for array in arrays]
    if device.type == "cpu":
        return [_tensor(array) for array in whole]
    return unpacked(packed(whole).to(device), whole)


def packed(arrays: Sequence[NDArray[Any]]) -> Tensor:
    """Returns arrays of float32 or int32, one after the other, as one tensor of float32."""
    return _tensor(np.concatenate([array.reshape(-1).view(np.float32) for array in arrays]))


def unpacked(tensor: Tensor, arrays: Sequence[NDArray[Any]]) -> list[Tensor]:
    """Take a packed tensor apart.

    Args:
        tensor: What `packed` returned, on any device.
        arrays: What it was given, for types and shapes.

    Returns:
        A tensor for each array, on that device.
    """
    parts = divide(tensor, [array.size for array in arrays])
    return [
        (part.view(torch.int32) if array.dtype == np.int32 else part).view(array.shape)
        for part, array in zip(parts, arrays, strict=True)
    ]


def to_host(tensors: Sequence[Tensor]) -> list[Float32s]:
    """Move tensors of float32 from their device to arrays."""
    if all(tensor.device.type == "cpu" for tensor in tensors):
        return [tensor.detach().contiguous().numpy() for tensor in tensors]
    together = torch.cat([tensor.detach().reshape(-1) for tensor in tensors]).cpu().numpy()
    ends = np.cumsum([tensor.numel() for tensor in tensors])
    parts = np.split(together, ends[:-1])
    return [part.reshape(it.shape) for part, it in zip(parts, tensors, strict=True)]


def divide(tensor: Tensor, sizes: Sequence[int]) -> list[Tensor]:
    """Returns consecutive parts of a tensor, of these sizes along its first axis."""
    ends = np.cumsum([0, *sizes]).tolist()
    return [tensor[begin:end] for begin, end in pairwise(ends)]


def _tensor(array: NDArray[Any]) -> Tensor:
    return cast(Tensor, cast(Any, torch).from_numpy(array))
