# torch leaves types open:
# pyright: reportUnknownMemberType=false
"""Checkpoints of training: parameters, moments of Adam, and what the losses were."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.optim import Adam

from isthmus.core.errors import SpecError
from isthmus.store import checkpoint
from isthmus.store.checkpoint import Arrays, Checkpoint, Fact

_PARAMETER, _LOSSES = "parameter.", "losses."
_MOMENTS = ("exp_avg", "exp_avg_sq")


@dataclass
class Progress:
    """How far training is."""

    step: int = 0
    """Steps that are done."""

    second: int | None = None
    """The step that the second task began with."""

    tokens: int = 0
    seconds: float = 0.0
    losses: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    """The last losses of each task."""


class Checkpoints:
    """The checkpoint of a run; the last one replaces the one before."""

    def __init__(self, path: Path, job: str) -> None:
        """Prepare to save.

        Args:
            path: The file.
            job: Digest of the job.
        """
        self.path = path
        self._job = job

    def save(self, module: nn.Module, optimizer: Adam, progress: Progress) -> None:
        """Write the state; a crash leaves the state before."""
        arrays: Arrays = {
            f"{_LOSSES}{name}": np.array(last, np.float64) for name, last in progress.losses.items()
        }
        for name, parameter in module.named_parameters():
            arrays[f"{_PARAMETER}{name}"] = parameter.detach().cpu().numpy()
            state: Mapping[str, torch.Tensor] = optimizer.state.get(parameter, {})
            for moment in _MOMENTS:
                if moment in state:
                    arrays[f"{moment}.{name}"] = state[moment].cpu().numpy()
            if "step" in state:
                arrays[f"step.{name}"] = state["step"].cpu().numpy()
        facts: dict[str, Fact] = {
            "step": progress.step,
            "second": -1 if progress.second is None else progress.second,
            "tokens": progress.tokens,
            "seconds": progress.seconds,
        }
        checkpoint.save(self.path, self._job, Checkpoint(arrays, facts))

    def load(self, module: nn.Module, optimizer: Adam) -> Progress:
        """Take up the last state.

        Args:
            module: Takes the parameters.
            optimizer: Takes its moments.

        Returns:
            How far training is; at step 0 where nothing was saved.

        Raises:
            SpecError: The file is broken, or of another encoder.
        """
        found = checkpoint.load(self.path, self._job)
        if found is None:
            return Progress()
        try:
            with torch.no_grad():
                for name, parameter in module.named_parameters():
                    _restore(name, parameter, optimizer, found.arrays)
        except (KeyError, RuntimeError):
            raise SpecError(
                f"{self.path}: is the checkpoint of an encoder of another form. Remove it to start "
                "from the beginning."
            ) from None
        second = int(found.facts["second"])
        return Progress(
            step=int(found.facts["step"]),
            second=None if second < 0 else second,
            tokens=int(found.facts["tokens"]),
            seconds=float(found.facts["seconds"]),
            losses={
                name.removeprefix(_LOSSES): last.tolist()
                for name, last in found.arrays.items()
                if name.startswith(_LOSSES)
            },
        )


def _restore(name: str, parameter: nn.Parameter, optimizer: Adam, arrays: Arrays) -> None:
    parameter.copy_(torch.from_numpy(arrays[f"{_PARAMETER}{name}"]))
    if f"step.{name}" in arrays:  # it has none before its first gradient
        moments = {
            moment: torch.from_numpy(arrays[f"{moment}.{name}"].copy()).to(parameter.device)
            for moment in _MOMENTS
        }
        step = torch.from_numpy(arrays[f"step.{name}"].copy()).to(parameter.device)
        optimizer.state[parameter] = {"step": step, **moments}
