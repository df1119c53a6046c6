# torch leaves types open:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
"""A group of processes that train one encoder: each computes its part of every batch.

Losses and gradients are sums over processes, so a step is that of one process up to the order in
which numbers are added. Every process calls the same methods in the same order.
"""

import zlib
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor, nn

from isthmus.core.errors import SpecError
from isthmus.text.tokens import Tokens

_LARGE = 2**16
"""Numbers from which a gradient is summed where it is; smaller ones are copied together."""


class LostProcessError(SpecError):
    """Another process of the training is gone."""


class ProcessGroup:
    """Processes that train one encoder, seen from one of them."""

    def __init__(self, rank: int = 0, size: int = 1, device: str | torch.device = "cpu") -> None:
        """Join `size` processes that PyTorch has connected; by default there is one alone.

        Args:
            rank: Number of this process, from 0.
            size: Number of processes.
            device: What this process computes on.
        """
        self.rank = rank
        self.size = size
        self.device = torch.device(device)

    @property
    def leads(self) -> bool:
        """Whether this is the process that stores and tells."""
        return self.rank == 0

    def own(self, count: int) -> slice:
        """Returns which rows of a batch this process computes."""
        return self._part(self.rank, count)

    def gathered(self, own: Tensor, count: int) -> Tensor:
        """Put the rows of all processes together.

        Args:
            own: The `own` rows of this process, shape (rows, ...).
            count: Rows of the whole batch.

        Returns:
            Shape (count, ...). The gradient of its rows, summed over all processes, goes back to
            the process that they are from.
        """
        if self.size == 1:
            return own
        return _Gathered.apply(own, self, count)  # type: ignore[no-any-return, no-untyped-call]

    def total(self, value: Tensor) -> float:
        """Returns the sum of a number of each process."""
        if self.size == 1:
            return float(value.detach())
        found = value.detach().to(self.device, torch.float64, copy=True).reshape(1)
        self.sum(found)
        return float(found)

    def check_same(self, module: nn.Module, step: int) -> None:
        """Check that all processes begin alike.

        Args:
            module: The network.
            step: Steps that are done.

        Raises:
            SpecError: They do not.
        """
        if self.size == 1:
            return
        sums = [zlib.crc32(each.detach().cpu().numpy().data) for each in module.parameters()]
        own = np.array([step, *sums], np.int64)
        if (self.gathered_numbers(own).reshape(self.size, -1) != own).any():
            raise SpecError(
                "the processes of this training do not begin with the same parameters. Start all "
                "with one job file, in a folder that they share, and with one version of isthmus."
            )

    def sum_gradients(self, module: nn.Module) -> None:
        """Sum the gradients of all processes; where no process has one, there stays none."""
        if self.size == 1:
            return
        parameters = list(module.parameters())
        gradients = [_dense(each) for each in parameters]
        small = [it for it in gradients if it.numel() < _LARGE]
        has = torch.tensor([each.grad is not None for each in parameters], device=self.device)
        together = torch.cat([has.float(), *(it.reshape(-1) for it in small)])
        self.sum(together)
        present: list[float] = together[: len(parameters)].tolist()
        sizes = [it.numel() for it in small]
        rest: Iterator[Tensor] = iter(torch.split(together[len(parameters) :], sizes))
        for parameter, gradient, count in zip(parameters, gradients, present, strict=True):
            whole = next(rest).view_as(gradient) if gradient.numel() < _LARGE else gradient
            if not count:
                continue
            if gradient.numel() >= _LARGE:
                self._sum_rows(whole)
            parameter.grad = whole

    def gathered_tokens(self, own: Tokens) -> Tokens:
        """Returns the texts of all processes, in the order of their numbers."""
        if self.size == 1:
            return own
        lengths = self.gathered_numbers(own.lengths)
        ids = self.gathered_numbers(own.ids.astype(np.int64))
        return Tokens(ids.astype(np.int32), np.concatenate([[0], np.cumsum(lengths)]))

    def gathered_numbers(self, own: NDArray[np.int64]) -> NDArray[np.int64]:
        """Returns the numbers of all processes, in order; each may have any number of them."""
        given = torch.as_tensor(own, device=self.device)
        counts = [int(it) for it in self._all(given.new_tensor([len(own)]), [1] * self.size)]
        return self._all(given, counts).cpu().numpy()

    def told(self, text: str) -> str:
        """Returns the text of the first process, whatever the others give."""
        if self.size == 1:
            return text
        content = text.encode() if self.leads else b""
        heard = self.gathered_numbers(np.frombuffer(content, np.uint8).astype(np.int64))
        return heard.astype(np.uint8).tobytes().decode()

    def sum(self, numbers: Tensor) -> None:
        """Sum tensors of all processes, in place."""
        with _told_if_lost():
            dist.all_reduce(numbers)

    def gather(self, own: Tensor, count: int) -> Tensor:
        """Put rows together as `gathered` does, without a gradient."""
        parts = [self._part(rank, count) for rank in range(self.size)]
        return self._all(own, [part.stop - part.start for part in parts])

    def _sum_rows(self, whole: Tensor) -> None:
        """Sum tensors in place; of a table, of which a step touches some rows, those alone."""
        touched = (whole != 0).reshape(len(whole), -1).any(dim=1).float()
        self.sum(touched)
        rows = touched.nonzero().squeeze(1)
        if 2 * len(rows) > len(whole):
            self.sum(whole)
            return
        some = whole[rows]
        self.sum(some)
        whole[rows] = some

    def stacked(self, own: Tensor) -> Tensor:
        """Returns a row of each process, all of one shape, without a gradient."""
        return self.gather(own.unsqueeze(0), self.size)

    def _part(self, rank: int, count: int) -> slice:
        return slice(rank * count // self.size, (rank + 1) * count // self.size)

    def _all(self, own: Tensor, counts: Sequence[int]) -> Tensor:
        most = max(counts)
        sent = own.new_zeros((most, *own.shape[1:]))
        sent[: len(own)] = own.detach()
        found = [torch.empty_like(sent) for _ in counts]
        with _told_if_lost():
            dist.all_gather(found, sent)
        return torch.cat([each[:count] for each, count in zip(found, counts, strict=True)])


ALONE = ProcessGroup()
"""The one process of a training that has no others."""


class _Gathered(torch.autograd.Function):
    """The rows of all processes."""

    @staticmethod
    def forward(ctx: Any, own: Tensor, processes: ProcessGroup, count: int) -> Tensor:
        ctx.processes, ctx.count = processes, count
        return processes.gather(own, count)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        summed = gradients[0].clone(memory_format=torch.contiguous_format)
        ctx.processes.sum(summed)
        return summed[ctx.processes.own(ctx.count)], None, None


def _dense(parameter: nn.Parameter) -> Tensor:
    if parameter.grad is None:
        return torch.zeros_like(parameter)
    return parameter.grad.to_dense().contiguous()


@contextmanager
def _told_if_lost() -> Generator[None]:
    """Say in a sentence that another process is gone.

    Yields:
        Nothing.

    Raises:
        LostProcessError: It is.
    """
    try:
        yield
    except RuntimeError:  # it says so in the words of its library
        raise LostProcessError(
            "another process of this training has ended, so this one stops too. Start the same "
            "command again: it goes on from the last checkpoint."
        ) from None
