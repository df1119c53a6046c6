"""Processes of a Ray that this process has started: which they are, and where they listen.

Linux tells both in /proc; on a system without it nothing is found, and nothing is said.
"""

import ipaddress
import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

MARK = "ISTHMUS_RAY"
"""Variable of their environment: the folder of this Ray. Its workers overwrite it with a title."""

_PROC = Path("/proc")
_TITLE = b"ray::"
_LISTENS = "0A"
_TABLES = ("tcp", "tcp6")


class Listener(NamedTuple):
    """A TCP port that takes connections."""

    process: int
    address: str
    port: int

    @property
    def local(self) -> bool:
        """Whether only this machine reaches it."""
        return ipaddress.ip_address(self.address).is_loopback


def of_folder(folder: Path) -> set[int]:
    """Find the processes of a Ray, whoever started them; the caller is not one of them.

    Args:
        folder: What `MARK` was set to when that Ray was started.

    Returns:
        Their numbers.
    """
    return {number for number in _numbers() if number != os.getpid() and _is_of(number, folder)}


def listeners(processes: Collection[int]) -> set[Listener]:
    """Find where processes take connections.

    Args:
        processes: Their numbers; those that have ended have no listeners.

    Returns:
        Every TCP port with its address.
    """
    ports = {inode: place for table in _TABLES for inode, place in _ports(table)}
    return {
        Listener(process, *ports[inode])
        for process in processes
        for inode in _sockets(process)
        if inode in ports
    }


def _numbers() -> Iterator[int]:
    with suppress(OSError):
        yield from (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit())


def _is_of(process: int, folder: Path) -> bool:
    with suppress(OSError):
        entry = _PROC / str(process)
        if b"%s=%s\0" % (MARK.encode(), os.fsencode(folder)) in (entry / "environ").read_bytes():
            return True
        if (entry / "cmdline").read_bytes().startswith(_TITLE):
            return any(path.startswith(f"{folder}/") for path in _open_files(process))
    return False


def _open_files(process: int) -> Iterator[str]:
    with suppress(OSError):
        for entry in (_PROC / str(process) / "fd").iterdir():
            with suppress(OSError):
                yield str(entry.readlink())


def _sockets(process: int) -> Iterator[str]:
    for path in _open_files(process):
        if path.startswith("socket:["):
            yield path.removeprefix("socket:[").removesuffix("]")


def _ports(table: str) -> Iterator[tuple[str, tuple[str, int]]]:
    with suppress(OSError):
        for line in (_PROC / "self" / "net" / table).read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == _LISTENS:
                address, _, port = words[1].partition(":")
                yield words[9], (_readable(address), int(port, 16))


def _readable(address: str) -> str:
    """The kernel writes the four bytes of each word the other way round.

    Args:
        address: Hexadecimal, of 4 or 16 bytes.

    Returns:
        The address as people write it; one of IPv4 as such, wherever it listens.
    """
    words = bytes.fromhex(address)
    ordered = b"".join(words[start : start + 4][::-1] for start in range(0, len(words), 4))
    found = ipaddress.ip_address(ordered)
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found)
