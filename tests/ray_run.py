"""A run on Ray as a process of its own: trains the small model, and tells what it does.

python -m tests.ray_run FOLDER CASE; the cases are the functions of this file, each line it writes
is JSON. It ends as the command line does: an error of ours is one sentence and its exit code.
"""

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from isthmus.core.errors import IsthmusError
from isthmus.core.telemetry import Event, Telemetry
from isthmus.paramserver.distributed import cluster, on_ray, processes, ray_session
from isthmus.paramserver.spec import Cluster, Server
from isthmus.paramserver.tiers import loop as tiers
from tests.tiers import BATCH, JOB, LinearFeeder, LinearTrainer, make_data, make_plan
from tests.trainers import recipe

SERVER = Server(shards=2, workers=2, exchange_every=BATCH, snapshot_every=64, full_every=3)
SAMPLES = 1200


def plain(folder: Path) -> None:
    """Train; tell who listens where, of every snapshot, and of what goes wrong."""
    with _engine(folder) as engine:
        own = Path(os.environ[processes.MARK])
        found = processes.listeners({*processes.of_folder(own), os.getpid()})
        _tell(folder=str(own), listeners=[(each.address, each.local) for each in found])
        _train(engine, folder)


def slow(folder: Path) -> None:
    """Train slowly; tell who listens where, of every snapshot, and of what goes wrong."""
    (folder / "slow").touch()
    plain(folder)


def open_to_others(folder: Path) -> None:
    """Start a Ray that does not know the switch."""
    ray_session._keeps_to_loopback = lambda ray: True  # noqa: ARG005, SLF001
    cluster.environment = _without_switch
    with _engine(folder):
        pass


def host(folder: Path) -> None:
    """Start a Ray that others join, until standard input ends."""
    with ray_session.started() as session:
        token = Path(os.environ["RAY_AUTH_TOKEN_PATH"]).read_text()
        address = session.ray.get_runtime_context().gcs_address
        own = os.environ[processes.MARK]
        _tell(address=address, token=token, folder=str(folder), own=own)
        sys.stdin.read()


def joined(folder: Path) -> None:
    """Train on the Ray that ADDRESS names."""
    given = Cluster(os.environ["ADDRESS"], "token", "not_encrypted")
    with _engine(folder, replace(SERVER, cluster=given)) as engine:
        _train(engine, folder)


@contextmanager
def _engine(folder: Path, server: Server = SERVER) -> Iterator[on_ray.Engine]:
    started = time.monotonic()
    engine = on_ray.Engine(make_plan(folder, server), recipe(folder / "slow"), folder)
    _tell(start=time.monotonic() - started)
    try:
        yield engine
    finally:
        engine.close()


def _train(engine: on_ray.Engine, folder: Path) -> None:
    def sink(event: Event) -> None:
        _tell(stage=event.stage, samples=event.done)

    plan = make_plan(folder, SERVER)
    settings = tiers.RunSettings(plan, LinearTrainer().first(), folder / "snapshots", JOB)
    tiers.train(engine, LinearFeeder(make_data(SAMPLES)), settings, Telemetry(sink))


@contextmanager
def _without_switch(variables: Mapping[str, str]) -> Iterator[None]:
    os.environ.update(variables)
    del os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"]
    yield


def _tell(**facts: Any) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def main() -> int:
    """Run a case."""
    try:
        globals()[sys.argv[2]](Path(sys.argv[1]))
    except IsthmusError as error:
        _tell(error=str(error))
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
