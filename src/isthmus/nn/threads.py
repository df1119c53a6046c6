"""The number of threads of PyTorch; results are bit-identical only for the same number."""

import torch


def use(count: int) -> None:
    """Set the number of threads of PyTorch in this process."""
    torch.set_num_threads(count)
