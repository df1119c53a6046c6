"""Limits of the memory of this process, and the one sentence for when that is too little."""

import errno
import os
import re
import resource
import signal
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.filesize import decimal

from isthmus.core.errors import IsthmusError, OutOfMemoryError

_SYSTEM = Path("/")

MAPPED = 2**27 + min(os.cpu_count() or 1, 16) * 72 * 2**20
"""Bytes of addresses that threads of libraries take besides what they use: stacks, and regions that
their allocators reserve."""


@dataclass(frozen=True)
class Room:
    """Memory that is left under one limit."""

    bytes: int
    limit: str
    """Where there is so much, for sentences: "under `ulimit -v`"."""

    firm: bool = True
    """Whether the system refuses what is beyond, whatever else runs; False where that depends on
    other processes."""

    mapped: bool = False
    """Whether all addresses count, also those of libraries and threads that are never used."""


def rooms(root: Path = _SYSTEM) -> list[Room]:
    """Look at all limits of this process.

    Args:
        root: Folder in which the system shows them; another one in tests.

    Returns:
        What is left under each limit that there is.
    """
    return [*_of_process(root), *_of_groups(root), *_of_machine(root)]


def resident() -> int:
    """Returns the bytes of memory that this process has; 0 where the system does not say."""
    pages = _text(_SYSTEM, _STATM).split()
    return int(pages[1]) * resource.getpagesize() if pages else 0


def require(need: int, what: str) -> None:
    """Refuse to begin what a firm limit of this process would end, in a library or for good.

    Args:
        need: The bytes that it takes.
        what: What takes them: the beginning of the error message.

    Raises:
        OutOfMemoryError: There is too little room.
    """
    firm = (room for room in rooms() if room.firm)
    short = tightest(need, firm, mapped=MAPPED)
    if short is not None:
        need += MAPPED * short.mapped
        threads = ", those of threads included," if short.mapped else ""
        raise OutOfMemoryError(
            f"{what} takes about {decimal(need)} of memory{threads} and {decimal(short.bytes)} are "
            f"free {short.limit}. Raise the limit, or bring fewer rows or columns."
        )


def tightest(need: int, found: Iterable[Room], mapped: int = 0) -> Room | None:
    """Find the limit that a need exceeds by most.

    Args:
        need: Bytes.
        found: What is left under each limit.
        mapped: Bytes of addresses that come on top, where all of them count.

    Returns:
        The limit; None where the need fits under all.
    """
    short = [
        (room.bytes - need - mapped * room.mapped, number, room)
        for number, room in enumerate(found)
    ]
    least = min(short, default=None)
    return least[2] if least is not None and least[0] < 0 else None


def is_shortage(error: BaseException) -> bool:
    """Returns whether an error of any library, or its cause, is for want of memory."""
    return any(map(_is_one, _with_causes(error)))


def as_error(error: BaseException) -> OutOfMemoryError:
    """Returns the error of ours for a shortage: the one that says most, if there is one already."""
    for each in _with_causes(error):
        if isinstance(each, OutOfMemoryError):
            return each
    firm = sorted((room for room in rooms() if room.firm), key=lambda room: room.bytes)
    limit = f" {firm[0].limit}" if firm else ""
    return OutOfMemoryError(
        f"there was too little memory{limit}, or no room for one more thread. Raise the limit or "
        "free memory (`isthmus check` says about how much a job takes), or bring fewer rows or "
        "columns. What was stored before is kept: the same command goes on from there."
    )


@contextmanager
def shortage_is_error() -> Generator[None]:
    """Turn a shortage that any library meets in the block into our error.

    Yields:
        Nothing.

    Raises:
        OutOfMemoryError: There was too little memory.
    """
    try:
        yield
    except Exception as error:
        if not is_shortage(error):
            raise
        short: OutOfMemoryError = as_error(error)
        raise short from None


def of_process(what: str, code: int) -> OutOfMemoryError | None:
    """Returns the error where a process that we started was ended for want of memory.

    Args:
        what: The process, for the sentence.
        code: Its exit code, negative for a signal.

    Returns:
        The error; None where it ended in another way.
    """
    if code not in _ENDED_BY_SYSTEM and not (code in _ENDED_BY_LIBRARY and _has_firm_limit()):
        return None
    name = signal.Signals(-code).name
    return OutOfMemoryError(
        f"{what} was ended by {name}, as processes are that need more memory than there is. If "
        "nobody else did it, free memory or raise the limit (`isthmus check` says about how much a "
        "job takes), and start the same command again."
    )


def _has_firm_limit() -> bool:
    return any(room.firm for room in rooms())


_ENDED_BY_SYSTEM = {-signal.SIGKILL}
_ENDED_BY_LIBRARY = {-signal.SIGABRT, -signal.SIGSEGV, -signal.SIGBUS}


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    """An error, and those that were being handled when it was raised, also where it hides them."""
    seen = set[int]()
    now: BaseException | None = error
    while now is not None and id(now) not in seen:
        seen.add(id(now))
        yield now
        now = now.__cause__ or now.__context__


def _is_one(error: BaseException) -> bool:
    if isinstance(error, MemoryError | OutOfMemoryError):  # NumPy's and Arrow's are such
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    return not isinstance(error, IsthmusError) and _SAYS_SO.search(str(error)[:_HEAD]) is not None


_SAYS_SO = re.compile(
    r"allocate memory|bad_alloc|out of memory|failed to map segment|cannot allocate"
    r"|can't start new thread|failed to launch worker thread"
    r"|MP_OKAY\. -2 ",  # libtommath's word for it
    re.IGNORECASE,
)
_HEAD = 1000
"""Signs of an error that are looked at."""


def _of_process(root: Path) -> Iterator[Room]:
    taken = [int(pages) * resource.getpagesize() for pages in _text(root, _STATM).split()]
    for name, kind, place in _LIMITS:
        most, _ = resource.getrlimit(kind)
        if most != resource.RLIM_INFINITY:
            yield Room(max(most - (taken[place] if taken else 0), 0), name, mapped=True)


_STATM = "proc/self/statm"
_LIMITS = (
    ("under `ulimit -v`", resource.RLIMIT_AS, 0),
    ("under `ulimit -d`", resource.RLIMIT_DATA, 5),
)
"""Name, number, and place in `statm` of what is taken."""


def _of_groups(root: Path) -> Iterator[Room]:
    """Control groups: those of version 2, and those of version 1."""
    for line in _text(root, "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            yield from _up("sys/fs/cgroup", path, root, _VERSION_2)
        elif "memory" in controllers.split(","):
            yield from _up("sys/fs/cgroup/memory", path, root, _VERSION_1)


@dataclass(frozen=True)
class _Names:
    """Files of a control group."""

    most: str
    used: str
    cached: str
    """What its statistics call a file in memory that can be dropped."""


_VERSION_2 = _Names("memory.max", "memory.current", "inactive_file")
_VERSION_1 = _Names("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")

_NO_LIMIT = 2**60
"""What version 1 says is a number a little below 2**63."""


def _up(base: str, path: str, root: Path, names: _Names) -> Iterator[Room]:
    """A group and all above it; inside a container the path may be seen from outside."""
    folder = f"{base}/{path.strip('/')}".rstrip("/")
    while True:
        most = _text(root, f"{folder}/{names.most}").strip()
        if most.isdigit() and int(most) < _NO_LIMIT:
            used = int(_text(root, f"{folder}/{names.used}") or 0)
            stat = dict(
                line.split(" ", 1) for line in _text(root, f"{folder}/memory.stat").splitlines()
            )
            taken = used - int(stat.get(names.cached, 0))
            yield Room(max(int(most) - taken, 0), "under the limit of this container")
        if folder == base:
            return
        folder = folder.rpartition("/")[0]


def _of_machine(root: Path) -> Iterator[Room]:
    found = re.search(r"^MemAvailable:\s+(\d+) kB$", _text(root, "proc/meminfo"), re.MULTILINE)
    if found:
        yield Room(int(found[1]) * 1024, "on this machine", firm=False)


def _text(root: Path, path: str) -> str:
    try:
        return (root / path).read_text()
    except OSError:  # another system, or one that does not show it
        return ""
