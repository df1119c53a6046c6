# torch leaves types open:
# pyright: reportUnknownMemberType=false
"""The training loop: each step sums the weighted losses of all tasks, and goes one step of Adam."""

import math
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import torch
from torch import nn
from torch.optim import Adam

from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Telemetry
from isthmus.multilingual.processes.group import ALONE, ProcessGroup
from isthmus.multilingual.spec import Training
from isthmus.multilingual.training.checkpoints import Checkpoints, Progress
from isthmus.multilingual.training.flatness import Losses
from isthmus.multilingual.training.task import Task

BETAS = (0.9, 0.98)
WARM_UP = 10
"""Steps in which the rate rises; fewer if there are few."""

LAST_RATE = 0.03
"""Share of the highest rate that is left at the end."""

_EVENTS = 400
"""Events of a run at most: more points than a figure shows."""


@dataclass(frozen=True)
class Weighted:
    """A task, and how much its loss counts."""

    task: Task
    weight: float
    second: bool = False
    """Whether it waits until the losses of the tasks before it are flat (S2)."""


class Trained(msgspec.Struct, frozen=True, kw_only=True):
    """How training ended."""

    steps: int
    tokens: int
    seconds: float
    flat: dict[str, bool]
    """Whether the loss of each task was flat at the end; False of one that never began."""

    second: int | None
    """The step that the second task began with."""

    @property
    def converged(self) -> bool:
        """Whether all losses were flat, before the steps of the job were over."""
        return all(self.flat.values())


def train(
    module: nn.Module,
    tasks: Sequence[Weighted],
    spec: Training,
    checkpoints: Checkpoints,
    telemetry: Telemetry,
    processes: ProcessGroup = ALONE,
) -> Trained:
    """Train until all losses are flat, or the steps are over.

    Args:
        module: The network; training goes on from the checkpoint, if there is one.
        tasks: What it learns from, all together in each step.
        spec: The `training` table.
        checkpoints: Where its state is kept.
        telemetry: Takes losses.
        processes: Those that train, each of which calls this.

    Returns:
        How it ended.

    Raises:
        SpecError: A loss is not a finite number any more.
    """
    loop = _Loop(module, tasks, spec, checkpoints, processes)
    events = _Events(spec.steps, loop.progress, telemetry)
    module.train()
    while not loop.ended:
        events.add(loop.step())
        if loop.progress.step % spec.save_every == 0:
            loop.save()
    loop.save()
    module.eval()
    return loop.trained


def rate(spec: Training, step: int) -> float:
    """Returns the learning rate of a step: it rises at the begin, then falls in a line."""
    warm = min(WARM_UP, max(1, spec.steps // 10))
    return (
        spec.highest_rate * min(1.0, (step + 1) / warm) * (1 - (1 - LAST_RATE) * step / spec.steps)
    )


_Seen = Sequence[tuple[str, str, float]]
"""Task, languages and loss of each batch of a step."""


class _Loop:
    """The state of training, and one step of it."""

    def __init__(
        self,
        module: nn.Module,
        tasks: Sequence[Weighted],
        spec: Training,
        checkpoints: Checkpoints,
        processes: ProcessGroup,
    ) -> None:
        self._module = module
        self._tasks = tasks
        self._spec = spec
        self._checkpoints = checkpoints
        self._processes = processes
        self._optimizer = Adam(module.parameters(), lr=spec.highest_rate, betas=BETAS, fused=True)
        self.progress = checkpoints.load(module, self._optimizer)
        processes.check_same(module, self.progress.step)
        names = [each.task.name for each in tasks]
        self._losses = {name: Losses(spec, self.progress.losses.get(name, ())) for name in names}

    @property
    def ended(self) -> bool:
        """Whether all losses are flat, or the steps are over."""
        return self.progress.step >= self._spec.steps or self._all_flat(self._tasks)

    def step(self) -> _Seen:
        """Go one step; returns what the losses were."""
        began, progress = time.perf_counter(), self.progress
        for group in self._optimizer.param_groups:
            group["lr"] = rate(self._spec, progress.step)
        self._optimizer.zero_grad(set_to_none=True)
        seen = [self._learn(each) for each in self._tasks if self._is_on(each)]
        self._processes.sum_gradients(self._module)
        self._optimizer.step()
        progress.step += 1
        progress.seconds += time.perf_counter() - began
        first = [each for each in self._tasks if not each.second]
        if progress.second is None and (
            self._all_flat(first) or 2 * progress.step >= self._spec.steps
        ):
            progress.second = progress.step
        return seen

    def save(self) -> None:
        """Keep the state, unless it is broken."""
        if not all(bool(torch.isfinite(each).all()) for each in self._module.parameters()):
            raise self._diverged("The parameters are")
        self.progress.losses = {name: each.last for name, each in self._losses.items()}
        if self._processes.leads:
            self._checkpoints.save(self._module, self._optimizer, self.progress)

    @property
    def trained(self) -> Trained:
        """How training ended."""
        progress = self.progress
        return Trained(
            steps=progress.step,
            tokens=progress.tokens,
            seconds=progress.seconds,
            flat={name: losses.flat for name, losses in self._losses.items()},
            second=progress.second if any(each.second for each in self._tasks) else None,
        )

    def _learn(self, each: Weighted) -> tuple[str, str, float]:
        loss = each.task.loss(self.progress.step)
        value = self._processes.total(loss.value)
        if not math.isfinite(value):
            raise self._diverged(f"The loss of `{each.task.name}` is")
        (each.weight * loss.value).backward()  # type: ignore[no-untyped-call]
        self._losses[each.task.name].add(value)
        self.progress.tokens += loss.tokens
        return each.task.name, loss.languages, value

    def _is_on(self, each: Weighted) -> bool:
        return not each.second or self.progress.second is not None

    def _all_flat(self, tasks: Sequence[Weighted]) -> bool:
        return all(self._losses[each.task.name].flat for each in tasks)

    def _diverged(self, what: str) -> SpecError:
        path = self._checkpoints.path
        kept = f"The last good state is kept in {path}" if path.exists() else "No state was kept"
        return SpecError(
            f"{what} not finite any more after {self.progress.step:,} steps: training diverged. "
            f"Lower `multilingual.training.rate`, which is {self._spec.highest_rate:g}. {kept}."
        )


class _Events:
    """Tells of training now and then: means since the last time."""

    def __init__(self, steps: int, progress: Progress, telemetry: Telemetry) -> None:
        self._steps = steps
        self._every = -(-steps // _EVENTS)
        self._progress = progress
        self._telemetry = telemetry
        self._found = defaultdict[str, list[float]](list)

    def add(self, seen: _Seen) -> None:
        """Take the losses of a step in."""
        for task, languages, loss in seen:
            self._found[f"loss_{task}"].append(loss)
            self._found[f"loss_{task}/{languages}"].append(loss)
        done = self._progress.step
        if done % self._every == 0 or done == self._steps:
            means = {name: sum(values) / len(values) for name, values in self._found.items()}
            means["tokens_per_s"] = self._progress.tokens / max(self._progress.seconds, 1e-9)
            self._telemetry.progress("train", done, self._steps, note="", **means)
            self._found.clear()
