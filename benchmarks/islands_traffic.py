"""Islands as processes over mutual TLS: what they send, and what masks change."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np
import pyarrow as pa
from msgspec import structs
from pyarrow import parquet
from safetensors.numpy import load_file

from benchmarks.islands_contest import Contest, Settings
from benchmarks.simulated import needed
from isthmus.core import spec
from isthmus.data.samples import Samples
from isthmus.data.spec import Dataset
from isthmus.horizontal.encoders.spec import Encoders
from isthmus.horizontal.privacy.spec import EightBit, Privacy, SecureAggregation
from isthmus.jobs.examples import JOB_FILE
from isthmus.jobs.job import Data, Job, Member
from isthmus.jobs.party import PARTY_FILE, Party
from isthmus.jobs.simulate import simulate
from isthmus.ledger.record import records
from isthmus.store.runs import Run

ROUNDS = 3
SEED = 7
MASTER, TEXTS = "hub", "texts"


class Sent(msgspec.Struct, frozen=True):
    """What one island sent, and how two models differ."""

    pieces: int
    counts: int
    """Bytes of its counts of words."""

    masked: int
    """Bytes of an update under masks."""

    touched: int
    """Bytes of an update with the rows that it touched."""

    coarse: int
    """Bytes of the same in 8 bits."""

    table: int
    """Bytes of the whole table in single precision."""

    moved: float
    """The largest difference of a number of the table, with masks and without."""

    @property
    def share(self) -> float:
        """An update in 8 bits, as a share of the whole table."""
        return self.coarse / self.table


def sent(contest: Contest, settings: Settings) -> Sent:
    """Play the islands with masks on updates, without, and in 8 bits.

    Args:
        contest: Has the texts.
        settings: How islands train; in fewer rounds.

    Returns:
        What crossed.
    """
    modes = {
        "masks": Privacy(secure_aggregation=SecureAggregation(largest_norm=1000.0)),
        "plain": Privacy(),
        "coarse": Privacy(compression=EightBit()),
    }
    job = replace(settings, rounds=ROUNDS).job()
    with TemporaryDirectory() as place:
        runs = {
            name: _played(Path(place, name), contest.own, structs.replace(job, privacy=privacy))
            for name, privacy in modes.items()
        }
        tables = {name: _table(run) for name, run in runs.items()}
        sizes = {name: _sizes(run, next(iter(contest.own))) for name, run in runs.items()}
    pieces, size = tables["plain"].shape
    return Sent(
        pieces=pieces,
        counts=sizes["plain"]["MaskedUpdate"][0],
        masked=sizes["masks"]["MaskedUpdate"][-1],
        touched=round(float(np.mean(sizes["plain"]["RoundUpdate"]))),
        coarse=round(float(np.mean(sizes["coarse"]["CoarseUpdate"]))),
        table=4 * pieces * (size + 1),
        moved=float(np.abs(tables["masks"] - tables["plain"]).max()),
    )


def _played(folder: Path, own: Mapping[str, Samples], encoders: Encoders) -> Run:
    folder.mkdir()
    parties = {MASTER: Member(role="master")} | {it: Member(role="child") for it in own}
    job = Job(name="islands", seed=SEED, parties=parties, data=Data(train=TEXTS)).replace(
        encoders=structs.replace(
            encoders, rounds=structs.replace(encoders.rounds, quorum=len(own), deadline=600.0)
        )
    )
    file = folder / JOB_FILE
    job.replace(disclosed=needed(job, file)).save(file)
    for party in parties:
        (folder / party).mkdir()
        datasets = {TEXTS: _stored(own[party], folder / party)} if party in own else {}
        text = spec.dump(Party(party=party, datasets=datasets, patience=900.0))
        (folder / party / PARTY_FILE).write_bytes(text)
    return simulate(file, folder / "runs", lambda _party, _event: None)


def _stored(samples: Samples, folder: Path) -> Dataset:
    columns = (samples.texts, *samples.translations)
    path = folder / "texts.parquet"
    parquet.write_table(pa.table(dict(zip(samples.names, columns, strict=True))), path)
    return Dataset(path=str(path), type="text", columns=samples.names)


def _table(run: Run) -> np.ndarray:
    (file,) = (run.folder / MASTER / "network").rglob("model.safetensors")
    (table,) = load_file(file).values()
    return np.asarray(table)


def _sizes(run: Run, party: str) -> dict[str, list[int]]:
    """Bytes of the messages that an island sent, by type."""
    found = dict[str, list[int]]()
    for record in records(Run(run.folder / party).ledger):
        found.setdefault(record.message, []).append(record.bytes)
    return found
