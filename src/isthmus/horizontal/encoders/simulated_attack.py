"""Children that attack training, so that a simulation shows how a fusion rule handles them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from isthmus.core import seeds
from isthmus.data.samples import Samples
from isthmus.horizontal.messages import Reason
from isthmus.horizontal.parameters import Parameters
from isthmus.horizontal.rounds.local_training import LocalTrainer, MakeTrainer, Train
from isthmus.horizontal.spec import SimulatedAttack


def poison_samples(
    samples: Samples, attack: SimulatedAttack, classes: Sequence[str], seed: int, party: str
) -> Samples:
    """The samples that an attacking child trains on.

    Args:
        samples: Its own.
        attack: What it does.
        classes: Those of the job.
        seed: The job's.
        party: Its name.

    Returns:
        The same samples, with other labels if the attack is on labels.
    """
    labels = samples.labels or ()
    match attack:
        case "label_noise":
            generator = seeds.generator(seed, "rehearsal", party)
            drawn = generator.integers(len(classes), size=len(labels))
            return replace(samples, labels=tuple(classes[int(number)] for number in drawn))
        case "label_flip":
            other = dict(zip(classes, reversed(classes), strict=True))
            return replace(samples, labels=tuple(other[label] for label in labels))
        case "sign_flip":
            return samples


def poison_updates(make_trainer: MakeTrainer, attack: SimulatedAttack) -> MakeTrainer:
    """The trainer of an attacking child.

    Args:
        make_trainer: Makes its trainer without an attack.
        attack: What it does.

    Returns:
        The same, with a trainer that sends opposite updates if the attack is on updates.
    """

    def make(encoder: str) -> LocalTrainer | Reason:
        found = make_trainer(encoder)
        if attack == "sign_flip" and isinstance(found, LocalTrainer):
            return replace(found, train=_opposite(found.train))
        return found

    return make


def _opposite(train: Train) -> Train:
    def train_backwards(start: Parameters, number: int) -> tuple[Parameters, Mapping[str, float]]:
        trained, metrics = train(start, number)
        return {name: 2 * before - trained[name] for name, before in start.items()}, metrics

    return train_backwards
