"""The interface between the training loop and what an encoder learns from."""

from typing import NamedTuple, Protocol

from torch import Tensor


class TaskLoss(NamedTuple):
    """The loss of one batch."""

    value: Tensor
    """A number, to go backward from: what this process adds to the loss of the batch."""

    tokens: int
    """Pieces of the whole batch that were read, without padding."""

    languages: str
    """Languages of the batch, such as de-en; losses are told apart by it in events."""


class Task(Protocol):
    """One objective on its corpora."""

    name: str
    """Its key in `[multilingual.objectives]`."""

    bilingual: bool
    """Whether it takes texts with their translations."""

    def loss(self, step: int) -> TaskLoss:
        """Compute the loss of the batch of a step.

        The batch, masks and all other draws follow from the job's seed and the step alone, so that
        training goes on after any step as if it had not stopped.

        Args:
            step: Number of the step, from 0.

        Returns:
            The loss, not yet multiplied by the weight of the task.
        """
        ...
