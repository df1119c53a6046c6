"""The channel between a party and its own enclave, a subprocess: both ends.

The channel is the program's standard input and output. So the program can be anything that leads
these into an enclave: an SGX loader that runs Python, or a relay to a virtual machine. An enclave
that fails sends its error last, and the party raises an error of the same class.
"""

import os
import resource
import signal
import subprocess
import sys
import threading
import traceback
from collections import deque
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, cast

from isthmus.core.errors import ChannelError, IsthmusError, SpecError, of_name
from isthmus.tee.spec import Enclave
from isthmus.transport.channel import Channel
from isthmus.transport.framing import Goodbye
from isthmus.transport.message import one_line
from isthmus.transport.streams import StreamChannel

_GRACE = 3.0
"""Seconds for a program to end after its channel is closed, before it gets SIGTERM."""

_LAST_GRACE = 1.0
"""Seconds after SIGTERM before it is killed."""

# The limit counts address space, so threads must not reserve what they do not use.
_SPARING = {"MALLOC_ARENA_MAX": "1", "OPENBLAS_NUM_THREADS": "1"}

_Pipe = IO[bytes]

_LAST_LINES = 20  # of the program's standard error, for error messages
_LONGEST_LINE = 2_000  # bytes


@contextmanager
def enclave(spec: Enclave, module: str, patience: float) -> Generator[Channel]:
    """Start the enclave of this party, and end it after the block.

    Args:
        spec: The party's `[enclave]` table.
        module: The module that this Python runs if the table names no command.
        patience: Seconds to wait for each message of the enclave.

    Yields:
        The channel to the enclave.

    Raises:
        SpecError: The command cannot be started.
    """
    process = _start(spec.command or (sys.executable, "-P", "-m", module))
    try:
        with _EnclaveChannel(process, spec, patience) as channel:
            yield channel
    finally:
        _end(process)


@contextmanager
def inside() -> Generator[Channel]:
    """Run the block as the enclave of a party; the block is the whole program.

    Yields:
        The channel to the party. Everything that the program prints goes to standard error.

    Raises:
        SystemExit: The block failed, and the party was told why; with the error's exit code.
    """
    party = StreamChannel("our party", *_take_standard_streams(), threading.TIMEOUT_MAX)
    failure: IsthmusError | None = None
    try:
        yield party
    except IsthmusError as error:
        failure = error.with_traceback(None)  # the traceback would keep all arrays in memory
    except MemoryError:
        failure = _out_of_memory()
    except Exception as error:  # noqa: BLE001 - the party has to be told
        failure = _bug(error)
    if failure is None:
        party.close()
    else:
        party.close(f"{type(failure).__name__}: {failure}")
        sys.stderr.write(f"isthmus enclave: {one_line(str(failure))}\n")
        raise SystemExit(failure.exit_code)


def limit_memory(mib: int) -> None:
    """Limit the memory of this process; exceeding it is a MemoryError, which `inside` reports.

    Args:
        mib: Limit of the address space, in MiB; a lower limit of the machine stays. Gramine
            accepts the limit but does not enforce it; there the enclave's own size is the limit.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = mib * 2**20
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


class _EnclaveChannel(StreamChannel):
    """The party's end of the channel: knows the process, so that errors say how it ended."""

    def __init__(self, process: subprocess.Popen[bytes], spec: Enclave, patience: float) -> None:
        self._process = process
        self._spec = spec
        self._last_lines: deque[bytes] = deque(maxlen=_LAST_LINES)
        self._listener = threading.Thread(target=self._listen, args=(process.stderr,), daemon=True)
        self._listener.start()
        incoming, outgoing = cast(_Pipe, process.stdout), cast(_Pipe, process.stdin)
        super().__init__("our enclave", incoming, outgoing, patience)

    def _listen(self, stream: _Pipe) -> None:
        with suppress(OSError), stream:
            while line := stream.readline(_LONGEST_LINE):
                self._last_lines.append(line)

    def _left(self, goodbye: Goodbye) -> IsthmusError:
        name, _, sentence = goodbye.reason.partition(": ")
        kind = of_name(name)
        if kind is None:
            return super()._left(goodbye)
        self._farewell = goodbye
        return kind(one_line(sentence))

    def _cut_off(self) -> IsthmusError:
        if self._broken_by is not None:
            return super()._cut_off()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_LAST_GRACE)
        self._listener.join(_LAST_GRACE)
        how = _ending(self._process.returncode) + self._last_line()
        if self._spec.command and not self.bytes_received:
            return SpecError(
                f"our enclave {how}, before it said a word. Run `enclave.command` of your party "
                "file by hand to see why."
            )
        return ChannelError(
            f"our enclave {how}, before it was done. Run the same command again on all sides."
        )

    def _last_line(self) -> str:
        lines = (one_line(line.decode(errors="replace")) for line in reversed(self._last_lines))
        last = next(filter(None, lines), "").rstrip(".")
        return f' with "{last}"' if last else ""

    def _not_a_frame(self, head: bytes) -> IsthmusError:
        return SpecError(
            f"our enclave wrote {head!r}... where a message was due. The standard output of "
            "`enclave.command` belongs to the enclave: let everything else write to standard error."
        )


def _start(command: Sequence[str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - our own interpreter, or the party file's command
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,  # so that Ctrl-C reaches only the party, which then ends the enclave
            env=os.environ | _SPARING,
        )
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise SpecError(
            f"cannot start {command[0]!r}: {why}. Look at `enclave.command` in your party file."
        ) from None


def _end(process: subprocess.Popen[bytes]) -> None:
    for signal_number, seconds in ((signal.SIGTERM, _GRACE), (signal.SIGKILL, _LAST_GRACE)):
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal_number)  # the command may have started other processes
    process.wait()


def _ending(code: int | None) -> str:
    if code is None:
        return "closed its line"
    if code < 0:
        return f"was ended by signal {-code} ({signal.strsignal(-code)})"
    return f"ended with exit code {code}"


def _take_standard_streams() -> tuple[_Pipe, _Pipe]:
    """Returns copies of stdin and stdout, and redirects the originals away from any print."""
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    return incoming, outgoing


def _out_of_memory() -> IsthmusError:
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    allowed = "it has" if limit == resource.RLIM_INFINITY else f"{limit // 2**20} MiB"
    return SpecError(
        f"the enclave needs more memory than {allowed}. Agree on a larger `alignment.memory_mib` "
        "in the job, or align fewer rows."
    )


def _bug(error: Exception) -> IsthmusError:
    """Returns an error with class and place of a bug, but not its text, which may hold secrets."""
    frames = traceback.extract_tb(error.__traceback__)
    place = next(frame for frame in reversed(frames) if "isthmus" in Path(frame.filename).parts)
    return IsthmusError(
        f"{type(error).__name__} inside the enclave, at line {place.lineno} of "
        f"{Path(place.filename).name}: this is a bug in isthmus, not in your files. Please report "
        "this line."
    )
