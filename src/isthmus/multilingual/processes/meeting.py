# torch leaves types open:
# pyright: reportUnknownMemberType=false
"""Connects the processes of a training.

On one machine they meet in a file and talk over the loopback interface. torchrun's own store would
listen on every interface, whatever address it is given; it is used between machines alone.
"""

import os
import socket
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import torch
import torch.distributed as dist

from isthmus.core.errors import SpecError
from isthmus.multilingual.processes.group import ProcessGroup
from isthmus.multilingual.processes.places import Place

_PATIENCE = timedelta(days=1)
"""How long they wait for each other: the first one may have large corpora to prepare."""

_INTERFACE = "GLOO_SOCKET_IFNAME"


@contextmanager
def joined(place: Place, device: torch.device) -> Generator[ProcessGroup]:
    """Meet the other processes; those that PyTorch has connected already are taken as they are.

    Args:
        place: Which of them this one is.
        device: What this process computes on.

    Yields:
        All of them.

    Raises:
        SpecError: They do not find each other.
    """
    if dist.is_initialized():
        yield ProcessGroup(dist.get_rank(), dist.get_world_size(), device)
        return
    with _loopback_alone(place):
        try:
            _connect(place, "nccl" if device.type == "cuda" else "gloo")
        except (RuntimeError, ValueError) as error:
            raise SpecError(
                f"process {place.rank + 1} of {place.size} does not find the others: "
                f"{str(error).splitlines()[0]}"
            ) from None
    try:
        yield ProcessGroup(place.rank, place.size, device)
    finally:
        dist.destroy_process_group()


def _connect(place: Place, backend: str) -> None:
    rank, size = place.rank, place.size
    if not place.on_one_machine:
        dist.init_process_group(backend, timeout=_PATIENCE)
        return
    path = place.store or str(_own_folder() / _launch())
    store = cast(Any, dist).FileStore(path, size)
    dist.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=_PATIENCE)


@contextmanager
def _loopback_alone(place: Place) -> Generator[None]:
    """Let gloo use the loopback interface, unless there are other machines or somebody chose."""
    if not place.on_one_machine or _INTERFACE in os.environ:
        yield
        return
    names = [name for _, name in socket.if_nameindex() if name.startswith("lo")]
    os.environ[_INTERFACE] = names[0] if names else "lo"
    try:
        yield
    finally:
        del os.environ[_INTERFACE]


def _own_folder() -> Path:
    """A folder for temporary files that nobody else can write to.

    Returns:
        It.

    Raises:
        SpecError: Somebody else has made it.
    """
    folder = Path(tempfile.gettempdir(), f"isthmus-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.getuid() or found.st_mode & 0o077 or folder.is_symlink():
        raise SpecError(
            f"{folder}: others can write to it, so processes do not meet there. Remove it."
        )
    return folder


def _launch() -> str:
    """Returns a name that the processes of one launch share: they have the same parent."""
    parent, began = os.getppid(), "0"
    with suppress(OSError):  # Linux tells when a process began: numbers of processes come again
        began = Path(f"/proc/{parent}/stat").read_text().rpartition(")")[2].split()[19]
    return f"{parent}-{began}-{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}"
