"""Jobs of two sizes for each kind of system, in folders, to measure what memory they take."""
# pyarrow has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

from isthmus.core.seeds import generator

_PARTIES = ("first", "other")


@dataclass(frozen=True)
class Size:
    """How large a job is."""

    rows: int
    columns: int
    """Of each party."""


@dataclass(frozen=True)
class Case:
    """A job to measure."""

    system: str
    size: Size
    write: Callable[[Path, Size], None]
    """Writes `job.toml` into a folder, and a folder for each party if there are several."""


def cases() -> list[Case]:
    """Returns all jobs that are measured."""
    small, large = Size(20_000, 10), Size(200_000, 40)
    return [
        *(Case("regression", size, _regression) for size in (small, Size(50_000, 20))),
        *(Case("boosting", size, _boosting) for size in (small, Size(50_000, 20))),
        *(Case("baseline, regression", size, _baseline_regression) for size in (small, large)),
        *(Case("baseline, boosting", size, _baseline_boosting) for size in (small, large)),
        *(Case("encoders", size, _encoders) for size in (Size(2_000, 50), Size(40_000, 200))),
        *(Case("multitask", size, _multitask) for size in (Size(50_000, 4), Size(400_000, 4))),
        *(Case("multilingual", size, _multilingual) for size in (Size(5_000, 2), Size(50_000, 2))),
    ]


_JOINT = """
name = "memory"
seed = 7
disclosed = {disclosed}

[parties.first]
role = "active"
[parties.other]
role = "passive"

[data]
train = "people"
identifiers = ["id"]

[alignment]
method = "cryptographic"
minimum_size = 1
"""
_ALIGNED = ["ComparedRows", "SharedRows"]
_DATASET = '[datasets.people]\npath = "{file}"\nidentifiers = ["id"]\n'


def _regression(folder: Path, size: Size) -> None:
    told = ["OpenedSums", "LossScale", "PartialSlope", "PartialNumbers", "PartialPredictor"]
    table = f'[regression]\nfamily = "binomial"\npassive_columns = {size.columns}\nmax_rounds = 1\n'
    _joint(folder, size, [*_ALIGNED, *told], table)


def _boosting(folder: Path, size: Size) -> None:
    told = ["ColumnBins", "LevelNodes", "EncryptedSums", "OwnSplits", "WentLeft", "Decisions"]
    _joint(folder, size, [*_ALIGNED, *told], "[boosting]\ntrees = 2\n")


def _joint(folder: Path, size: Size, disclosed: list[str], table: str) -> None:
    (folder / "job.toml").write_text(_JOINT.format(disclosed=disclosed) + table)
    for party in _PARTIES:
        own = folder / party
        own.mkdir()
        _write_people(own / "people.csv", size, party)
        said = 'label = "ill"\n' if party == "first" else ""
        text = f'party = "{party}"\n' + _DATASET.format(file="people.csv") + said
        (own / "party.toml").write_text(text)


def _write_people(file: Path, size: Size, party: str) -> None:
    random = generator(7, "memory", party)
    x = {f"{party}{number}": random.normal(size=size.rows) for number in range(size.columns)}
    ids = [f"person-{number:08d}" for number in range(size.rows)]
    label = {"ill": random.integers(0, 2, size.rows)} if party == "first" else {}
    csv.write_csv(pa.table({"id": ids} | x | label), file)


def _baseline_regression(folder: Path, size: Size) -> None:
    _baseline(folder, size, '[baseline]\nmodel = "regression"\nfamily = "binomial"\n')


def _baseline_boosting(folder: Path, size: Size) -> None:
    _baseline(folder, size, '[baseline]\nmodel = "boosting"\ntrees = 5\n')


def _baseline(folder: Path, size: Size, table: str) -> None:
    _write_people(folder / "people.csv", size, "first")
    data = 'name = "memory"\nseed = 7\n[data]\ntrain = "people"\n' + _DATASET.format(
        file="people.csv"
    )
    (folder / "job.toml").write_text(f'{data}label = "ill"\n{table}')


def _encoders(folder: Path, size: Size) -> None:
    names = [f"child{number}" for number in range(size.columns)]
    parties = {"hub": "master", "child-1": "child", "child-2": "child"}
    members = "".join(f'[parties.{name}]\nrole = "{role}"\n' for name, role in parties.items())
    told = ["Confirmation", "RoundStart", "RoundUpdate", "Published"]
    job = f'name = "memory"\nseed = 7\ndisclosed = {told}\n{members}[data]\ntrain = "people"\n'
    network = f'[encoders.network]\ntype = "tabular"\ncolumns = {names}\nhidden = [512, 512]\n'
    table = f'[encoders]\nobjective = "labels"\nclasses = ["0", "1"]\n{network}'
    rounds = "[encoders.rounds]\ncount = 1\nquorum = 2\ndeadline = 300\n"
    (folder / "job.toml").write_text(job + table + rounds)
    for party, role in parties.items():
        own = folder / party
        own.mkdir()
        text = f'party = "{party}"\npatience = 400\n'
        if role == "child":
            _write_samples(own / "people.csv", size)
            text += '[datasets.people]\npath = "people.csv"\ntype = "tabular"\nlabel = "ill"\n'
            text += 'columns = ["child*"]\n'
        (own / "party.toml").write_text(text)


def _write_samples(file: Path, size: Size) -> None:
    random = generator(7, "memory")
    x = {f"child{number}": random.normal(size=size.rows) for number in range(size.columns)}
    csv.write_csv(pa.table(x | {"ill": random.integers(0, 2, size.rows)}), file)


def _multitask(folder: Path, size: Size) -> None:
    random = generator(7, "memory")
    names = [f"column{number}" for number in range(size.columns)]
    ids = {name: random.zipf(1.3, size.rows) % size.rows for name in names}
    rows = pa.table(ids | {"click": random.integers(0, 2, size.rows)})
    parquet.write_table(rows, folder / "clicks.parquet")
    features = "".join(f'{name} = {{ kind = "id" }}\n' for name in names)
    (folder / "job.toml").write_text(
        'name = "memory"\nseed = 7\n[data]\ntrain = "clicks"\n'
        '[datasets.clicks]\npath = "clicks.parquet"\n'
        f"[multitask]\n[multitask.features]\n{features}"
        '[multitask.tasks.ctr]\nlabel = "click"\n[multitask.server]\nengine = "local"\n'
    )


def _multilingual(folder: Path, size: Size) -> None:
    random = np.random.default_rng(7)
    with (folder / "pairs.tsv").open("w") as file:
        file.write("en\tde\n")
        for words in random.integers(0, 20_000, (size.rows, 12)):
            left, right = (" ".join(f"{side}{word}" for word in words) for side in ("a", "b"))
            file.write(f"{left}\t{right}\n")
    (folder / "job.toml").write_text(
        'name = "memory"\nseed = 7\n[multilingual.corpora.pairs]\npath = "pairs.tsv"\n'
        'languages = ["en", "de"]\nsource = "made up"\nlicence = "CC0-1.0"\n'
        '[multilingual.encoder]\ntype = "tiny"\nsize = 128\nvocabulary = 8_192\nlength = 64\n'
        "[multilingual.training]\nbatch = 128\nsteps = 20\n"
    )
