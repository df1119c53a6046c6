"""How fast does a stored joint model score rows, beside the same kind of model on joined data?

The passive party is a process that `isthmus run` starts; the active one asks through the API, one
request after the other, over mutual TLS. The rivals have all columns in one process and no line.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import numpy as np
from pyarrow import csv

import isthmus
from benchmarks import online, operations
from benchmarks.measurement import Measurement, Row, speed_beside
from benchmarks.rivals import free_addresses
from benchmarks.simulated import ACTIVE, PASSIVE, TEST, TRAIN, Workload, default_credit
from isthmus.core import spec
from isthmus.core.arrays import Floats, Integers
from isthmus.core.spec import Spec
from isthmus.crypto import certificates
from isthmus.data.table import Table, joined
from isthmus.jobs.aligned.results import Alignment, ScoredResult, TrainedResult
from isthmus.jobs.examples import CERTIFICATE, KEY
from isthmus.jobs.job import Data, Job, Member
from isthmus.jobs.party import PARTY_FILE, Identity, Party, Peer
from isthmus.jobs.result import Egress
from isthmus.jobs.trained import write_scoring_job
from isthmus.store import atomic
from isthmus.store.runs import Run
from isthmus.vertical.boosting.spec import Boosting
from isthmus.vertical.regression import model as linear
from isthmus.vertical.regression.pooled import train_pooled
from isthmus.vertical.regression.spec import Regression

REQUESTS = {1: 500, 100: 200, 5_000: 20}
"""How many requests of how many rows."""

TREES = Boosting(trees=50, depth=3)
AIM_ROW = 0.02  # seconds that 99 of 100 requests for one row take at most


@dataclass(frozen=True)
class Model:
    """A model in parts, and what scores the same rows with all columns in one place."""

    name: str
    system: str
    said: Spec
    parts: dict[str, Any]
    rival: str
    score: Callable[[Floats], Any]


@dataclass(frozen=True)
class Wait:
    """Seconds of a request, at the process that asks."""

    wall: float
    cpu: float


def measure() -> Measurement:
    """Score test rows of default_credit, one request after the other.

    Returns:
        The comparison.
    """
    workload = default_credit()
    everything = joined([workload.rows(party, TEST) for party in (ACTIVE, PASSIVE)]).features
    table, answers, slow = list[Row](), list[str](), list[str]()
    for found in (_trees(workload), _regression(workload)):
        asked = _waits(found, workload)
        for size, requests in REQUESTS.items():
            ours, theirs = asked[size], _rival(found, everything, size, requests)
            for name, waits in (("isthmus, two parties", ours), (found.rival, theirs)):
                half, most = np.quantile([each.wall for each in waits], (0.5, 0.99)).tolist()
                table.append(
                    {
                        "model": found.name,
                        "by": name,
                        "rows of a request": size,
                        "rows/s": size / half,
                        "p50 ms": half * 1e3,
                        "p99 ms": most * 1e3,
                        "CPU ms of who asks": float(np.mean([each.cpu for each in waits])) * 1e3,
                    }
                )
            told = f"{found.name}, {size:,} rows: {_half(ours) * 1e3:.2f} ms"
            answers.append(f"{told}, {speed_beside(_half(ours), _half(theirs), found.rival)}")
            if size == 1 and np.quantile([each.wall for each in ours], 0.99) > AIM_ROW:
                slow.append(f"{found.name}: one row takes more than {AIM_ROW * 1e3:.0f} ms (p99).")
    return Measurement(
        answer="; ".join(answers),
        tables={"Requests to score rows": table},
        notes=[
            "The rows are the test rows of default_credit, with 13 columns of the active party and "
            f"10 of the passive one; trees: {TREES.trees} of depth {TREES.depth}; a regression by "
            "logit.",
            "A request is `scorer.predict(frame)` with the identifiers and the active party's "
            "columns: reading the frame, finding its rows among the shared ones, a message to the "
            "passive party over mutual TLS on loopback, its answer, and a record in each ledger. "
            "Both parties share the cores of one machine. The network between two organisations "
            "comes on top. The alignment comes before the first request, and is not in it. Times "
            "depend on what else the machine does (see the load); CPU does less.",
            "The model was trained on joined columns and cut into the parts that the parties would "
            "have: that takes a moment, and scores are the same.",
            f"The rivals were trained on joined columns by their defaults, XGBoost "
            f"{metadata.version('xgboost-cpu')} with the same depth and number of trees, and "
            "predict arrays in the process that asks, with one thread.",
        ],
        falls_short=slow,
    )


def _half(waits: Sequence["Wait"]) -> float:
    return float(np.median([each.wall for each in waits]))


def _trees(workload: Workload) -> Model:
    import xgboost  # noqa: PLC0415 - an extra

    parts = dict(zip((ACTIVE, PASSIVE), online.parts(workload, TREES), strict=True))
    train = joined([party.train for party in operations.rows(workload)])
    rival = xgboost.XGBClassifier(n_estimators=TREES.trees, max_depth=TREES.depth, n_jobs=1)
    rival.fit(train.features, train.label)
    name, by = "boosted trees", "XGBoost on joined data"
    return Model(name, "boosting", TREES, parts, by, rival.predict_proba)


def _regression(workload: Workload) -> Model:
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    ours, theirs = (party.train for party in operations.rows(workload))
    train = joined([ours, theirs])
    said = Regression(passive_columns=len(theirs.names))
    whole = train_pooled(train, said)
    first = len(ours.names)
    parts = {
        ACTIVE: linear.Part(whole.family, whole.columns[:first], whole.intercept),
        PASSIVE: linear.Part(whole.family, whole.columns[first:]),
    }
    rival = make_pipeline(StandardScaler(), LogisticRegression())
    rival.fit(train.features, train.label)
    name, by = "regression", "scikit-learn on joined data"
    return Model(name, "regression", said, parts, by, rival.predict_proba)


def _waits(found: Model, workload: Workload) -> dict[int, list[Wait]]:
    """Each request, by its number of rows."""
    frame = csv.read_csv(workload.files[ACTIVE, TEST])
    with TemporaryDirectory() as name:
        folder = Path(name)
        trained = _desk(found, workload, folder)
        job = folder / "online.toml"
        write_scoring_job(trained[ACTIVE].folder, job, online=True)
        _allow(job)
        command = [sys.executable, "-m", "isthmus", "run", str(job)]
        with subprocess.Popen(  # noqa: S603 - our own interpreter and arguments
            [*command, "--party", str(folder / PASSIVE / PARTY_FILE)], stderr=subprocess.DEVNULL
        ) as answering:
            party = folder / ACTIVE / PARTY_FILE
            with isthmus.load(trained[ACTIVE].folder).online(job, party) as scorer:
                waits = {
                    size: [
                        _timed(scorer.predict, frame.take(rows))
                        for rows in _places(len(frame), size, requests)
                    ]
                    for size, requests in REQUESTS.items()
                }
            answering.wait()
        result = Run(scorer.folder).read_json("result.json", ScoredResult)
        assert result.requests is not None
        assert sum(result.requests.values()) == sum(REQUESTS.values()) + 1
    return waits


def _timed(score: Callable[[Any], Any], rows: Any) -> Wait:
    began, cpu = time.perf_counter(), time.process_time()
    score(rows)
    return Wait(time.perf_counter() - began, time.process_time() - cpu)


def _allow(file: Path) -> None:
    """Let a job ask for as many rows as are measured."""
    job = spec.load(file, Job)
    table = job.tables["prediction"]
    most = msgspec.structs.replace(table.online, request_rows=max(REQUESTS), rows=10**6)
    job.replace(prediction=msgspec.structs.replace(table, online=most)).save(file)


def _desk(found: Model, workload: Workload, folder: Path) -> dict[str, Run]:
    """Party files, keys, and the runs that training would have left."""
    (address,) = free_addresses(1)
    job = Job(
        name="benchmark",
        seed=7,
        parties={party: Member(role=party) for party in (ACTIVE, PASSIVE)},
        data=Data(train=TEST, identifiers=["id"]),
    ).replace(**{found.system: found.said})
    for party in (ACTIVE, PASSIVE):
        (folder / party).mkdir()
        key = certificates.make_key()
        atomic.write(folder / party / KEY, key)
        atomic.write(folder / party / CERTIFICATE, certificates.self_signed(party, key))
    trained = {}
    for party, peer in ((ACTIVE, PASSIVE), (PASSIVE, ACTIVE)):
        listens = party == ACTIVE
        known = Peer(certificate=f"../{peer}/{CERTIFICATE}", address=None if listens else address)
        file = Party(
            party=party,
            listen=address if listens else None,
            identity=Identity(certificate=CERTIFICATE, private_key=KEY),
            peers={peer: known},
            datasets={TEST: workload.dataset(party, TEST)},
        )
        (folder / party / PARTY_FILE).write_bytes(spec.dump(file))
        trained[party] = _run(found, job, party, workload.rows(party, TRAIN), folder / party)
    return trained


def _run(found: Model, job: Job, party: str, train: Table, folder: Path) -> Run:
    run = Run.make(folder / "runs", job.name, job.digest)
    run.write_json(run.job.name, job)
    run.write_json(run.model.name, found.parts[party])
    run.write_json(run.columns.name, train.coding)
    result = TrainedResult(
        job=job.name,
        digest=job.digest,
        version=isthmus.__version__,
        seconds={},
        party=party,
        role=party,
        peers=list(job.peers(party)),
        started="",
        rows={"own": len(train), "train": len(train), "test": 0},
        egress=Egress(messages=0, bytes=0),
        learned=[],
        alignment=Alignment(method="cryptographic", protects=True, size=len(train), reused=True),
        system=found.system,
        model="0" * 64,
        columns=len(train.names),
        metrics={},
        rounds=1,
        converged=None,
        ending="",
        curve=[],
    )
    run.write_json(run.result.name, result)
    return run


def _rival(found: Model, everything: Floats, size: int, requests: int) -> list[Wait]:
    places = _places(len(everything), size, requests)
    return [_timed(found.score, everything[rows]) for rows in places]


def _places(rows: int, size: int, requests: int) -> Iterator[Integers]:
    """The rows of each request, one after the other."""
    for at in range(requests):
        yield np.arange(at * size, (at + 1) * size) % rows
