"""Sets up training at the master of a weighted classifier, and its stop condition."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from isthmus.core.errors import JobError
from isthmus.data.samples import Samples
from isthmus.horizontal.actor_critic.modes import weigher_of
from isthmus.horizontal.encoders import master
from isthmus.horizontal.encoders.root_data import RootData
from isthmus.horizontal.fusion.scaffold_controls import split_control
from isthmus.horizontal.parameters import Layout, Parameters
from isthmus.horizontal.rounds.training import Training
from isthmus.horizontal.weighting.spec import Stop, Weighting, as_encoders
from isthmus.horizontal.weighting.stopping import stopping


def training(
    spec: Weighting, children: Sequence[str], seed: int, root: Samples | None = None
) -> Training:
    """Set up training at the master.

    Args:
        spec: What the job says.
        children: Names of all children of the job.
        seed: The job's.
        root: Samples of the master's own, if it has any.

    Returns:
        Initial parameters, and the rule that fuses a round's updates and ends training.

    Raises:
        JobError: The fusion rule or `stop` needs samples of the master's own, and there are none.
        SpecError: These do not fit the job.
    """
    encoders, weigher = as_encoders(spec), weigher_of(spec.fusion, len(children), seed)
    found = master.training(encoders, children, seed, root, weigher)
    if spec.stop == Stop():
        return found
    accuracy = _accuracy(None if root is None else RootData(encoders, root, seed), spec.stop)
    secure_rule = found.secure_rule and replace(
        found.secure_rule,
        fuse=stopping(found.secure_rule.fuse, spec.stop, accuracy, lambda it: it.taken),
    )
    fuse = stopping(found.fuse, spec.stop, accuracy, lambda it: it)
    return replace(found, fuse=fuse, secure_rule=secure_rule)


def _accuracy(root: RootData | None, stop: Stop) -> Callable[[Parameters, int], float]:
    if root is None and (stop.accuracy is not None or stop.plateau is not None):
        raise JobError(
            "`stop` of the job looks at accuracy on samples of the master's own, and the master "
            "has none. Name a table in its party file, or stop by `samples` alone."
        )

    def accuracy(parameters: Parameters, number: int) -> float:
        if root is None:
            return 0.0
        before, _ = split_control(parameters)
        unchanged = np.zeros((1, Layout.of(before).size), np.float32)
        return float(root.judge(before, number)(unchanged).accuracy[0])

    return accuracy
