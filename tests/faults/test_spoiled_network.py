"""A network that delays, cuts, flips, repeats and reorders bytes: all arrives once, in order."""

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from isthmus.core.errors import ChannelError, PeerError
from isthmus.transport.grpc import GrpcChannel, Identity, dial, listen
from tests.faults.forwarder import Forwarder
from tests.faults.parties import ANY_PORT, Blob, quietly

MESSAGES = 40

Change = Callable[[bytes, random.Random], bytes]


def flip(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]


def cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def repeat(data: bytes, _: random.Random) -> bytes:
    return data + data


def reorder(data: bytes, _: random.Random) -> bytes:
    middle = len(data) // 2
    return data[middle:] + data[:middle]


def delay(data: bytes, chance: random.Random) -> bytes:
    time.sleep(0.3 * chance.random())
    return data


class Spoiler:
    """Changes a few of the pieces that go through a network, once both ends have met."""

    def __init__(self, change: Change, times: int, seed: int) -> None:
        self._change = change
        self._left = times
        self._chance = random.Random(seed)
        self._lock = threading.Lock()
        self.met = threading.Event()

    def __call__(self, data: bytes) -> bytes:
        with self._lock:
            spoils = self.met.is_set() and self._left > 0 and self._chance.random() < 0.2
            if not spoils:
                return data
            self._left -= 1
            return self._change(data, self._chance)


@pytest.mark.parametrize("change", [delay, cut, flip, repeat, reorder])
def test_is_no_worse_than_one_that_is_slow(
    change: Change, clinic: Identity, insurer: Identity
) -> None:
    spoiler = Spoiler(change, times=3, seed=7)
    with (
        listen(clinic, ANY_PORT, {"insurer": insurer.certificate}, patience=60.0) as listener,
        Forwarder(listener.address, spoiler) as network,
        ThreadPoolExecutor(1) as thread,
    ):
        ours = thread.submit(listener.accept, "insurer", 20, quietly)
        args = (insurer, network.address, "clinic", clinic.certificate, 20, quietly)
        with dial(*args, patience=60.0) as theirs, ours.result() as line:
            spoiler.met.set()
            receiving = thread.submit(take, line)
            for number in range(MESSAGES):
                theirs.send(Blob(data=bytes([number]) * 2_000))
            assert receiving.result(60) == list(range(MESSAGES))


def take(line: GrpcChannel) -> list[int]:
    """What arrives until all has, or until the line ends in a sentence."""
    found = list[int]()
    for _ in range(MESSAGES):
        try:
            data = line.receive(Blob).data
        except (ChannelError, PeerError) as error:
            pytest.fail(f"after {len(found)} messages: {error}")
        assert data == data[:1] * 2_000
        found.append(data[0])
    return found
