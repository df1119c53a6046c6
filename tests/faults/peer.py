"""The insurer as a process of its own: `python -m tests.faults.peer FOLDER ADDRESS BEHAVIOUR`."""

import ctypes
import sys
import time
from contextlib import suppress
from pathlib import Path

from isthmus.core.errors import ChannelError
from isthmus.transport.grpc import GrpcChannel, Identity, dial
from tests.faults.parties import Note, quietly


def compute(line: GrpcChannel) -> None:
    """Hold the interpreter's lock for 12 seconds in one call, then answer."""
    ctypes.PyDLL(None).sleep(12)
    line.send(Note(number=line.receive(Note).number + 1))
    with suppress(ChannelError):  # the clinic leaves
        line.receive(Note)
    line.close()


def idle(_: GrpcChannel) -> None:
    """Do nothing for a minute."""
    time.sleep(60)


def forget(_: GrpcChannel) -> None:
    """Leave the interpreter without closing the line."""


def main(folder: Path, address: str, behaviour: str) -> None:
    """Dial the clinic, say hello, and behave as told."""
    certificate, key = (folder / "insurer.pem").read_bytes(), (folder / "insurer.key").read_bytes()
    insurer = Identity("insurer", certificate, key)
    line = dial(insurer, address, "clinic", (folder / "clinic.pem").read_bytes(), 20, quietly)
    line.send(Note(number=1))
    {"compute": compute, "idle": idle, "forget": forget}[behaviour](line)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
