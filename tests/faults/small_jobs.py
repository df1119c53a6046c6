"""A small job of every system, each of which is played in a second or two."""

import gzip
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from isthmus.jobs import simulate
from isthmus.jobs.party import PARTY_FILE

EXAMPLES = Path(__file__).parents[2] / "examples"

ALONE = ""
"""Name of the party of a job of one organisation."""


@dataclass(frozen=True)
class SmallJob:
    """A job, and how its folder is made."""

    make: Callable[[Path], None]
    """Writes `job.toml` and, for each party, a folder with its party file and data."""

    verb: str = "run"
    after: str = ""
    """Name of the small job whose model this one scores with."""


_DISCLOSED = {
    "cryptographic": ("ComparedRows", "SharedRows"),
    "attested": ("SealedIdentifiers", "SealedPositions"),
    "regression": ("OpenedSums", "LossScale", "PartialSlope", "PartialNumbers"),
    "predictor": ("PartialPredictor",),
    "trees": ("ColumnBins", "LevelNodes", "EncryptedSums", "OwnSplits", "WentLeft", "Decisions"),
    "rounds": ("Confirmation", "RoundStart", "RoundUpdate", "Published"),
    "masked": ("Confirmation", "MaskKeys", "Participants", "Opening", "RoundStart", "Published"),
    "words": ("CommonCells", "CommonWords", "Vocabulary"),
}

_COLUMNS = {"clinic": 2, "insurer": 2, "pharmacy": 2}
_ROWS = 160


def _job(name: str, disclosed: Sequence[str], parties: dict[str, str], *tables: str) -> str:
    listed = [f'"{message}"' for kind in disclosed for message in _DISCLOSED[kind]]
    members = [f'[parties.{party}]\nrole = "{role}"' for party, role in parties.items()]
    head = f'name = "{name}"\nseed = 7\ndisclosed = [{", ".join(listed)}]'
    return "\n\n".join([head, *members, *tables]) + "\n"


def _columns_of_the_same_rows(
    folder: Path, parties: Sequence[str], method: str, disclosed: Sequence[str], training: str
) -> None:
    """Parties that hold columns of rows of which most are shared."""
    roles = {party: "active" if party == "clinic" else "passive" for party in parties}
    aligned = '[data]\ntrain = "people"\nidentifiers = ["person"]'
    minimum = f'[alignment]\nmethod = "{method}"\nminimum_size = 20'
    text = _job("columns", [method, *disclosed], roles, aligned, minimum, training)
    (folder / "job.toml").write_text(text)
    values = np.random.default_rng(3).normal(size=(_ROWS, sum(_COLUMNS.values())))
    ill = (values.sum(axis=1) + np.random.default_rng(4).normal(size=_ROWS) > 0).astype(int)
    first = 0
    for missing, party in enumerate(parties):
        own = values[:, first : first + _COLUMNS[party]]
        first += _COLUMNS[party]
        head = ["person_id", *(f"{party}_{at}" for at in range(own.shape[1]))]
        rows = [[f"p{row}", *(f"{value:.3f}" for value in own[row])] for row in range(_ROWS)]
        if party == "clinic":
            head.append("ill")
            rows = [[*row, str(label)] for row, label in zip(rows, ill, strict=True)]
        kept = rows[5 * missing :]  # not all rows are shared
        label = 'label = "ill"\n' if party == "clinic" else ""
        _write_party(
            folder / party,
            f'[datasets.people]\npath = "people.csv"\nidentifiers = ["person_id"]\n{label}',
            "[policy.enclaves]\nallow_simulated = true\n" if method == "attested" else "",
        )
        lines = [",".join(line) for line in [head, *kept]]
        (folder / party / "people.csv").write_text("\n".join(lines) + "\n")


def _write_party(folder: Path, *tables: str, patience: float = 20.0) -> None:
    folder.mkdir()
    head = f'party = "{folder.name}"\nwait = 10.0\npatience = {patience}\n'
    (folder / PARTY_FILE).write_text("\n".join([head, *tables]))


_REGRESSION = """\
[regression]
family = "binomial"
passive_columns = 2
penalty = 1e-3
max_rounds = 4
block_rows = 64
label_exposure = 0.5
{more}"""

_BOOSTING = """\
[boosting]
trees = 2
depth = 2
bins = 8
minimum_bin_rows = 3
block_rows = 64
{more}"""


def _regression(more: str = "") -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        training = _REGRESSION.format(more=more)
        told = ["regression", "predictor"]
        if more:
            told = ["regression_in_batches"]
        _columns_of_the_same_rows(folder, ("clinic", "insurer"), "cryptographic", told, training)

    return make


_DISCLOSED["regression_of_three"] = (
    *("LossScale", "OpenedSums", "MaskedNumbers", "MaskedSlope", "MaskedPredictor"),
)


def _regression_of_three(folder: Path) -> None:
    parties = ("clinic", "insurer", "pharmacy")
    training = _REGRESSION.format(more="")
    _columns_of_the_same_rows(folder, parties, "cryptographic", ["regression_of_three"], training)


_DISCLOSED["regression_in_batches"] = ("OpenedSums", "LossScale", "PartialPredictor")


_DISCLOSED["shared_regression"] = (
    *("SharedStart", "PassiveSpread", "Spreads", "ResidualScale", "OpenedSums"),
    *("PartialNumbers", "InnerProducts", "PartialPredictor"),
)


def _shared_regression(folder: Path) -> None:
    shared = 'level = "shared"\n\n[regression.shared]\nactive_columns = 2\nrounds = 3\n'
    training = _REGRESSION.format(more=shared)
    told = ["shared_regression"]
    _columns_of_the_same_rows(folder, ("clinic", "insurer"), "cryptographic", told, training)


def _boosting(*parties: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        method = "cryptographic" if len(parties) == 2 else "attested"
        training = _BOOSTING.format(more="")
        _columns_of_the_same_rows(folder, parties, method, ["trees"], training)

    return make


def _aligning(method: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        _columns_of_the_same_rows(folder, ("clinic", "insurer"), method, [], "")

    return make


def _digits(source: Path, to: Path, rows: int) -> None:
    lines = gzip.decompress(source.read_bytes()).splitlines(keepends=True)
    to.write_bytes(gzip.compress(b"".join(lines[: rows + 1])))


_IMAGES = """\
[datasets.{name}]
path = "{name}.csv.gz"
type = "image"
label = "digit"
columns = ["pixel_*"]
"""

_ROUNDS = """\
[{system}]
classes = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]
{more}
[{system}.network]
type = "image"
height = 8
width = 8
largest = 16
filters = 4
size = 8

[{system}.training]
steps = 2
batch = 8
optimiser = "adam"
rate = 0.01

[{system}.fusion]
rule = "{rule}"

[{system}.rounds]
count = 3
quorum = {children}
deadline = 60
{privacy}"""

_MASKED = """
[{system}.privacy.secure_aggregation]
least_children = 3
"""


def _rounds(
    system: str, rule: str, children: int, *, masked: bool = False
) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        master, sites = "hub", [f"site-{number + 1}" for number in range(children)]
        more = 'objective = "labels"\n' if system == "encoders" else ""
        training = _ROUNDS.format(
            system=system,
            more=more,
            rule=rule,
            children=children,
            privacy=_MASKED.format(system=system) if masked else "",
        )
        roles = {master: "master", **dict.fromkeys(sites, "child")}
        data = '[data]\ntrain = "digits"\ntest = "exam"'
        kind = "masked" if masked else "rounds"
        (folder / "job.toml").write_text(_job("rounds", [kind], roles, data, training))
        for number, party in enumerate(roles):
            datasets = ["digits", "exam"]
            if system == "encoders" and party == master:
                datasets = []
            if system == "weighting" and party != master:
                datasets = ["digits"]
            tables = [_IMAGES.format(name=name) for name in datasets]
            _write_party(folder / party, *tables, patience=90.0)
            for name in datasets:
                source = EXAMPLES / "encoder" / f"site-{number or 5}" / f"{name}.csv.gz"
                _digits(source, folder / party / f"{name}.csv.gz", 40)

    return make


_ISLANDS = """\
[encoders]
objective = "pairs"

[encoders.network]
type = "static"
vocabulary = "joint"
size = 16

[encoders.network.joint]
pieces = 512
least_documents = 6
own_documents = 2

[encoders.training]
steps = 3
batch = 32
optimiser = "adam"
rate = 0.01

[encoders.fusion]
rule = "touch_mean"

[encoders.rounds]
count = 2
quorum = 3
deadline = 60

[encoders.privacy.secure_aggregation]
least_children = 3
largest_norm = 1000.0
"""


def _islands(folder: Path) -> None:
    source = EXAMPLES / "multilingual"
    islands = ("lyon", "wuhan", "omsk")
    roles = {"hub": "master", **dict.fromkeys(islands, "child")}
    data = '[data]\ntrain = "messages"\ntest = "held-out"'
    text = _job("islands", ["masked", "words"], roles, data, _ISLANDS)
    (folder / "job.toml").write_text(text)
    for party in roles:
        example = (source / party / PARTY_FILE).read_text()
        tables = example[example.index("[datasets") :]
        _write_party(folder / party, tables, patience=90.0)
        for file in (source / party).glob("*.csv.gz"):
            _digits(file, folder / party / file.name, 300)
    for file in source.glob("held-out*"):
        _digits(file, folder / file.name, 100)


_ALONE = """\
name = "alone"
seed = 7

[data]
train = "people"

[datasets.people]
path = "people.csv"
identifiers = ["person_id"]
label = "ill"

[baseline]
model = "{model}"
{more}"""


def _baseline(model: str, more: str = "") -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        values = np.random.default_rng(3).normal(size=(_ROWS, 2))
        rows = [f"p{at},{a:.3f},{b:.3f},{int(a + b > 0)}" for at, (a, b) in enumerate(values)]
        (folder / "people.csv").write_text("\n".join(["person_id,age,weight,ill", *rows]))
        (folder / "job.toml").write_text(_ALONE.format(model=model, more=more))

    return make


_MULTITASK = """\
name = "tiers"
seed = 7

[data]
train = "clicks"
test_share = 0.2

[datasets.clicks]
path = "clicks.parquet"

[multitask]
model = "deepfm"
dimension = 4
hidden = [8]
tower = [4]
batch_rows = 16
compare_rows = 0

[multitask.features]
user = { kind = "id" }
ad = { kind = "hash" }

[multitask.tasks.ctr]
label = "click"

[multitask.server]
engine = "local"
shards = 2
workers = 2
exchange_every = 64
snapshot_every = 128
"""


def _multitask(folder: Path) -> None:
    random = np.random.default_rng(5)
    rows = 640
    table = {
        "user": random.integers(0, 60, rows),
        "ad": random.integers(0, 9, rows),
        "click": random.integers(0, 2, rows),
    }
    parquet.write_table(pa.table(table), folder / "clicks.parquet")
    (folder / "job.toml").write_text(_MULTITASK)


_WORDS = """\
name = "words"
seed = 7

[multilingual]
held_out = 0.2

[multilingual.corpora]
en-fr = { path = "en-fr.tsv.gz", languages = ["en", "fr"], source = "Django", licence = "BSD" }

[multilingual.encoder]
type = "static"
vocabulary = 1_024

[multilingual.objectives]
pairs = 1.0

[multilingual.training]
batch = 32
steps = 8
save_every = 2
"""


def _multilingual(folder: Path) -> None:
    _digits(EXAMPLES / "multilingual" / "en-fr.tsv.gz", folder / "en-fr.tsv.gz", 400)
    (folder / "job.toml").write_text(_WORDS)


JOBS = {
    "regression": SmallJob(_regression()),
    "regression in batches": SmallJob(_regression("batches = 3\n")),
    "regression of three": SmallJob(_regression_of_three),
    "shared regression": SmallJob(_shared_regression),
    "boosting": SmallJob(_boosting("clinic", "insurer")),
    "boosting of three": SmallJob(_boosting("clinic", "insurer", "pharmacy")),
    "diffie-hellman alignment": SmallJob(_aligning("cryptographic"), verb="align"),
    "attested alignment": SmallJob(_aligning("attested"), verb="align"),
    "scoring by a regression": SmallJob(_regression(), after="regression"),
    "scoring by trees": SmallJob(_boosting("clinic", "insurer"), after="boosting"),
    "encoders": SmallJob(_rounds("encoders", "count", 2)),
    "encoders, updates masked": SmallJob(_rounds("encoders", "count", 3, masked=True)),
    "weighting": SmallJob(_rounds("weighting", "actor_critic", 2)),
    "islands": SmallJob(_islands),
    "baseline": SmallJob(_baseline("regression")),
    "baseline of trees": SmallJob(_baseline("boosting", "trees = 3\ndepth = 2\n")),
    "multitask": SmallJob(_multitask),
    "multilingual": SmallJob(_multilingual),
}


def provide(job: SmallJob, folder: Path) -> list[str]:
    """Make the folder of a job.

    Args:
        job: Which one.
        folder: A new folder; the parties, with keys, are in `folder/parties`.

    Returns:
        Names of the parties, the one that listens first.
    """
    made = folder / "made"
    made.mkdir(parents=True)
    job.make(made)
    parties = folder / "parties"
    parties.mkdir()
    if not any(made.glob(f"*/{PARTY_FILE}")):
        return [ALONE]
    loaded, plans = simulate.planned(made / "job.toml")
    simulate.provide(plans, parties)
    return sorted(plans, key=lambda party: party != loaded.first)
