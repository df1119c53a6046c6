"""A folder with a job and all that its two parties need, to be broken by tests."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from isthmus.core import spec
from isthmus.jobs.aligned.plan import AlignedPlan
from isthmus.jobs.job import Job
from isthmus.jobs.load import make_plan
from isthmus.jobs.party import Party

T = TypeVar("T")

PARTIES = ("clinic", "insurer")

JOB = """\
name = "trial"
seed = 7
disclosed = [
  "ComparedRows", "SharedRows", "LossScale", "OpenedSums", "PartialNumbers",
  "PartialSlope", "PartialPredictor",
]

[parties.clinic]
role = "active"
rows = 300

[parties.insurer]
role = "passive"

[data]
train = "people"
identifiers = ["person"]
normalise = ["trim"]

[alignment]
method = "cryptographic"
minimum_size = 100

[regression]
passive_columns = 2

[regression.encryption]
scheme = "okamoto-uchiyama"
key_bits = 2048
"""

CLINIC = """\
party = "clinic"
listen = "127.0.0.1:7401"
wait = 30.0

[datasets.people]
path = "people.csv"
identifiers = ["person_id"]
label = "ill"

[identity]
certificate = "certificate.pem"
private_key = "key.pem"

[peers.insurer]
certificate = "insurer.pem"
"""

INSURER = """\
party = "insurer"
wait = 30.0

[datasets.people]
path = "people.csv"
identifiers = ["member"]

[identity]
certificate = "certificate.pem"
private_key = "key.pem"

[peers.clinic]
certificate = "clinic.pem"
address = "127.0.0.1:7401"
"""


class Desk:
    """A folder with the job and, for each party, a folder with all that it needs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.job = folder / "job.toml"

    def party_file(self, party: str) -> Path:
        return self.folder / party / "party.toml"

    def edit(self, file: Path, old: str, new: str) -> None:
        text = file.read_text()
        assert text.count(old) == 1
        file.write_text(text.replace(old, new))

    def edit_job(self, old: str, new: str) -> None:
        self.edit(self.job, old, new)

    def edit_party(self, party: str, old: str, new: str) -> None:
        self.edit(self.party_file(party), old, new)

    def allow_simulated(self, party: str) -> None:
        """Accept enclaves that protect nothing."""
        allowed = "[policy.enclaves]\nallow_simulated = true\n\n[identity]"
        self.edit_party(party, "[identity]", allowed)

    def drop_training(self) -> None:
        """Let the job end with the alignment."""
        text = self.job.read_text().partition("[regression]")[0]
        told = text[text.index("disclosed") : text.index("[parties.clinic]")]
        only = 'disclosed = ["ComparedRows", "SharedRows"]\n\n'
        self.job.write_text(text.replace(told, only))

    def plan(self, party: str) -> AlignedPlan:
        plan = make_plan(self.job, self.party_file(party))
        assert isinstance(plan, AlignedPlan)
        return plan

    def both(self, verb: Callable[[Path, Path], T]) -> dict[str, T]:
        """What both parties have when they do the same at the same time."""
        spec.load(self.job, Job)  # msgspec 0.22 crashes where two threads are the first to do so
        spec.load(self.party_file(PARTIES[0]), Party)
        with ThreadPoolExecutor(2) as threads:
            playing = {
                party: threads.submit(verb, self.job, self.party_file(party)) for party in PARTIES
            }
            return {party: each.result() for party, each in playing.items()}
