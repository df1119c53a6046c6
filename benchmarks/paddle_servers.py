"""A parameter server of Paddle and its two trainers, as processes of this machine."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from benchmarks.programs import ROOT
from benchmarks.rivals import free_addresses
from isthmus.core.errors import SpecError

TRAINERS = 2
PATIENCE = 180.0


class Reached(msgspec.Struct, frozen=True):
    """What a trainer of others prints."""

    samples_per_s: float
    logloss: float = 0.0
    """On the test rows; 0 if it was not tested."""

    threads: int = 1
    samples_per_cpu_s: float = 0.0


def train(python: Path, stream: Path, mode: str, samples: int) -> Reached:
    """Let Paddle train.

    Args:
        python: Of an environment with Paddle.
        stream: Folder of a stream of `clicks`.
        mode: "async" or "geo".
        samples: To train on.

    Returns:
        Samples per second of both trainers, and the loss on the test rows.

    Raises:
        SpecError: It does not come to an end.
    """
    server, *trainers = free_addresses(1 + TRAINERS)
    shared = {
        "PADDLE_PSERVERS_IP_PORT_LIST": server,
        "PADDLE_TRAINERS_NUM": str(TRAINERS),
        "PADDLE_TRAINER_ENDPOINTS": ",".join(trainers),
        "PADDLE_WITH_GLOO": "0",
        "POD_IP": "127.0.0.1",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT),
    }
    command = [str(python), "-m", "benchmarks.rival_paddle", str(stream), mode, str(samples)]
    with _started(command, shared | {"TRAINING_ROLE": "PSERVER"} | _port(server)):
        time.sleep(2)  # trainers give up if nobody listens yet
        run = [
            shared | {"TRAINING_ROLE": "TRAINER", "PADDLE_TRAINER_ID": str(number)} | _port(address)
            for number, address in enumerate(trainers)
        ]
        with _started(command, run[0]) as first, _started(command, run[1]) as second:
            found = [_reached(each) for each in (first, second)]
    return Reached(sum(each.samples_per_s for each in found), found[0].logloss)


def _port(address: str) -> dict[str, str]:
    return {"PADDLE_PORT": address.rpartition(":")[2]}


@contextmanager
def _started(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(  # noqa: S603 - our own program
        command,
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _reached(trainer: subprocess.Popen[bytes]) -> Reached:
    try:
        said, _ = trainer.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise SpecError(f"a trainer of Paddle took more than {PATIENCE:g} s.") from None
    lines = [line for line in said.splitlines() if line.startswith(b'{"samples_per_s"')]
    if not lines:
        sys.stderr.buffer.write(said[-2000:])
        raise SpecError("a trainer of Paddle ended without an answer.")
    return msgspec.json.decode(lines[-1], type=Reached)
