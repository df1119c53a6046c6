"""Training of a multi-task model: tiers, then the stored model, then its scores and comparisons."""

from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from msgspec.structs import replace

from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Telemetry
from isthmus.data.batches import ChangedError
from isthmus.multitask import model_file, scoring
from isthmus.multitask.data import Data
from isthmus.multitask.feed.feeder import WindowFeeder
from isthmus.multitask.network import trainer
from isthmus.multitask.network.tally import aucs
from isthmus.multitask.network.trainer import Description, TorchTrainer
from isthmus.multitask.spec import Multitask, SparseFeature, sparse_features
from isthmus.outcomes import (
    LocalOutcome,
    LocalTrained,
    Memory,
    QueueCounts,
    Staleness,
    Throughput,
    Traffic,
)
from isthmus.paramserver.engine import NO_FEATURE, Engine, Plan
from isthmus.paramserver.shards.snapshots import Snapshots
from isthmus.paramserver.tables.table import FeatureRule
from isthmus.paramserver.tiers import loop
from isthmus.paramserver.tiers.loop import DivergedError, RunSettings, Trained
from isthmus.store.runs import Run


def train(spec: Multitask, data: Data, run: Run, telemetry: Telemetry) -> LocalTrained:
    """Train and store the model.

    Args:
        spec: The `[multitask]` table.
        data: What to train on, and what to score.
        run: The run folder; training goes on from the last snapshot in it, if there is one.
        telemetry: Where progress goes.

    Returns:
        What training took, and what scores the test rows and compares with simpler models.

    Raises:
        SpecError: Training diverged, or the data are not as the job says.
    """
    feeder = WindowFeeder(spec, data.train)
    outcome = _outcome(spec, feeder, _trained(spec, data, feeder, run, telemetry))

    def measure() -> LocalOutcome:
        with telemetry.timed("measure"):
            scored = scoring.score(spec, data, run, telemetry)
        rows = outcome.rows | {"test": scored.rows}
        return replace(outcome, metrics=scored.metrics, rows=rows, missing=scored.missing)

    return LocalTrained(outcome, measure)


def _outcome(spec: Multitask, feeder: WindowFeeder, trained: Trained) -> LocalOutcome:
    progress = trained.progress
    return LocalOutcome(
        metrics={},
        rows={"train": feeder.trained, "test": 0},
        columns=len(spec.features),
        ending=f"{progress.samples:,} samples in {progress.windows:,} windows",
        throughput=Throughput(samples_per_s=progress.samples / max(progress.seconds, 1e-9)),
        traffic=Traffic(bytes=progress.traffic),
        memory=Memory(peak_bytes=progress.memory, rows=trained.rows, evicted=trained.evicted),
        staleness=Staleness(greatest=progress.staleness),
        exchanges=progress.windows,
        queues={
            name: QueueCounts(**msgspec.structs.asdict(report))
            for name, report in feeder.reports().items()
        },
    )


@contextmanager
def stored_model(run: Run, beside: Path) -> Generator[Path]:
    """Find the model of a run, or make it of the last snapshot of a run that still goes on.

    Args:
        run: The run folder.
        beside: Folder for a model that is made, for as long as the block runs.

    Yields:
        The folder of the model.

    Raises:
        SpecError: There is neither a model nor a snapshot.
    """
    folder = run.tables
    if folder.exists():
        yield folder
        return
    snapshots = Snapshots(run.snapshots)
    latest = snapshots.latest()
    if latest is None:
        raise SpecError(f"{run.folder}: has no snapshot yet. Wait for the first one.")
    description = run.read_json(trainer.FILE, Description)
    with TemporaryDirectory(dir=beside) as made:
        folder = Path(made, run.tables.name)
        model_file.save(folder, description, snapshots.chain(latest))
        yield folder


def plan_of(spec: Multitask, dimension: int, size: int, seed: int, spill: Path) -> Plan:
    """Returns what an engine needs to know of a job."""
    return Plan(
        server=spec.server,
        dimension=dimension,
        size=size,
        rules=tuple(rule_of(feature) for feature in sparse_features(spec).values()),
        seed=seed,
        spill=spill,
    )


def rule_of(feature: SparseFeature) -> FeatureRule:
    """Returns when the ids of a feature get a row, and when they lose it."""
    return FeatureRule(
        admit_after=feature.admit_after,
        evict_after=feature.evict.after,
        minimum_score=feature.evict.minimum_score,
        half_life=feature.evict.half_life,
    )


def _trained(
    spec: Multitask, data: Data, feeder: WindowFeeder, run: Run, telemetry: Telemetry
) -> Trained:
    """Train through the tiers and store the model.

    Args:
        spec: The `[multitask]` table.
        data: What to train on.
        feeder: Reads it.
        run: The run folder.
        telemetry: Where progress goes.

    Returns:
        What training took.

    Raises:
        SpecError: Training diverged, or there is nothing to train on.
    """
    description = Description(spec, data.seed)
    path = run.folder / trainer.FILE
    trainer.write(path, description)
    with telemetry.timed("start"):
        own = TorchTrainer(description)
        plan = plan_of(spec, own.dimension, own.size, data.seed, run.folder / "spill")
        engine = _engine(plan, path, data.train.folder)
    folder = run.snapshots
    with closing(engine), telemetry.timed("train"):
        settings = RunSettings(
            plan,
            own.first(),
            folder,
            data.job,
            metrics=lambda counts: aucs(counts, list(spec.tasks)) | _lengths(feeder),
        )
        try:
            trained = loop.train(engine, feeder, settings, telemetry)
        except DivergedError as error:
            raise SpecError(_advice(error, spec, folder)) from None
        except ChangedError as error:
            raise SpecError(f"{error} Or remove {run.folder}, which holds this one.") from None
    snapshots = Snapshots(folder, data.job)
    latest = snapshots.latest()
    if latest is None:
        raise SpecError(
            "no sample was left to train on: every row is kept out, or no label is there."
        )
    with telemetry.timed("store"):
        model_file.save(run.tables, description, snapshots.chain(latest))
    return trained


def _lengths(feeder: WindowFeeder) -> dict[str, float]:
    """Returns how many samples are in each queue, and how many wait for a late label."""
    lengths = {f"waiting_{name}": float(length) for name, length in feeder.lengths().items()}
    return lengths | {"waiting_labels": float(feeder.waiting)}


def _engine(plan: Plan, path: Path, folder: Path) -> Engine:
    if plan.server.engine == "local":
        from isthmus.paramserver.tiers import in_process

        return in_process.Engine(plan, lambda: trainer.make(path))
    from isthmus.paramserver.distributed import actors, on_ray

    made = actors.Recipe(
        "isthmus.multitask.network.trainer:make", path, "isthmus.multitask.samples:TaskBatch"
    )
    return on_ray.Engine(plan, made, folder)


def _advice(error: DivergedError, spec: Multitask, folder: Path) -> str:
    feature = "the layers"
    if error.feature != NO_FEATURE:
        feature = f"the rows of {list(sparse_features(spec))[error.feature]!r}"
    last = f"{folder}: snapshot {error.version}" if error.version else "there is none"
    return (
        f"training diverged: the loss is not finite any more, and the gradients of {feature} grew "
        f"most before that. Lower `multitask.server.rows.rate` or `multitask.server.dense.rate`. "
        f"The last good snapshot: {last}."
    )
