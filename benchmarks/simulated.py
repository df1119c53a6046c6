"""Joint jobs to measure: two parties as processes on this machine, and how much CPU they take."""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import numpy as np
import pyarrow as pa
from pyarrow import parquet
from scipy import special

from benchmarks.round_watch import RoundWatch
from isthmus.alignment.attested.spec import AttestedAlignment
from isthmus.core import spec
from isthmus.core.arrays import Floats
from isthmus.core.errors import SpecError
from isthmus.core.seeds import generator
from isthmus.core.spec import Spec
from isthmus.crypto.encryption import Engine
from isthmus.data import reading
from isthmus.data.spec import Dataset
from isthmus.data.table import Table
from isthmus.jobs import consent, registry
from isthmus.jobs.aligned.results import SimulatedTraining, TrainedResult
from isthmus.jobs.examples import JOB_FILE
from isthmus.jobs.job import Data, Job, Member
from isthmus.jobs.party import PARTY_FILE, Compute, Party, PartyPolicy
from isthmus.jobs.plan import FamilyCode, Loaded
from isthmus.jobs.simulate import simulate
from isthmus.store.runs import Run
from isthmus.tee.policy import EnclavePolicy
from isthmus.transport.message import Message
from isthmus.vertical.regression.encrypted.messages import Direction, Step
from isthmus.vertical.regression.messages import PartialNumbers, PartialSlope
from isthmus.vertical.regression.products import messages as products

ACTIVE, PASSIVE = "active", "passive"
"""The parties are named after their roles."""

TRAIN, TEST = "train", "test"

DEFAULT_CREDIT = "default_credit"

IN_A_ROUND = (
    products.ProductSeed,
    products.ProductKey,
    products.EncryptedValues,
    products.MaskedSums,
    products.OpenedSums,
    PartialNumbers,
    Direction,
    PartialSlope,
    Step,
)
"""What crosses in a round of conjugate gradients; keys only with the scheme "bfv"."""

_SEED = 7
_POLICY = PartyPolicy(enclaves=EnclavePolicy(allow_simulated=True))
_TICK = 0.01  # seconds: the system counts CPU in such steps
IDENTIFIER, LABEL = "id", "y"


@dataclass(frozen=True)
class Workload:
    """Rows to train on: one file per party and part, read where they lie."""

    name: str
    files: Mapping[tuple[str, str], Path]
    """By party and part."""

    passive_columns: int

    def dataset(self, party: str, part: str) -> Dataset:
        """How a party file describes one of the files."""
        return Dataset(
            path=str(self.files[party, part]),
            identifiers=(IDENTIFIER,),
            label=LABEL if party == ACTIVE else None,
        )

    def training_rows(self, party: str) -> Table:
        """Rows of one party in the order of their identifiers, which all parties share."""
        return self.rows(party, TRAIN)

    def rows(self, party: str, part: str) -> Table:
        """Rows of one party and part in the order of their identifiers."""
        rows = reading.load(self.dataset(party, part), Path(), [])
        return rows.take(np.argsort(np.array(rows.identifiers)))


def default_credit() -> Workload:
    """UCI's default of credit card clients: 24,000 training rows of 13 and 10 columns."""
    return real(DEFAULT_CREDIT, passive_columns=10)


def real(name: str, passive_columns: int) -> Workload:
    """Rows of FATE's examples, in its split, from the folder of shared data.

    Args:
        name: Of the data set.
        passive_columns: How many columns its host has.

    Returns:
        The workload.

    Raises:
        SpecError: It is not on this machine.
    """
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("ISTHMUS_DATA", beside)) / "vertical"
    theirs = {ACTIVE: "guest", PASSIVE: "host"}
    files = {
        (party, part): folder / f"{name}_{role}_{part}.csv.gz"
        for party, role in theirs.items()
        for part in (TRAIN, TEST)
    }
    absent = [path.name for path in files.values() if not path.is_file()]
    if absent:
        raise SpecError(
            f"{name} was left out: {absent[0]} is not here. Set ISTHMUS_DATA to a folder whose "
            "folder `vertical` has the files of FATE's examples/data."
        )
    return Workload(name, files, passive_columns)


def synthetic(
    rows: int, columns: Mapping[str, int], folder: Path, tests: int | None = None
) -> Workload:
    """Made-up rows with correlated columns.

    Args:
        rows: Training rows of each party, all shared.
        columns: How many columns each party has.
        folder: Where the files go.
        tests: Rows for testing; None: a fifth as many.

    Returns:
        The workload.
    """
    random, total = generator(_SEED, "benchmark"), rows + (rows // 5 if tests is None else tests)
    factors = random.normal(size=(total, 3))
    x = {
        party: random.normal(size=(total, count)) + factors @ random.normal(size=(3, count))
        for party, count in columns.items()
    }
    every = np.hstack(list(x.values()))
    predictor = every @ random.normal(size=every.shape[1]) / every.shape[1]
    label = (random.random(total) < special.expit(predictor)).astype(np.int8)
    files = {}
    for part, chosen in ((TRAIN, slice(rows)), (TEST, slice(rows, None))):
        for party, values in x.items():
            files[party, part] = folder / f"{party}-{part}.parquet"
            named = {IDENTIFIER: np.arange(total)[chosen]} | _named(party, values[chosen])
            if party == ACTIVE:
                named[LABEL] = label[chosen]
            parquet.write_table(pa.table(named), files[party, part])
    name = f"synthetic {rows:,} x {'+'.join(map(str, columns.values()))}"
    return Workload(name, files, columns[PASSIVE])


def _named(party: str, values: Floats) -> dict[str, np.ndarray]:
    return {f"{party}{number}": column for number, column in enumerate(values.T)}


@dataclass(frozen=True)
class Simulated:
    """A finished run, and what a round of it took."""

    joint: SimulatedTraining
    parties: dict[str, TrainedResult]
    round_wall: float
    """Seconds from the end of one round to that of the next: a gradient, or a tree."""

    round_cpu: float
    """CPU seconds of both processes in that time, whatever they did."""

    def per_round(self, party: str, stage: str) -> float:
        """Wall seconds of one stage of a party, per round."""
        return self.parties[party].seconds.get(stage, 0.0) / self.joint.rounds

    def sent_per_round(self, kinds: Collection[type[Message]]) -> float:
        """Bytes that crossed in messages of some types, both ways, per round."""
        names = {kind.__name__ for kind in kinds}
        sent = sum(
            seen.bytes
            for party, result in self.parties.items()
            for seen in result.learned
            if seen.direction.startswith(party) and seen.message in names
        )
        return sent / self.joint.rounds


def run(workload: Workload, engine: Engine = "auto", **training: Spec) -> Simulated:
    """Run a job over mutual TLS, in folders that are gone afterwards.

    Args:
        workload: The rows.
        engine: What computes the encryption at both parties.
        **training: What the job says of its training, by the name of the table.

    Returns:
        What came of it.

    Raises:
        SpecError: The job ended after one round, so that there is nothing to measure.
    """
    watch = RoundWatch(ACTIVE)
    with TemporaryDirectory() as folder, watch.looking():
        finished = simulate(
            write_job(workload, Compute(engine=engine), training, Path(folder)), Path(folder), watch
        )
        joint = finished.read_json(finished.result.name, SimulatedTraining)
        parties = {
            party: Run(finished.folder / party).read_json(finished.result.name, TrainedResult)
            for party in joint.parties
        }
    if len(watch.ended) < 2:  # noqa: PLR2004
        raise SpecError(f"{workload.name}: training ended after one round; nothing to measure.")
    first, last, rounds = watch.ended[0], watch.ended[-1], len(watch.ended) - 1
    return Simulated(
        joint,
        parties,
        round_wall=(last - first) / rounds,
        round_cpu=max(watch.cpu(last) - watch.cpu(first), _TICK) / rounds,
    )


def write_job(
    workload: Workload, compute: Compute, training: Mapping[str, Spec], folder: Path
) -> Path:
    """Write a job and its parties, as `isthmus simulate` takes them.

    Args:
        workload: The rows.
        compute: How each party computes.
        training: What the job says of its training, by the name of the table.
        folder: Where the files go.

    Returns:
        The file of the job.
    """
    job = Job(
        name="benchmark",
        seed=_SEED,
        parties={party: Member(role=party) for party in (ACTIVE, PASSIVE)},
        data=Data(train=TRAIN, test=TEST, identifiers=[IDENTIFIER]),
    ).replace(
        alignment=AttestedAlignment(minimum_size=1),  # the fast one: what is measured comes after
        **training,
    )
    file = folder / JOB_FILE
    job.replace(disclosed=needed(job, file)).save(file)
    for party in job.parties:
        (folder / party).mkdir()
        datasets = {part: workload.dataset(party, part) for part in (TRAIN, TEST)}
        text = spec.dump(Party(party=party, datasets=datasets, policy=_POLICY, compute=compute))
        (folder / party / PARTY_FILE).write_bytes(text)
    return file


def needed(job: Job, file: Path) -> list[str]:
    """Returns what a job has to list as disclosed; a job without the list cannot be loaded."""
    row = registry.row_of(job.tables)
    assert row is not None
    family = cast(FamilyCode, registry.load_family(row.family))
    loaded = Loaded(job, file, family, row, registry.load_system(row))
    return [kind.__name__ for kind in consent.needed(loaded)]
