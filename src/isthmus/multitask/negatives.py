"""Which rows are left out: those kept for the test, and most samples without a positive label.

Whether a row is left out follows from the job's seed and the number of the row alone.

Predictions are corrected in one of two ways. Where one task comes before all others, as a click
before a conversion, all samples left out are negatives of that task, and count for no other: so its
logit is shifted (He et al. 2014, section 6.3), and no other. Otherwise, the samples that stay count
for those left out: their labels have the weight 1 / `negatives`.
"""

import math

import numpy as np

from isthmus.core.arrays import Bools, Floats
from isthmus.core.seeds import generator
from isthmus.multitask.samples import Samples
from isthmus.multitask.spec import Multitask
from isthmus.paramserver.window import Int64s

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def is_kept_out(position: Int64s, share: float, seed: int) -> Bools:
    """Decide which rows training leaves for the test.

    Args:
        position: Numbers of rows in the data.
        share: Share of the rows.
        seed: The job's seed.

    Returns:
        Shape (rows,).
    """
    return _even(position, seed, "kept out") < share


def is_trained(samples: Samples, negatives: float, seed: int, epoch: int) -> Bools:
    """Decide which samples are trained on.

    Args:
        samples: Samples with their final labels.
        negatives: Share of those without any positive label.
        seed: The job's seed.
        epoch: Number of the epoch: each has other negatives.

    Returns:
        Shape (samples,).
    """
    if negatives == 1:
        return np.ones(len(samples), np.bool_)
    positive: Bools = (samples.labels == 1).any(axis=1)
    return positive | (_even(samples.position, seed, f"negatives {epoch}") < negatives)


def weigh(spec: Multitask, samples: Samples) -> None:
    """Give the samples that stay the weight of those that are left out, unless a logit is shifted.

    Args:
        spec: The `[multitask]` table.
        samples: Samples with their final labels; their weights are changed.
    """
    if spec.negatives < 1 and _root(spec) is None:
        negative = ~(samples.labels == 1).any(axis=1)
        samples.weights[negative] /= spec.negatives


def corrections(spec: Multitask) -> tuple[float, ...]:
    """Find what predictions are corrected by.

    Args:
        spec: The `[multitask]` table.

    Returns:
        A number for each task, to be added to its logit.
    """
    root = _root(spec)
    return tuple(math.log(spec.negatives) if name == root else 0.0 for name in spec.tasks)


def _root(spec: Multitask) -> str | None:
    """Returns the task that comes before all others; None if weights correct, not a shift."""
    roots = [name for name, task in spec.tasks.items() if task.given is None]
    late = [
        name
        for name in roots
        if (found := spec.tasks[name].conversions) and found.until_then == "fake_negative"
    ]
    return roots[0] if len(roots) == 1 and not late else None


def _even(position: Int64s, seed: int, purpose: str) -> Floats:
    """Returns numbers from 0 to 1, evenly spread, for rows (the last steps of SplitMix64)."""
    begin = generator(seed, "multitask", purpose).integers(2**63)
    bits = position.astype(np.uint64) * _GOLDEN + np.uint64(begin)
    bits = (bits ^ (bits >> np.uint64(30))) * _FIRST
    bits = (bits ^ (bits >> np.uint64(27))) * _SECOND
    bits ^= bits >> np.uint64(31)
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53
