"""How long a caller waits for the score of a row: the parties are processes, with a line between.

The model was trained on joined columns, which yields the trees that joint training would.
"""

import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np

from benchmarks import lines, operations
from benchmarks.lines import Identities
from benchmarks.operations import RANDOMNESS
from benchmarks.rivals import free_addresses
from benchmarks.simulated import ACTIVE, PASSIVE, Workload
from isthmus.data.table import Table
from isthmus.vertical.boosting import coding, model
from isthmus.vertical.boosting.messages import Decisions, Next, pack_bits, unpack_bits
from isthmus.vertical.boosting.model import ActivePart, Part
from isthmus.vertical.boosting.pooled import train_pooled
from isthmus.vertical.boosting.predict import Decider, Scorer
from isthmus.vertical.boosting.spec import Boosting
from isthmus.vertical.boosting.trees import boost


@dataclass(frozen=True)
class Wait:
    """From a request until its score, over many requests one after the other."""

    rows: int
    """Of each request."""

    half: float
    """Seconds that half of the requests take at most: p50."""

    most: float
    """Seconds that 99 of 100 requests take at most: p99."""


def waits(
    workload: Workload, boosting: Boosting, sizes: Sequence[int], requests: int
) -> list[Wait]:
    """Score test rows as they would come to a service.

    Args:
        workload: Rows to train on, and to score.
        boosting: What the job says.
        sizes: Rows of a request.
        requests: Of each size.

    Returns:
        What they took, by size.
    """
    rows = operations.rows(workload)
    active, passive = parts(workload, boosting)
    blocks = [_blocks(party.test, sizes, requests) for party in rows]
    (address,) = free_addresses(1)
    parties = lines.identities((ACTIVE, PASSIVE))
    spawn = multiprocessing.get_context("spawn")  # a forked gRPC does not work
    with ProcessPoolExecutor(2, spawn) as processes:
        answering = processes.submit(_answer, passive, blocks[1], parties, address)
        asking = processes.submit(_ask, active, blocks[0], parties, address)
        seconds = np.array(asking.result()).reshape(len(sizes), requests)
        answering.result()
    return [
        Wait(size, *np.quantile(each, (0.5, 0.99)).tolist())
        for size, each in zip(sizes, seconds, strict=True)
    ]


def parts(workload: Workload, boosting: Boosting) -> tuple[ActivePart, Part]:
    """Train on joined columns, and part the model as the parties would have it."""
    rows = operations.rows(workload)
    found = train_pooled(rows, boosting, RANDOMNESS)
    columns = [
        model.columns(coding.columns(party.train, boosting, RANDOMNESS.job).binnings, codes)
        for party, codes in zip(rows, found.assigned.codes, strict=True)
    ]
    kept = boost.ensemble(found.state, boosting)
    others = {PASSIVE: found.assigned.codes[1]}
    ours = model.active_part("run", boosting, columns[0], others, found.assigned.book.bins, kept)
    splits = ours.splits_on(ours.passives[PASSIVE])
    return ours, Part("run", len(kept.trees), columns[1], splits)


def _blocks(test: Table, sizes: Sequence[int], requests: int) -> list[Table]:
    return [
        test.take(np.arange(number * size, (number + 1) * size) % len(test))
        for size in sizes
        for number in range(requests)
    ]


def _ask(
    part: ActivePart, blocks: Sequence[Table], parties: Identities, address: str
) -> list[float]:
    score, seconds = Scorer(part), list[float]()
    with lines.line(ACTIVE, parties, address) as passive:
        for block in blocks:
            began = time.perf_counter()
            passive.send(Next(task="score"))
            left = passive.receive(Decisions).left
            score(block, {PASSIVE: unpack_bits(left, (len(block), score.splits(PASSIVE)))})
            seconds.append(time.perf_counter() - began)
    return seconds


def _answer(part: Part, blocks: Sequence[Table], parties: Identities, address: str) -> None:
    decide = Decider(part.columns, part.splits)
    with lines.line(PASSIVE, parties, address) as active:
        for number, block in enumerate(blocks):
            active.receive(Next)
            active.send(Decisions(first_row=number, left=pack_bits(decide(block))))
