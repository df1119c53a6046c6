"""How fast does a stored joint model score rows, beside the same kind of model on joined data?

Both parties are processes with a line of mutual TLS between them that stays open; each request is a
number of rows. The rivals have all columns in one process and no line.
"""

import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks import lines, online, operations
from benchmarks.lines import Identities
from benchmarks.measurement import Measurement, Row, speed_beside
from benchmarks.rivals import free_addresses
from benchmarks.simulated import ACTIVE, PASSIVE, Workload, default_credit
from isthmus.core.arrays import Floats
from isthmus.data.table import Table, joined
from isthmus.vertical.boosting.messages import Decisions, Next, pack_bits
from isthmus.vertical.boosting.model import ActivePart, Part
from isthmus.vertical.boosting.predict import Decider, Scorer
from isthmus.vertical.boosting.scoring import receive_scores
from isthmus.vertical.boosting.spec import Boosting
from isthmus.vertical.prediction.active import active
from isthmus.vertical.prediction.passive import passive
from isthmus.vertical.prediction.spec import Prediction
from isthmus.vertical.regression import model as linear
from isthmus.vertical.regression.pooled import train_pooled
from isthmus.vertical.regression.spec import Regression

REQUESTS = {1: 500, 100: 200, 5_000: 20}
"""How many requests of how many rows."""

TREES = Boosting(trees=50, depth=3)
AIM_ROW = 0.005  # seconds that 99 of 100 requests for one row take at most


@dataclass(frozen=True)
class Model:
    """A model in parts, and what scores the same rows with all columns in one place."""

    name: str
    parts: tuple[Any, Any]
    spec: Prediction
    rival: str
    score: Callable[[Floats], Any]


def measure() -> Measurement:
    """Score test rows of default_credit, one request after the other.

    Returns:
        The comparison.
    """
    workload = default_credit()
    rows = [party.test for party in operations.rows(workload)]
    everything = joined(rows).features
    table, answers, slow = list[Row](), list[str](), list[str]()
    for found in (_trees(workload), _regression(workload)):
        for size, requests in REQUESTS.items():
            ours = _waits(found, rows, size, requests)
            theirs = _rival(found, everything, size, requests)
            for name, seconds in (("isthmus, two parties", ours), (found.rival, theirs)):
                half, most = np.quantile(seconds, (0.5, 0.99)).tolist()
                table.append(
                    {
                        "model": found.name,
                        "by": name,
                        "rows of a request": size,
                        "rows/s": size / half,
                        "p50 ms": half * 1e3,
                        "p99 ms": most * 1e3,
                    }
                )
            told = f"{found.name}, {size:,} rows: {np.median(ours) * 1e3:.2f} ms"
            answers.append(f"{told}, {speed_beside(_half(ours), _half(theirs), found.rival)}")
            if size == 1 and np.quantile(ours, 0.99) > AIM_ROW:
                slow.append(f"{found.name}: one row takes more than {AIM_ROW * 1e3:.0f} ms (p99).")
    return Measurement(
        answer="; ".join(answers),
        tables={"Requests to score rows": table},
        notes=[
            "The rows are the test rows of default_credit, with 13 columns of the active party and "
            f"10 of the passive one; trees: {TREES.trees} of depth {TREES.depth}; a regression by "
            "logit.",
            "A request goes from the active party to the passive one over mutual TLS on loopback, "
            "and its answer back; both parties share the cores of one machine, and each has its "
            "part in memory. The network between two organisations comes on top. Alignment, files "
            "and ledger are not in it.",
            "The rivals were trained on joined columns by their defaults, XGBoost with the same "
            "depth and number of trees, and predict in the process that asks, with one thread.",
        ],
        falls_short=slow,
    )


def _half(seconds: Sequence[float]) -> float:
    return float(np.median(seconds))


def _trees(workload: Workload) -> Model:
    import xgboost  # noqa: PLC0415 - an extra

    parts = online.parts(workload, TREES)
    splits = {PASSIVE: len(parts[1].splits)}
    train = joined([party.train for party in operations.rows(workload)])
    rival = xgboost.XGBClassifier(n_estimators=TREES.trees, max_depth=TREES.depth, n_jobs=1)
    rival.fit(train.features, train.label)
    spec = Prediction(model="0" * 64, system="boosting", splits=splits)
    return Model("boosted trees", parts, spec, "XGBoost on joined data", rival.predict_proba)


def _regression(workload: Workload) -> Model:
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    ours, theirs = (party.train for party in operations.rows(workload))
    train = joined([ours, theirs])
    whole = train_pooled(train, Regression(passive_columns=len(theirs.names)))
    first = len(ours.names)
    parts = (
        linear.Part(whole.link, whole.columns[:first], whole.intercept),
        linear.Part(whole.link, whole.columns[first:]),
    )
    rival = make_pipeline(StandardScaler(), LogisticRegression())
    rival.fit(train.features, train.label)
    spec = Prediction(model="0" * 64, system="regression")
    return Model("regression", parts, spec, "scikit-learn on joined data", rival.predict_proba)


def _requests(test: Table, size: int, requests: int) -> list[Table]:
    return [
        test.take(np.arange(number * size, (number + 1) * size) % len(test))
        for number in range(requests)
    ]


def _waits(found: Model, rows: Sequence[Table], size: int, requests: int) -> list[float]:
    blocks = [_requests(test, size, requests) for test in rows]
    (address,) = free_addresses(1)
    parties = lines.identities((ACTIVE, PASSIVE))
    spawn = multiprocessing.get_context("spawn")  # a forked gRPC does not work
    ours, theirs = found.parts
    with ProcessPoolExecutor(2, spawn) as processes:
        answering = processes.submit(_answer, theirs, found.spec, blocks[1], parties, address)
        asking = processes.submit(_ask, ours, found.spec, blocks[0], parties, address)
        seconds = asking.result()
        answering.result()
    return seconds


def _ask(
    part: Any, spec: Prediction, blocks: Sequence[Table], parties: Identities, address: str
) -> list[float]:
    seconds = list[float]()
    trees = Scorer(part) if isinstance(part, ActivePart) else None
    with lines.line(ACTIVE, parties, address) as line:
        for block in blocks:
            began = time.perf_counter()
            line.send(Next(task="score"))
            if trees is None:
                active({PASSIVE: line}, part, block, spec)
            else:
                receive_scores({PASSIVE: line}, trees, block, spec.block_rows)
            seconds.append(time.perf_counter() - began)
    return seconds


def _answer(
    part: Any, spec: Prediction, blocks: Sequence[Table], parties: Identities, address: str
) -> None:
    decide = Decider(part.columns, part.splits) if isinstance(part, Part) else None
    with lines.line(PASSIVE, parties, address) as line:
        for block in blocks:
            line.receive(Next)
            if decide is None:
                passive(line, part, block, spec)
            else:
                line.send(Decisions(first_row=0, left=pack_bits(decide(block))))


def _rival(found: Model, everything: Floats, size: int, requests: int) -> list[float]:
    seconds = list[float]()
    for number in range(requests):
        block = everything[np.arange(number * size, (number + 1) * size) % len(everything)]
        began = time.perf_counter()
        found.score(block)
        seconds.append(time.perf_counter() - began)
    return seconds
