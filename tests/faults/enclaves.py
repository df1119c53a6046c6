"""Programs in the place of an enclave: `python -m tests.faults.enclaves BEHAVIOUR [ARGUMENT]`."""

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

from isthmus.core.errors import JobError, PolicyError
from isthmus.tee.process import inside, limit_memory
from tests.faults.parties import Blob, Note

SENTENCE = "our policy does not trust that enclave: see policy.enclaves.measurements."
INSIDE = "ada-lovelace"


def echo(_: str) -> None:
    """Send everything back, until the party leaves; print a lot meanwhile."""
    with inside() as party:
        party.send(Note(number=os.getpid()))
        while data := party.receive(Blob).data:
            print("a print of some library")  # noqa: T201 - must not reach the line
            os.write(1, b"and one from below Python\n")
            party.send(Blob(data=data))


def hold(path: str) -> None:
    """Keep a file open for as long as this process lives, and wait for the party."""
    with inside() as party, Path(path).open("wb"):
        party.send(Note(number=os.getpid()))
        party.receive(Note)


def refuse(_: str) -> None:  # an error of ours
    with inside() as party:
        party.receive(Note)
        raise PolicyError(SENTENCE)


def refuse_the_job(_: str) -> None:  # an error that all parties may know
    with inside():
        raise JobError("too few.")


def stumble(_: str) -> None:  # a bug
    with inside() as party:
        party.receive(Note)
        raise KeyError(INSIDE)


def grow(mib: str) -> None:
    """Ask for more memory than there is."""
    with inside() as party:
        limit_memory(int(mib))
        party.send(Note(number=1))
        party.receive(Note)
        party.send(Note(number=np.ones(2**28).size))


def take_in(mib: str) -> None:
    """Receive more than fits the memory."""
    with inside() as party:
        limit_memory(int(mib))
        kept = [party.receive(Blob).data for _ in range(100)]
        party.send(Note(number=len(kept)))


def crash(_: str) -> None:
    """End in the middle, with a word on standard error only."""
    with inside() as party:
        party.send(Note(number=1))
        party.receive(Note)
        sys.stderr.write("loader: no enclave memory left.\n\n")
        sys.stderr.flush()
        os._exit(7)


def leave(_: str) -> None:
    """End in order, but too early."""
    with inside() as party:
        party.send(Note(number=1))


def hang_up(_: str) -> None:
    """Close the line, and go on."""
    os.close(1)
    time.sleep(60)


def never_speak(_: str) -> None:
    """End before anything was said."""
    sys.stderr.write("loader: cannot open /dev/sgx_enclave\n")
    sys.exit(1)


def chatter(_: str) -> None:
    """Write to the line what is no frame."""
    print("Booting the enclave ...")  # noqa: T201 - that is the fault
    time.sleep(60)


def stay(path: str) -> None:
    """Ignore that the line has ended, and whoever asks to end."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with inside() as party, Path(path).open("wb"):
        party.send(Note(number=os.getpid()))
        time.sleep(60)


def command(behaviour: str, argument: str = "") -> tuple[str, ...]:
    """How a party starts one of these programs."""
    return (sys.executable, "-W", "error", "-m", "tests.faults.enclaves", behaviour, argument)


if __name__ == "__main__":
    programs = (
        *(echo, hold, refuse, refuse_the_job, stumble, grow, take_in),
        *(crash, leave, hang_up, never_speak, chatter, stay),
    )
    {program.__name__: program for program in programs}[sys.argv[1]](sys.argv[2])
