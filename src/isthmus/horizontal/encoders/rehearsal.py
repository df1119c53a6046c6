"""Children that cheat, so that a simulation shows what a fusion rule does about them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from isthmus.core import seeds
from isthmus.data.samples import Samples
from isthmus.horizontal.lesson import Lesson, Prepare, Train
from isthmus.horizontal.messages import Reason
from isthmus.horizontal.parameters import Parameters

Rehearsal = Literal["sign_flip", "label_noise", "label_flip"]
"""What a child does: it sends its updates the other way round, it draws its labels by chance, or it
takes each class for another one."""


def spoil(
    samples: Samples, rehearsal: Rehearsal, classes: Sequence[str], seed: int, party: str
) -> Samples:
    """The samples that a child trains on.

    Args:
        samples: Its own.
        rehearsal: What it does.
        classes: Those of the job.
        seed: The job's.
        party: Its name.

    Returns:
        The same samples, with other labels where it cheats by labels.
    """
    labels = samples.labels or ()
    match rehearsal:
        case "label_noise":
            generator = seeds.generator(seed, "rehearsal", party)
            drawn = generator.integers(len(classes), size=len(labels))
            return replace(samples, labels=tuple(classes[int(number)] for number in drawn))
        case "label_flip":
            other = dict(zip(classes, reversed(classes), strict=True))
            return replace(samples, labels=tuple(other[label] for label in labels))
        case "sign_flip":
            return samples


def rehearse(prepare: Prepare, rehearsal: Rehearsal) -> Prepare:
    """How a child trains.

    Args:
        prepare: As it would without cheating.
        rehearsal: What it does.

    Returns:
        The lessons of a child that cheats by its updates, where it does.
    """

    def prepared(encoder: str) -> Lesson | Reason:
        found = prepare(encoder)
        if rehearsal == "sign_flip" and isinstance(found, Lesson):
            return replace(found, train=_backwards(found.train))
        return found

    return prepared


def _backwards(train: Train) -> Train:
    def opposite(start: Parameters, number: int) -> tuple[Parameters, Mapping[str, float]]:
        trained, metrics = train(start, number)
        return {name: 2 * before - trained[name] for name, before in start.items()}, metrics

    return opposite
