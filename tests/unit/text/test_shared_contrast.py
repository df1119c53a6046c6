"""The contrast of a batch that is divided, each share computed in a thread of its own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
import torch
from torch import Tensor

from isthmus.core.errors import SpecError
from isthmus.text.contrast import contrast, same_texts
from isthmus.text.contrast_loss import Share

SAME = same_texts(torch.tensor([1, 1, 1, 1, 5, 6, 7]), torch.tensor([1, 2, 3, 4, 5, 6, 6]))


def drawn(seed: int) -> Tensor:
    numbers = np.random.default_rng(seed).standard_normal((7, 4))
    return torch.tensor(numbers, requires_grad=True)


def shared(
    left: Tensor, right: Tensor, processes: int, same: Tensor | None, temperature: float
) -> Tensor:
    """The sum of the shares."""
    bounds = [rank * 7 // processes for rank in range(processes + 1)]
    barrier, found = Barrier(processes), list[Tensor | None]([None] * processes)

    def gathering(rank: int) -> Callable[[Tensor], Tensor]:
        def gathered(own: Tensor) -> Tensor:
            found[rank] = own
            barrier.wait()
            return torch.stack([each for each in found if each is not None])

        return gathered

    def of(rank: int) -> Tensor:
        own = slice(bounds[rank], bounds[rank + 1])
        share = Share(own, 7, gathering(rank))
        return contrast(left[own], right, temperature, same, 0.2, share)

    with ThreadPoolExecutor(processes) as pool:
        return torch.stack(list(pool.map(of, range(processes)))).sum()


class TestShare:
    @pytest.mark.parametrize("processes", [1, 2, 3])
    @pytest.mark.parametrize("same", [None, SAME], ids=["all differ", "some are the same"])
    @pytest.mark.parametrize("temperature", [0.1, 0.01])
    def test_adds_up_to_the_loss_of_the_batch_and_to_its_gradient(
        self, processes: int, same: Tensor | None, temperature: float
    ) -> None:
        left, right = drawn(1), drawn(2)
        due = contrast(left, right, temperature, same, 0.2)
        found = shared(left, right, processes, same, temperature)
        assert found.item() == pytest.approx(due.item(), rel=1e-9)
        theirs = torch.autograd.grad(due, [left, right])
        ours = torch.autograd.grad(found, [left, right])
        for one, other in zip(ours, theirs, strict=True):
            assert torch.allclose(one, other, rtol=1e-6, atol=1e-9)

    def test_is_refused_where_all_texts_are_the_same(self) -> None:
        same = torch.ones((7, 7), dtype=torch.bool)
        with pytest.raises(SpecError, match="no wrong answers"):
            shared(drawn(1), drawn(2), 1, same, 0.1)
