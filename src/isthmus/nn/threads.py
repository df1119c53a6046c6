"""How many threads a network computes with; the same number gives the same bits."""

import torch


def use(count: int) -> None:
    """Compute with so many threads from now on, in this process."""
    torch.set_num_threads(count)
