"""Three nodes of Ray, each in a network of its own, with a line between each two of them.

`unshare --net --pid --fork --kill-child --mount-proc python -m benchmarks.far_nodes STREAM` trains
as `tiers_run`: with the head and the driver on the first node. What passes a line is held back as
on a line of `RATE` bits in a second, and then for `DELAY` seconds. This kernel has no netem, so the
lines are pairs of devices that `far_line` reads and writes.
"""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from msgspec.structs import replace

from benchmarks import far_networks, programs, tiers_run
from benchmarks.tiers_run import Trained, Wanted
from isthmus.cli.answer import keep_stdout_clean
from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Event
from isthmus.paramserver.spec import Cluster

NODES = 3
PORT = 6379
ALONE = ("unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
"""All that runs in it ends with it."""

_STORE = str(500_000_000)
_SHARD, _WORKER = b"ray::Shard", b"ray::Worker"


_TRIES = 6


class _TogetherError(Exception):
    """All workers are on the node of the shard: Ray draws where they are."""


def train(wanted: Sequence[Wanted], stream: Path) -> list[Trained]:
    """Start nodes, and train one after the other.

    Args:
        wanted: What is trained; a worker or all of them are on other nodes than the shard.
        stream: Folder of the stream.

    Returns:
        What came of each.

    Raises:
        SpecError: This machine has no networks in a network, or Ray does not start.
    """
    asked = msgspec.json.encode(wanted)
    said = programs.answer("far_nodes", [stream], asked, before=ALONE)
    return msgspec.json.decode(said, type=list[Trained])


def main(stream: Path) -> list[Trained]:
    """Train what standard input says."""
    wanted = msgspec.json.decode(sys.stdin.buffer.read(), type=list[Wanted])
    with TemporaryDirectory(prefix="far") as place, _nodes(Path(place)) as token:
        cluster = Cluster(f"{far_networks.address(1)}:{PORT}", str(token), "not_encrypted")
        return [
            _apart(replace(it, server=replace(it.server, cluster=cluster)), stream, Path(place))
            for it in wanted
        ]


def _apart(wanted: Wanted, stream: Path, place: Path) -> Trained:
    """Train; begin again if all workers are on the node of the shard.

    Args:
        wanted: What is trained.
        stream: Folder of the stream.
        place: A folder for the run.

    Returns:
        What came of it.

    Raises:
        SpecError: It is there again and again.
    """
    looked = False

    def look(event: Event) -> None:
        nonlocal looked
        if event.stage == "train" and not looked:
            looked = True
            if set(_places(_WORKER)) <= set(_places(_SHARD)):
                raise _TogetherError

    for number in range(_TRIES):
        looked = False
        runs = place / f"{number}-{secrets.token_hex(4)}"
        runs.mkdir()
        with suppress(_TogetherError):
            return tiers_run.train(wanted, stream, runs, look)
    raise SpecError(f"Ray put all workers on the node of the shard {_TRIES} times.")


@contextmanager
def _nodes(folder: Path) -> Iterator[Path]:
    """Start a node of Ray in each network; yields the file with the token."""
    token = folder / "token"
    token.touch(mode=0o600)
    token.write_text(secrets.token_hex(32))
    environment = os.environ | {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(token),
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    with ExitStack() as running:
        inside = [os.getpid()]
        for _ in range(NODES - 1):
            kept = subprocess.Popen(["unshare", "--net", "sleep", "600"])  # noqa: S607
            running.callback(kept.kill)
            inside.append(kept.pid)
        time.sleep(0.5)  # until they have their networks
        for node, process in enumerate(inside, 1):
            far_networks.run(
                process, "ip link set lo up", f"ip addr add {far_networks.address(node)}/32 dev lo"
            )
        for pair in combinations(range(1, NODES + 1), 2):
            far_networks.join(running, pair, inside)
        for node, process in enumerate(inside, 1):
            _start(running, node, process, environment | {"TMPDIR": str(folder)})
        yield token


def _start(running: ExitStack, node: int, process: int, environment: dict[str, str]) -> None:
    first = ["--head", f"--port={PORT}", "--include-dashboard=false"]
    started = subprocess.Popen(  # noqa: S603
        [
            *far_networks.command(process),
            *(Path(sys.executable).with_name("ray"), "start", "--block", "--num-cpus=2"),
            *(first if node == 1 else [f"--address={far_networks.address(1)}:{PORT}"]),
            *(f"--node-ip-address={far_networks.address(node)}", f"--object-store-memory={_STORE}"),
        ],
        env=environment,
        stdout=sys.stderr,
        stderr=sys.stderr,
    )
    running.callback(started.terminate)
    time.sleep(8 if node == 1 else 4)
    if started.poll() is not None:
        raise SpecError(f"node {node} of Ray does not start.")


def _places(title: bytes) -> list[str]:
    """Returns the network of each process with a title."""
    found = list[str]()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended
            if (process / "cmdline").read_bytes().startswith(title):
                found.append(str((process / "ns" / "net").readlink()))
    return found


if __name__ == "__main__":
    keep_stdout_clean()
    print(msgspec.json.encode(main(Path(sys.argv[1]))).decode())
