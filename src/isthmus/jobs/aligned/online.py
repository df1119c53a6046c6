"""Our side of a job that scores rows online: align once, then ask or answer until the end.

The run ends with its last request: result and sealed ledger are stored however it ends, so that
another start is another run. Scores are handed to who asks and kept nowhere.
"""

import dataclasses
import signal
import threading
import time
from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import Any

import numpy as np
from msgspec.structs import replace

from isthmus.core.arrays import Integers
from isthmus.core.errors import ChannelError, PeerError, SpecError
from isthmus.data import reading
from isthmus.data.scores import Scores
from isthmus.data.sources import InMemory
from isthmus.data.table import Table
from isthmus.jobs.aligned import identities
from isthmus.jobs.aligned.alignment import Aligned
from isthmus.jobs.aligned.plan import AlignedPlan
from isthmus.jobs.aligned.results import ScoredResult
from isthmus.jobs.aligned.run import align_rows, alignment_result
from isthmus.jobs.aligned.stored import as_trained, coding, prepared
from isthmus.jobs.handshake import finish
from isthmus.jobs.session import Lines, PartySession
from isthmus.ledger.record import records
from isthmus.vertical.scoring_system import Asks, OnlineContext

_GLANCE = 0.5
"""Seconds after which a party that waits for a request looks whether it is to stop."""

_BETWEEN = 10.0
"""Seconds between two events about requests: what is logged does not grow with them."""


@dataclass(frozen=True)
class _Serving:
    """A run that has found the shared rows."""

    rows: Table
    """Our columns of them, in the common order."""

    requests: Counter[int]
    """Those of this run, by their number of rows."""


def serve(session: PartySession[AlignedPlan]) -> None:
    """Answer requests of the active party until it ends them, or this process is told to stop."""
    plan = session.plan
    with session.connected() as lines, _stop_signals() as stop, _served(session, lines) as serving:
        (line,) = lines.values()
        last_told = 0.0

        def wait() -> bool:
            nonlocal last_told
            while not stop.told:
                if time.monotonic() > last_told + _BETWEEN:
                    last_told = time.monotonic()
                    _tell(session, serving.requests)
                if line.arrived(_GLANCE):
                    return True
            return False

        assert plan.stored is not None, "`make_plan` found it"  # noqa: S101 - a mistake of ours
        context = OnlineContext(
            lines,
            serving.rows,
            plan.stored,
            session.telemetry,
            serving.requests,
            wait,
            identity=identities.of(plan),
        )
        stop.serving = True
        if plan.loaded.system.answer(plan.loaded.spec, context):
            finish(line)


@contextmanager
def scoring(session: PartySession[AlignedPlan]) -> Generator["OnlineScorer"]:
    """Score rows with the passive parties, as the active party, while the block runs.

    Args:
        session: The run.

    Yields:
        What scores rows.

    Raises:
        IsthmusError: The parties do not find each other, or share too few rows.
    """
    plan = session.plan
    assert plan.stored is not None, "`make_plan` found it"  # noqa: S101 - a mistake of ours
    with session.connected() as lines, _served(session, lines) as serving:
        context = OnlineContext(
            lines,
            serving.rows,
            plan.stored,
            session.telemetry,
            serving.requests,
            wait=lambda: False,
        )
        asks: Asks = plan.loaded.system.ask(plan.loaded.spec, context)
        scorer = OnlineScorer(plan, serving.rows, asks)
        _tell(session, serving.requests)
        try:
            yield scorer
        finally:
            scorer.end(lines)


class OnlineScorer:
    """Scores rows of the active party; threads that call it wait for each other."""

    def __init__(self, plan: AlignedPlan, shared: Table, asks: Asks) -> None:
        """Prepare to find rows among the shared ones.

        Args:
            plan: The job and the party.
            shared: Its columns of the shared rows, in the common order.
            asks: Asks the passive parties.
        """
        assert plan.stored is not None, "`make_plan` found it"  # noqa: S101 - likewise
        self._shared = shared
        self._asks = asks
        self._steps = plan.loaded.data.normalise
        self._coding = coding(plan.stored)
        self._dataset = as_trained(plan.party.datasets[plan.loaded.dataset], self._coding)
        self._prepared = prepared(plan.stored.run)
        self._position = {key: at for at, key in enumerate(shared.identifiers)}
        self._one_by_one = threading.Lock()

    def __call__(self, rows: Any, /) -> Any:
        """Score rows.

        Args:
            rows: A `pyarrow.Table` with the identifier columns of the data set, and its feature
                columns; those of the data set itself count where the table has none of them.

        Returns:
            A `pyarrow.Table` as `predictions.parquet` has it, in the order of the rows.

        Raises:
            SpecError: The rows do not fit the job; nothing was asked.
            ChannelError: A passive party has stopped, or the line to it is cut.
            PeerError: A passive party broke the protocol.
        """
        given = self._read(rows)
        positions = self._positions(given)
        if not given.names:
            given = _with_features(given, self._shared.take(positions))
        elif self._prepared is not None:
            given = self._prepared(given)
        with self._one_by_one:
            scores = self._asks(given, positions)
        return Scores(given, scores).table()

    def end(self, lines: Lines) -> None:
        """Tell the passive parties that there are no more requests; those that left know it."""
        with self._one_by_one:
            for name in self._asks.end():
                with suppress(ChannelError, PeerError):  # it has all it needs, and we too
                    finish(lines[name])

    def _read(self, rows: Any) -> Table:
        names = set(rows.column_names)
        said, coded = self._dataset, self._coding
        known = names.intersection(coded.names)
        dataset = replace(
            said,
            columns=coded.names if known else (),
            categorical=said.categorical if known else (),
            types={name: kind for name, kind in said.types.items() if name in names},
            label=None,
            duplicates="error",  # none of the rows that are asked for is left out
        )
        source = InMemory(dataset, rows, "the rows to score", "the data frame")
        trained = coded if known else None
        return reading.read(source, dataset, self._steps, trained, describe=False)

    def _positions(self, rows: Table) -> Integers:
        """Find rows among the shared ones.

        Args:
            rows: The rows.

        Returns:
            Their positions, shape (rows,).

        Raises:
            SpecError: One is not shared.
        """
        found = [self._position.get(key, -1) for key in rows.identifiers]
        unknown = [at for at, position in enumerate(found) if position < 0]
        if unknown:
            raise SpecError(
                f"{len(unknown):,} of the {len(found):,} rows to score are not among the "
                f"{len(self._shared):,} that the parties aligned for this job, the first is row "
                f"{unknown[0]:,}: leave them out, or add them to the data sets and start the job "
                "again on both sides. Nothing was sent."
            )
        return np.array(found, np.int64)


def _with_features(given: Table, known: Table) -> Table:
    """Our columns of shared rows, under the keys of those given."""
    return dataclasses.replace(known, keys=given.keys, positions=given.positions, label=None)


@contextmanager
def _served(session: PartySession[AlignedPlan], lines: Lines) -> Generator[_Serving]:
    """Align, let the block score, then store the result and the sealed ledger, however it ends."""
    plan, telemetry = session.plan, session.telemetry
    system, spec = plan.loaded.system, plan.loaded.spec
    earlier: Counter[int] = system.recorded(spec, plan.party.party, records(session.run.ledger))
    aligned: Aligned | None = None
    try:
        with telemetry.timed("total"):
            aligned = align_rows(session, lines)
            rows = plan.train.take(aligned.indices[plan.loaded.dataset].rows)
            with telemetry.timed("serving"):
                yield _Serving(rows, earlier)
    finally:
        if aligned is not None:
            _store(session, aligned, earlier)
            session.seal()


def _store(
    session: PartySession[AlignedPlan], aligned: Aligned, requests: Mapping[int, int]
) -> None:
    plan, run = session.plan, session.run
    result = ScoredResult(
        **session.facts(),
        alignment=alignment_result(plan, aligned),
        model=plan.loaded.system.model(plan.loaded.spec),
        system=plan.loaded.spec.system,
        rows={"own": len(plan.train), "scored": _rows(requests), "labelled": 0},
        columns=len(plan.train.names),
        metrics={},
        requests=dict(requests),
    )
    run.write_json(run.result.name, result)


def _tell(session: PartySession[AlignedPlan], requests: Mapping[int, int]) -> None:
    most = session.plan.loaded.spec.online.rows
    session.telemetry.progress("serve", _rows(requests), most, note="rows asked for")


def _rows(requests: Mapping[int, int]) -> int:
    return sum(rows * count for rows, count in requests.items())


@dataclass
class _Stop:
    """Whether a signal told this process to stop."""

    serving: bool = False
    """Before, a signal interrupts: there is nothing to end well yet."""

    told: bool = False

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        if not self.serving:
            raise KeyboardInterrupt
        self.told = True


@contextmanager
def _stop_signals() -> Generator[_Stop]:
    """Let SIGINT and SIGTERM say when to stop, while the block runs."""
    stop = _Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop  # signals are not ours to handle
        return
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
