"""Trainings of the benchmark of encoders, each kept as soon as it is done.

`python -m benchmarks.multilingual_trials FOLDER SECONDS [BEGIN]` goes on with those that FOLDER
lacks and whose name begins so, and begins none after so many seconds: together they take longer
than one may want to wait.
"""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from benchmarks import bibles, multilingual_training, programs
from benchmarks.multilingual_contest import Contest, Figures
from benchmarks.multilingual_training import Asked, Trained
from isthmus.core.errors import SpecError

Part = TypeVar("Part")

THEIRS = "sentence-transformers"
BATCH = 1024
SIZE = 256
LAYERED_BATCH = 256

TEACHER = "static, 200 steps"
"""What distillation learns from, with the first seed."""

OBJECTIVES = ("switched", "mlm", "tlm", "camlm", "btmlm", "distillation")
"""What is added to pairs."""

BEFORE, WITHOUT = "before", "without"
"""Names of what is kept beside the trials."""


class Rival(msgspec.Struct, frozen=True):
    """What a training of sentence-transformers took."""

    cpu: float
    pairs_per_cpu_s: float
    texts_per_cpu_s: float


class Trial(msgspec.Struct, frozen=True):
    """A training with some seeds."""

    name: str
    table: Mapping[str, object] = {}
    """Of `[multilingual]`, beside the corpora."""

    seconds: float | None = None
    """From the files on, that CPU time may take: its steps follow from it."""

    tokens: int | None = None
    """That are read, likewise."""

    seeds: Sequence[int] = (0,)
    distils: bool = False
    rate: float | None = None
    """Learning rate of sentence-transformers, if it is the one to train."""

    steps: int = 0
    """Of sentence-transformers."""


class Result(msgspec.Struct, frozen=True):
    """A training with one seed, and what came of it."""

    trained: Trained | None
    rival: Rival | None
    figures: dict[str, dict[str, float]]

    @property
    def cost(self) -> Trained | Rival:
        """What it took."""
        found = self.trained or self.rival
        assert found is not None
        return found


def _layered(begin: str, batch: int) -> Mapping[str, object]:
    return {"encoder": {"type": "tiny", "begin": begin}, "training": {"batch": batch}}


def trials(theirs: int = 100) -> list[Trial]:
    """All trainings; `theirs`: steps of sentence-transformers."""
    seeds = (0, 1, 2)
    long = {"training": {"batch": BATCH, "steps": 2000}}
    found = [
        Trial("static, 15 s", seconds=15, seeds=seeds),
        Trial(TEACHER, seeds=seeds),
        Trial("static, until the loss is flat", long, seeds=seeds),
        Trial(f"{THEIRS}, rate 0.2", rate=0.2, steps=theirs, seeds=seeds),
        Trial(f"{THEIRS}, rate 0.02", rate=0.02, steps=theirs),
    ]
    for begin, name in (("static", "tiny on a static table"), ("drawn", "tiny from scratch")):
        table = _layered(begin, LAYERED_BATCH)
        found += [
            Trial(f"{name}, 60 s", table, seconds=60),
            Trial(f"{name}, 300 s", table, seconds=300),
        ]
    plain: Mapping[str, object] = {"training": {"batch": LAYERED_BATCH}}
    for kind, tokens, table in (
        ("static", 1_600_000, plain),
        ("tiny", 480_000, _layered("static", LAYERED_BATCH)),
    ):
        found.append(Trial(f"{kind}: pairs", table, tokens=tokens))
        for name in OBJECTIVES:
            both = {**table, "objectives": {name: 1.0}}
            found.append(
                Trial(
                    f"{kind}: pairs and {name}", both, tokens=tokens, distils=name == "distillation"
                )
            )
    return found


class Kept:
    """A folder with a job that was prepared, and what was measured on it."""

    def __init__(self, folder: Path) -> None:
        """Open it; it may be empty."""
        self.folder = folder
        (folder / "results").mkdir(parents=True, exist_ok=True)
        (folder / "models").mkdir(exist_ok=True)

    @property
    def work(self) -> Path:
        """The folder of the job."""
        return self.folder / "work"

    def prepare(self, texts: bibles.Bibles) -> None:
        """Write and read the job, unless it is there."""
        if self.path(BEFORE).exists():
            return
        self.work.mkdir()
        self.put(BEFORE, multilingual_training.prepare(self.work, texts))

    @property
    def before(self) -> Mapping[str, float]:
        """CPU seconds before training."""
        return msgspec.json.decode(self.path(BEFORE).read_bytes(), type=dict[str, float])

    def without(self, contest: Contest | None = None) -> Figures:
        """Figures without an encoder; computed by `contest` if they are not there."""
        if contest is not None and not self.path(WITHOUT).exists():
            self.put(WITHOUT, contest.without_encoder())
        return msgspec.json.decode(
            self.path(WITHOUT).read_bytes(), type=dict[str, dict[str, float]]
        )

    def result(self, name: str, seed: int) -> Result | None:
        """What came of a training, if it was done."""
        path = self.path(f"{name}, seed {seed}")
        return msgspec.json.decode(path.read_bytes(), type=Result) if path.exists() else None

    def results(self, trial: Trial) -> list[Result]:
        """What came of a trial, with the seeds that were done."""
        found = [self.result(trial.name, seed) for seed in trial.seeds]
        return [each for each in found if each is not None]

    def model(self, name: str, seed: int) -> Path:
        """The folder of an encoder."""
        return self.folder / "models" / f"{name}, seed {seed}".replace(": ", ", ")

    def path(self, name: str) -> Path:
        """The file of something that was measured."""
        return self.folder / "results" / f"{name}.json".replace(": ", ", ")

    def part(
        self, name: str, kind: type[Part], make: Callable[[], Part | None], until: float
    ) -> Part | None:
        """Something that was measured before, or is measured now.

        Args:
            name: Its name.
            kind: Its type.
            make: Measures it; None: it cannot be measured here.
            until: By `time.monotonic`; after it nothing is measured.

        Returns:
            It, or None.
        """
        if not self.path(name).exists():
            found = None if time.monotonic() > until else make()
            if found is None:
                return None
            self.put(name, found)
        return msgspec.json.decode(self.path(name).read_bytes(), type=kind)

    def put(self, name: str, found: object) -> None:
        """Keep something that was measured."""
        self.path(name).write_bytes(msgspec.json.format(msgspec.json.encode(found)))


def go_on(kept: Kept, all_trials: Sequence[Trial], until: float, python: Path | None) -> None:
    """Do the trials that are not done yet.

    Args:
        kept: Where they are kept.
        all_trials: The trials, in order.
        until: By `time.monotonic`; none is begun after.
        python: Interpreter of sentence-transformers' trainer; None: its trials are left out.
    """
    contest: Contest | None = None
    for trial in all_trials:
        for seed in trial.seeds:
            done = kept.result(trial.name, seed) is not None
            if done or (trial.rate is not None and python is None) or time.monotonic() > until:
                continue
            cost = _rival(kept, trial, seed, python) if python and trial.rate else None
            trained = None if cost else _train(kept, trial, seed)
            if contest is None:
                contest = Contest(kept.work)
                kept.without(contest)
            figures = {
                method: dict(of) for method, of in contest.of(kept.model(trial.name, seed)).items()
            }
            kept.put(f"{trial.name}, seed {seed}", Result(trained, cost, figures))


def _train(kept: Kept, trial: Trial, seed: int) -> Trained:
    table = {**trial.table}
    if trial.distils:
        objectives = table["objectives"]
        assert isinstance(objectives, dict)
        table["objectives"] = {**objectives, "teacher": str(kept.model(TEACHER, 0).absolute())}
    before = kept.before
    spent = before["read"] + before["vocabulary"]
    asked = Asked(
        seed,
        table,
        str(kept.model(trial.name, seed)),
        cpu=None if trial.seconds is None else trial.seconds - spent,
        tokens=trial.tokens,
        masked=trial.tokens is not None,
    )
    said = programs.answer("multilingual_training", [kept.work], msgspec.json.encode(asked))
    return msgspec.json.decode(said, type=Trained)


def _rival(kept: Kept, trial: Trial, seed: int, python: Path) -> Rival:
    asked = {
        "seed": seed,
        "steps": trial.steps,
        "batch": BATCH,
        "size": SIZE,
        "rate": trial.rate,
        "keep": str(kept.model(trial.name, seed)),
    }
    text = msgspec.json.encode(asked)
    said = programs.answer("rival_sentence_transformers", [kept.work], text, python, ours_too=True)
    return msgspec.json.decode(said, type=Rival)


def main() -> None:
    """Go on."""
    from benchmarks.bench_multilingual import INSTALLED, READ  # noqa: PLC0415 - it imports us

    folder, seconds, begin = Path(sys.argv[1]), float(sys.argv[2]), "".join(sys.argv[3:])
    kept = Kept(folder)
    kept.prepare(READ())
    chosen = [trial for trial in trials() if trial.name.startswith(begin)]
    until = time.monotonic() + seconds
    if not any(trial.rate for trial in chosen):
        go_on(kept, chosen, until, None)
        return
    try:
        with INSTALLED() as python:
            go_on(kept, chosen, until, python)
    except SpecError as error:
        print(error, file=sys.stderr)


if __name__ == "__main__":
    main()
