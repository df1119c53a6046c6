"""A line between two networks: `python -m benchmarks.far_line PROCESS PROCESS`, one in each.

Bits in a second and seconds one way may follow. It prints the names of its two ends, and carries
what comes to one to the other until it is ended.
"""

import ctypes
import fcntl
import os
import struct
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from pathlib import Path

RATE, DELAY = 1e9, 0.0005
"""Bits in a second, and seconds one way."""

_CLONE_NEWNET = 0x40000000
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
_LARGEST = 65536


def main(processes: list[str], rate: float, delay: float) -> None:
    name = f"far{'-'.join(processes)}"[:13]
    ends = [_end(each, name + side) for each, side in zip(processes, "ab", strict=True)]
    print(*(name for _, name in ends), flush=True)
    for (read, _), (write, _) in (ends, ends[::-1]):
        _carry(read, write, rate, delay)
    threading.Event().wait()


def _end(process: str, name: str) -> tuple[int, str]:
    """Make a device in the network of a process.

    Args:
        process: Its number.
        name: Of the device.

    Returns:
        Its descriptor, and its name.

    Raises:
        OSError: This process may not make one.
    """
    with Path(f"/proc/{process}/ns/net").open("rb") as network:
        if ctypes.CDLL(None, use_errno=True).setns(network.fileno(), _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI))
    return device, name


def _carry(read: int, write: int, rate: float, delay: float) -> None:
    held = deque[tuple[float, bytes]]()
    there = threading.Semaphore(0)

    def take() -> None:
        free = 0.0
        while True:
            packet = os.read(read, _LARGEST)
            free = max(free, time.perf_counter()) + 8 * len(packet) / rate
            held.append((free + delay, packet))
            there.release()

    def give() -> None:
        while True:
            there.acquire()
            due, packet = held.popleft()
            if (left := due - time.perf_counter()) > 0:
                time.sleep(left)
            with suppress(OSError):  # the other end is not up yet
                os.write(write, packet)

    for task in (take, give):
        threading.Thread(target=task, daemon=True).start()


if __name__ == "__main__":
    main(sys.argv[1:3], *map(float, sys.argv[3:] or (RATE, DELAY)))
