"""Networks of their own for processes of this machine, and far lines between them.

This kernel has no netem, so a line is a pair of devices that `far_line` reads and writes.
"""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from benchmarks import far_line
from isthmus.core.errors import SpecError


def address(number: int) -> str:
    """Where a network's processes listen; the first one has number 1."""
    return f"10.77.0.{number}"


def command(process: int) -> Sequence[str]:
    """What begins a command that runs in the network of a process."""
    return ("nsenter", "--target", str(process), "--net")


@contextmanager
def two(rate: float, delay: float) -> Iterator[tuple[int, int]]:
    """Make two networks with a line between them.

    Args:
        rate: Bits in a second, each way.
        delay: Seconds one way.

    Yields:
        A process in each.

    Raises:
        SpecError: This machine has no networks in a network.
    """
    with ExitStack() as running:
        kept = list[int]()
        for number in (1, 2):
            try:
                process = subprocess.Popen(["unshare", "--net", "sleep", "3600"])  # noqa: S607
            except OSError as error:
                raise SpecError(f"the far line: `unshare` does not start: {error}.") from error
            running.callback(process.wait)
            running.callback(process.kill)
            time.sleep(0.5)  # until it has its network
            if process.poll() is not None:
                raise SpecError("the far line: this process may not make networks.")
            kept.append(process.pid)
            run(process.pid, "ip link set lo up", f"ip addr add {address(number)}/32 dev lo")
        join(running, (1, 2), kept, rate, delay)
        yield kept[0], kept[1]


def join(
    running: ExitStack,
    pair: tuple[int, int],
    inside: Sequence[int],
    rate: float = far_line.RATE,
    delay: float = far_line.DELAY,
) -> None:
    """Lay a line between two networks.

    Args:
        running: Ends it.
        pair: Numbers of the networks.
        inside: A process in each network.
        rate: Bits in a second, each way.
        delay: Seconds one way.

    Raises:
        SpecError: This process may not make devices.
    """
    ends = [str(inside[number - 1]) for number in pair]
    line = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "benchmarks.far_line", *ends, str(rate), str(delay)],
        stdout=subprocess.PIPE,
    )
    running.callback(line.wait)
    running.callback(line.kill)
    assert line.stdout is not None
    names = line.stdout.readline().decode().split()
    if not names:
        raise SpecError("the far line: this process may not make devices.")
    for name, number, other in zip(names, pair, reversed(pair), strict=True):
        run(
            inside[number - 1],
            f"ip link set {name} mtu 60000 txqueuelen 1000 up",
            f"ip route add {address(other)}/32 dev {name} src {address(number)}",
        )


def run(process: int, *commands: str) -> None:
    """Run commands in the network of a process."""
    for each in commands:
        subprocess.run([*command(process), *each.split()], check=True)  # noqa: S603
