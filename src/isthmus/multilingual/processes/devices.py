# torch leaves types open:
# pyright: reportUnknownMemberType=false
"""The device that a process computes on."""

import os
from typing import Literal

import torch

from isthmus.core.errors import SpecError
from isthmus.multilingual.processes.places import Place


def chosen(device: Literal["cpu", "cuda"], place: Place | None) -> torch.device:
    """Choose the device of this process.

    Args:
        device: What the job says.
        place: Which of several processes this is: each on a machine has a GPU of its own.

    Returns:
        The device.

    Raises:
        SpecError: There is no GPU, or not one for each process.
    """
    if device == "cpu":
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise SpecError(
            'the job has `multilingual.training.device = "cuda"`, and PyTorch finds no GPU here. '
            "Install a driver and a PyTorch for CUDA, or take the key out."
        )
    count = torch.cuda.device_count()
    number, here = (0, 1) if place is None else (place.local_rank, place.local_size or 1)
    if count == 1 and place is not None and place.store is None:
        return torch.device("cuda", 0)  # launchers that show each process its own GPU alone
    if max(number + 1, here) > count:
        raise SpecError(
            f"{here} processes on this machine take a GPU each, and PyTorch finds {count}: start "
            f"{count}, or train on more machines."
        )
    return torch.device("cuda", number)


def threads(size: int) -> int:
    """Returns how many threads of PyTorch each of several processes on this machine gets."""
    return max(1, len(os.sched_getaffinity(0)) // size)
