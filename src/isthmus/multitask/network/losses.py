"""Losses of the tasks of a batch, and how several become one gradient.

| what          | Source                                                                          |
|---------------|---------------------------------------------------------------------------------|
| entire_space  | Ma et al. 2018 (ESMM): products of probabilities, fitted on all samples         |
| fake_negative | Ktena et al. 2019, equation 8: importance weights from the model's own estimate |
| uncertainty   | Kendall et al. 2018, equation 10                                                |
| pcgrad        | Yu et al. 2020, algorithm 1, with the other tasks in their order                |
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from isthmus.multitask.spec import Multitask, Task

_TINY = 1e-30  # squared length of a gradient that conflicts with none


def before(spec: Multitask) -> tuple[int | None, ...]:
    """Returns for each task the number of the task before it, if it has one."""
    numbers = {name: number for number, name in enumerate(spec.tasks)}
    return tuple(None if it.given is None else numbers[it.given] for it in spec.tasks.values())


def chain(spec: Multitask, task: int) -> tuple[int, ...]:
    """Returns the tasks whose probabilities the loss of a task takes: with `entire_space` several.

    Args:
        spec: The table of the job.
        task: Number of the task.

    Returns:
        Numbers of tasks, each before those that depend on it; the last is `task`.
    """
    found, given = [task], before(spec)
    while spec.entire_space and (earlier := given[found[-1]]) is not None:
        found.append(earlier)
    return tuple(reversed(found))


class Losses:
    """The losses of a job's tasks, and the scalar that is differentiated."""

    def __init__(self, spec: Multitask) -> None:
        tasks = tuple(spec.tasks.values())
        self.chains = tuple(chain(spec, task) for task in range(len(tasks)))
        self._delayed = tuple(delayed(task) for task in tasks)
        self._weights = tuple(task.weight for task in tasks)
        self._balance = spec.balance

    def of_task(self, task: int, logits: Sequence[Tensor], label: Tensor, weight: Tensor) -> Tensor:
        """Weighted cross-entropy of one label.

        Args:
            task: Number of the task.
            logits: Those of its chain, each of shape (batch,).
            label: 0 or 1, NaN where it is missing, shape (batch,).
            weight: What each label counts for, shape (batch,).

        Returns:
            The sum over the samples that have the label, divided by the size of the batch.
        """
        positive, negative = log_probabilities(logits)
        if self._delayed[task]:
            weight = weight * importance(positive, label)
        likelihoods = weight * torch.where(label == 1, positive, negative)
        return torch.where(label.isnan(), 0, likelihoods).sum() / -len(label)

    def balanced(self, losses: Mapping[int, Tensor], log_variances: Tensor) -> Tensor:
        """Add up the losses of a pass.

        Args:
            losses: The loss of each task of the pass, by its number.
            log_variances: Of all tasks, shape (tasks,); they matter to passes over several tasks
                where the job balances by uncertainty.

        Returns:
            The scalar to differentiate.
        """
        if self._balance == "uncertainty" and len(losses) > 1:
            spread = {task: log_variances[task] for task in losses}
            parts = [(-spread[it]).exp() * loss + spread[it] / 2 for it, loss in losses.items()]
        elif self._balance == "fixed":
            parts = [self._weights[task] * loss for task, loss in losses.items()]
        else:
            parts = list(losses.values())
        return torch.stack(parts).sum()


def projected(gradients: Sequence[Tensor]) -> Tensor:
    """Add up gradients after each has lost what conflicts with another (PCGrad).

    Args:
        gradients: One for each task, flat, all of the same shape. Two conflict where their scalar
            product is negative.

    Returns:
        The sum, of the same shape.
    """
    squares = [gradient.dot(gradient) for gradient in gradients]
    kept = [gradient.clone() for gradient in gradients]
    for number, mine in enumerate(kept):
        for other, gradient in enumerate(gradients):
            if other != number:
                share = mine.dot(gradient).clamp(max=0) / squares[other].clamp(min=_TINY)
                mine.sub_(share * gradient)
    return torch.stack(kept).sum(0)


def log_probabilities(logits: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Logarithms of the probability that all labels are 1, and that not all are.

    Args:
        logits: One for each label, given that the labels before it are 1.

    Returns:
        Both, exact to the precision of the numbers for probabilities near 0 and 1.
    """
    positive, negative = logsigmoid(logits[0]), logsigmoid(-logits[0])
    for logit in logits[1:]:
        # 1 - a b = (1 - a) + a (1 - b)
        negative = torch.logaddexp(negative, positive + logsigmoid(-logit))
        positive = positive + logsigmoid(logit)
    return positive, negative


def importance(positive: Tensor, label: Tensor) -> Tensor:
    """Weights of samples that count as negatives until they convert, and then count again.

    Args:
        positive: Logarithm of the estimated probability of a conversion, shape (batch,).
        label: 1 for the samples that converted, shape (batch,).

    Returns:
        Shape (batch,); no gradient flows through them.
    """
    estimate = positive.detach().exp()
    return (1 + estimate) * torch.where(label == 1, 1, 1 - estimate)


def delayed(task: Task) -> bool:
    """Returns whether samples of a task count as negatives until they convert."""
    return task.conversions is not None and task.conversions.until_then == "fake_negative"
