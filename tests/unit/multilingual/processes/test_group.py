"""What a process exchanges, with another one that has the same numbers."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from isthmus.multilingual.processes.group import ALONE, ProcessGroup


class Twins(ProcessGroup):
    """The first of two processes that compute the same."""

    def __init__(self) -> None:
        super().__init__(0, 2)
        self.sent = 0

    def sum(self, numbers: Tensor) -> None:
        self.sent += numbers.numel()
        numbers *= 2


class Tables(nn.Module):
    """A large table, a small one, and one that no loss is about."""

    def __init__(self) -> None:
        super().__init__()
        self.large = nn.Parameter(torch.ones(1000, 100))
        self.small = nn.Parameter(torch.ones(3))
        self.idle = nn.Parameter(torch.ones(2))


class TestSumGradients:
    @pytest.mark.parametrize("rows", [4, 1000])
    def test_adds_up_and_sends_of_a_table_what_was_touched(self, rows: int) -> None:
        module, twins = Tables(), Twins()
        (module.large[:rows].sum() + 3 * module.small.sum()).backward()  # type: ignore[no-untyped-call]
        twins.sum_gradients(module)
        assert module.large.grad is not None
        assert module.large.grad.sum().item() == 2 * rows * 100
        assert module.large.grad[:rows].min().item() == 2
        assert module.small.grad is not None
        assert module.small.grad.tolist() == [6, 6, 6]
        assert module.idle.grad is None
        assert twins.sent < rows * 100 + 1100

    def test_leaves_those_of_one_process_alone(self) -> None:
        module = Tables()
        module.small.sum().backward()  # type: ignore[no-untyped-call]
        before = module.small.grad
        ALONE.sum_gradients(module)
        assert module.small.grad is before


class TestOwn:
    @pytest.mark.parametrize("count", [0, 1, 7, 8])
    def test_is_each_row_once_and_in_order(self, count: int) -> None:
        parts = [np.arange(count)[ProcessGroup(rank, 3).own(count)] for rank in range(3)]
        assert np.concatenate(parts).tolist() == list(range(count))
