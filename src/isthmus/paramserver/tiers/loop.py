"""Training with two tiers of parameter servers (S4): the loop.

The data come in windows of batches. A round is one window for each worker. Round by round, the loop

1. takes the windows that the feeder, the first trainer, has read ahead, and the keys in them;
2. exchanges once with every shard of the external server: pushes what the workers made of the round
   that lies `staleness` rounds further back than the round before, and pulls the rows of this one;
3. lets each worker, a second trainer, train on its window, with the built-in server beside it;
4. if a snapshot is due, waits until all is pushed, lets shards evict rows, and has them copied.

With a staleness of 0, step 2 waits for the round before. With more, the workers train on that many
rounds meanwhile, and each brings the rows up to date with what it has done to them itself.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from msgspec.structs import replace

from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Telemetry
from isthmus.paramserver.engine import Engine, Handle, LostError, Plan, ShardFacts, WindowReport
from isthmus.paramserver.shards.placement import size_of
from isthmus.paramserver.shards.snapshots import Manifest, Progress, Snapshots, read_arrays
from isthmus.paramserver.tiers.builtin import added
from isthmus.paramserver.tiers.reading_ahead import Feeder, ReadAhead, Round, State
from isthmus.paramserver.tiers.saving import FEEDER, Saver
from isthmus.paramserver.window import Float32s

EVENT_SECONDS = 0.5
"""Between two events of training."""


class DivergedError(SpecError):
    """The loss or a gradient is not finite: training cannot go on."""

    def __init__(self, feature: int, version: int) -> None:
        """Say so.

        Args:
            feature: Number of the feature whose gradients grew, or NO_FEATURE.
            version: Number of the last snapshot, 0 if there is none.
        """
        super().__init__(
            f"The loss is not finite any more: the gradients of feature {feature} grew until then. "
            f"Lower the learning rates; snapshot {version} is from before."
        )
        self.feature = feature
        self.version = version


@dataclass(frozen=True)
class RunSettings:
    """What is trained, and where it is kept."""

    plan: Plan
    first: Float32s
    """First dense numbers: what `Trainer.first` returns."""

    folder: Path
    """Of the run's snapshots; made where there is none."""

    job: str
    """Digest of the job: snapshots of another one are refused."""

    metrics: Callable[[Float32s], Mapping[str, float]] = lambda _: dict[str, float]()
    """Returns more numbers for an event, from what trainers counted since the event before.

    The feeder may be at work in its thread meanwhile.
    """


@dataclass(frozen=True)
class Trained:
    """The result of training; all rows and dense numbers are in the last snapshot."""

    progress: Progress
    version: int
    """Number of the last snapshot; 0 if there were no samples at all."""

    rows: int
    evicted: int
    paused: float
    """Seconds in which training waited for snapshots, in this process."""


def train(engine: Engine, feeder: Feeder, settings: RunSettings, telemetry: Telemetry) -> Trained:
    """Train on all windows, from the beginning or from the last snapshot in the folder.

    The caller closes the engine, and reads the result with `snapshots.Snapshots`.

    Args:
        engine: Shards and workers, just made.
        feeder: Makes the windows; stands at the beginning of the data.
        settings: What is trained, and where it is kept.
        telemetry: Where progress goes: events of stage `train`.

    Returns:
        What came of it.

    Raises:
        DivergedError: The loss or a gradient is not finite.
        SpecError: A snapshot is broken or of another job, rows do not fit into the memory, the disk
            is full, or the feeder found something wrong with the data.
    """
    snapshots = Snapshots(settings.folder, settings.job)
    beginning = feeder.state()
    while True:
        latest = snapshots.latest()
        if latest is not None:
            feeder.restore(read_arrays(snapshots.at(latest.version), latest, FEEDER))
        saver = Saver(engine, snapshots, settings.plan.server, settings.job, latest)
        loop = _Loop(engine, settings, telemetry, saver, latest)
        try:
            loop.begin(snapshots.chain(latest) if latest else [])
            return loop.run(feeder)
        except LostError as error:
            telemetry.progress("recover", note=str(error))
            feeder.restore(beginning)
        finally:
            saver.close()


@dataclass(frozen=True)
class _Trained:
    """A round that is being trained on, or is not pushed yet."""

    pushes: Sequence[Sequence[Handle]]
    """Of each worker, to each shard."""

    reports: Sequence[Handle]


@dataclass
class _Shown:
    """What has come since the last event."""

    since: float = field(default_factory=time.perf_counter)
    samples: int = 0
    loss: float = 0.0
    """Sum over the samples."""

    tally: Float32s = field(default_factory=lambda: np.zeros(0, np.float32))


class _Loop:
    """The state of the loop between two rounds."""

    def __init__(
        self,
        engine: Engine,
        settings: RunSettings,
        telemetry: Telemetry,
        saver: Saver,
        latest: Manifest | None,
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._telemetry = telemetry
        self._saver = saver
        self._server = settings.plan.server
        self._shards = range(self._server.shards)
        self._progress = latest.progress if latest else Progress()
        self._saved = self._progress.windows
        self._clock = self._progress.samples
        self._unpushed = deque[_Trained]()
        self._training = deque[_Trained]()
        self._shown = _Shown()
        self._started = time.perf_counter()
        self._paused = 0.0

    def begin(self, folders: Sequence[Path]) -> None:
        """Give all shards the state of a snapshot, or their first one."""
        self._results(
            [self._engine.begin(shard, self._settings.first, folders) for shard in self._shards]
        )

    def run(self, feeder: Feeder) -> Trained:
        """Train on all that is left.

        Args:
            feeder: Stands where the run stands.

        Returns:
            What came of it.

        Raises:
            LostError: Shards and workers were lost; nobody uses the feeder any more.
            SpecError: Training cannot go on.
        """
        rounds = ReadAhead(feeder, self._server, self._progress)
        try:
            for each in rounds:
                if each.windows:
                    self._train(each)
                self._saver.check()
                if each.state is not None:
                    self._snapshot(each.state)
            self._saver.wait()
        except LostError:
            rounds.close()  # the feeder is needed again
            raise
        finally:
            rounds.stop()
        facts = self._facts()
        self._show(facts)
        return Trained(
            self._progress,
            self._saver.version,
            sum(each.rows for each in facts),
            sum(each.evicted for each in facts),
            self._paused,
        )

    def _train(self, given: Round) -> None:
        """Exchange, and let the workers begin."""
        while len(self._training) > self._server.staleness:
            self._collect()
        pushed = None
        if len(self._unpushed) > self._server.staleness:
            pushed = self._unpushed.popleft()
        rows = [self._exchange(shard, pushed, given) for shard in self._shards]
        asked = [
            self._engine.train(
                worker,
                window,
                [rows[shard][worker] for shard in self._shards],
                [before.pushes[worker] for before in self._unpushed],
            )
            for worker, window in enumerate(given.windows)
        ]
        trained = _Trained([pushes for pushes, _ in asked], [report for _, report in asked])
        self._unpushed.append(trained)
        self._training.append(trained)
        self._clock += sum(window.samples for window in given.windows)
        self._progress = replace(
            self._progress,
            calls=self._progress.calls + 1,
            traffic=self._progress.traffic + _traffic(given),
        )

    def _exchange(
        self, shard: int, pushed: _Trained | None, pulling: Round | None
    ) -> Sequence[Handle]:
        return self._engine.exchange(
            shard,
            self._progress.calls,
            [pushes[shard] for pushes in pushed.pushes] if pushed else [],
            [pulls[shard] for pulls in pulling.pulls] if pulling else [],
            self._clock,
        )

    def _collect(self) -> None:
        # Of all rounds in training, the one that began first.
        done = self._training.popleft()
        reports: Sequence[WindowReport] = self._results(done.reports)
        for report in reports:
            if report.diverged is not None:
                raise DivergedError(report.diverged, self._saver.version)
            self._shown.samples += report.samples
            self._shown.loss += report.loss * report.samples
            self._shown.tally = added(self._shown.tally, np.array(report.tally, np.float32))
            self._progress = replace(
                self._progress,
                windows=self._progress.windows + 1,
                samples=self._progress.samples + report.samples,
                traffic=self._progress.traffic + report.traffic,
            )
        if time.perf_counter() - self._shown.since >= EVENT_SECONDS:
            self._show(self._facts())

    def _snapshot(self, state: State) -> None:
        """Push all that is left, evict, copy, and begin to write."""
        while self._training:
            self._collect()
        started = time.perf_counter()
        while self._unpushed:
            pushed = self._unpushed.popleft()
            self._results([self._exchange(shard, pushed, None)[0] for shard in self._shards])
            self._progress = replace(self._progress, calls=self._progress.calls + 1)
        if self._progress.windows > self._saved:
            self._results([self._engine.evict(shard, self._clock) for shard in self._shards])
            self._facts()
            self._saver.save(state, self._progress)
            self._saved = self._progress.windows
            self._paused += time.perf_counter() - started

    def _facts(self) -> Sequence[ShardFacts]:
        facts: Sequence[ShardFacts] = self._results(
            [self._engine.facts(shard) for shard in self._shards]
        )
        now = time.perf_counter()
        self._progress = replace(
            self._progress,
            staleness=max(self._progress.staleness, *(each.staleness for each in facts)),
            memory=max(self._progress.memory, sum(each.memory for each in facts)),
            seconds=self._progress.seconds + now - self._started,
        )
        self._started = now
        return facts

    def _show(self, facts: Sequence[ShardFacts]) -> None:
        shown, self._shown = self._shown, _Shown()
        if shown.samples:
            self._telemetry.progress(
                "train",
                self._progress.samples,
                0,
                note="",
                loss=shown.loss / shown.samples,
                samples_per_s=shown.samples / (self._shown.since - shown.since),
                staleness=float(self._progress.staleness),
                rows=float(sum(each.rows for each in facts)),
                evicted=float(sum(each.evicted for each in facts)),
                memory=float(sum(each.memory for each in facts)),
                **self._settings.metrics(shown.tally),
            )

    def _results(self, handles: Sequence[Handle]) -> list[Any]:
        return [self._engine.result(handle) for handle in handles]


def _traffic(given: Round) -> int:
    return sum(
        size_of(pull.keys.feature, pull.keys.id, pull.occurrences)
        for pulls in given.pulls
        for pull in pulls
    )
