"""Reads and checks all that one party of a job in rounds brings."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from isthmus.core import extras
from isthmus.core.errors import SpecError, naming_file
from isthmus.data import fingerprint, reading, samples
from isthmus.data.samples import Samples
from isthmus.horizontal.system import LocalData
from isthmus.jobs.load import load_party
from isthmus.jobs.party import THIS_MACHINE, Party
from isthmus.jobs.plan import Loaded, PartyPlan


@dataclass(frozen=True)
class RoundsPlan(PartyPlan):
    """A plan to train a network in rounds, on samples that nobody else holds."""

    train: Samples | None = field(repr=False)
    """None where this party brings none."""

    test: Samples | None = field(repr=False)
    """None where nothing is measured here."""

    @property
    def on_flower(self) -> bool:
        """Whether a Flower federation carries the rounds."""
        return self.party.engine == "flower"

    @property
    def needs_identity(self) -> bool:
        """On Flower, keys of its own prove who a party is."""
        return not self.on_flower

    @cached_property
    def data_digest(self) -> str | None:
        """Digest of our samples."""
        brought = [part for part in (self.train, self.test) if part is not None]
        return fingerprint.of_values(
            *([part.type, part.names, part.inputs, part.texts, part.labels] for part in brought),
            *(list(part.translations) for part in brought),
            self.train is None,
        )

    @property
    def local(self) -> LocalData:
        """Our samples, as the system takes them."""
        return LocalData(
            party=self.party.party,
            children=tuple(sorted(self.job.peers(self.first))),
            train=self.train,
            test=self.test,
            seed=self.job.seed,
            folder=self.loaded.path.parent,
            simulated_attack=self.party.simulated_attack,
        )


def make_plan(loaded: Loaded, party_file: Path | None) -> RoundsPlan:
    """Read and check everything that a party brings.

    Args:
        loaded: The job.
        party_file: The party's own file.

    Returns:
        The plan, with the samples loaded.

    Raises:
        SpecError: A file, or the data it names, does not fit the job.
        PolicyError: The party's policy refuses a message that it would have to send.
    """
    party, file = load_party(loaded, party_file)
    with naming_file(file):
        if party.engine == "flower":
            _check_flower(loaded, party)
        _check_patience(loaded, party)
        _check_attack(loaded, party)
        _check_gaps(loaded, party)
    data = loaded.data

    def read(name: str | None) -> Samples | None:
        return samples.load(party.datasets[name], file.parent) if name in party.datasets else None

    train, test = reading.load_both(lambda: read(data.train), lambda _: read(data.test))
    if train is not None and data.test is None:
        train, test = train.split(data.test_share, loaded.job.seed, party.party)
    plan = RoundsPlan(loaded, party, file, train, test)
    with naming_file(file):
        loaded.system.check_party(loaded.spec, plan.role, train, test)
    return plan


def under_masks(spec: Any) -> str:
    """Returns what in a job has children sum something under masks, or an empty string."""
    if getattr(spec.network, "vocabulary", "") == "joint":
        return "a joint vocabulary"
    return "`secure_aggregation`" if spec.privacy.secure_aggregation else ""


def unknown_parties(loaded: Loaded) -> list[str]:
    """Returns the children whose fingerprint a job needs and does not hold."""
    if not under_masks(loaded.spec):
        return []
    children = loaded.job.peers(loaded.first)
    return sorted(child for child, it in children.items() if it.fingerprint is None)


def _check_flower(loaded: Loaded, party: Party) -> None:
    if masked := under_masks(loaded.spec):
        raise SpecError(
            f"this job asks for {masked}, whose masks a child keeps in memory only, and on Flower "
            "each of its turns is a process of its own: take `engine` out, or agree on a job "
            "without it."
        )
    role = loaded.job.parties[party.party].role
    needed = _FLOWER_OF_MASTER if party.party == loaded.first else _FLOWER_OF_CHILD
    missing = [f"`flower.{key}`" for key in needed if getattr(party.flower, key) is None]
    if missing:
        raise SpecError(
            f'{party.party!r} is {role} in this job and has `engine = "flower"`: add '
            f"{', '.join(missing)}."
        )
    extras.require("flower", 'a party file with `engine = "flower"`')


def _check_patience(loaded: Loaded, party: Party) -> None:
    deadline = loaded.spec.rounds.deadline
    if party.engine == "grpc" and party.patience <= deadline:
        raise SpecError(
            f"`patience` is {party.patience:g} s, and a round of this job may take {deadline:g} s, "
            "in which nobody speaks to a child that is done: give it more."
        )


def _check_gaps(loaded: Loaded, party: Party) -> None:
    if loaded.spec.privacy.sample_level is None or party.party == loaded.first:
        return
    used = party.datasets.get(loaded.dataset)
    if used is not None and used.missing == "mean":
        raise SpecError(
            f'`datasets.{loaded.dataset}.missing = "mean"` fills empty cells with what your '
            "samples hold on average, on which the noise of `privacy.sample_level` does not go: "
            "take a number that anybody may know, such as the middle of the column's range."
        )


def _check_attack(loaded: Loaded, party: Party) -> None:
    if party.simulated_attack is None:
        return
    master = loaded.first
    if party.party == master:
        raise SpecError(
            f"`simulated_attack` is for children, and {master!r} is the master: take it out."
        )
    address = party.peers[master].address if master in party.peers else None
    if party.engine == "flower":
        address = party.flower.superlink
    if address is not None and address.rpartition(":")[0] not in THIS_MACHINE:
        raise SpecError(
            "`simulated_attack` has this party misbehave, which is for trials with a master on "
            f"this machine, and {master!r} is at {address}: take it out."
        )


_FLOWER_OF_MASTER = ("connection",)
_FLOWER_OF_CHILD = ("superlink", "root_certificates", "private_key")
