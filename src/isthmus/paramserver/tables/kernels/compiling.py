"""The door to numba: how the functions of this package are compiled, and where the code lies.

Numba keeps compiled code as pickles, which run what they say when they are read. So they lie in a
folder that only the user can write to, and whose name changes with the kernels; where there can be
no such folder, every process compiles for itself. A new folder sees to it that those of other
kernels go, once nobody has begun with them for a week.
"""
# numba has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import hashlib
import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.core import config as settings

Function = TypeVar("Function", bound=Callable[..., Any])

_UNUSED = 7 * 24 * 3600.0
"""Seconds after which nobody is taken to run with the kernels of a folder any more."""


def compiled(function: Function) -> Function:
    """Compile a function upon its first call; it runs without the interpreter's lock.

    Args:
        function: Loops over arrays and numbers.

    Returns:
        The same function, compiled.
    """
    folder = _folder()
    config: Any = settings
    before = config.CACHE_DIR
    config.CACHE_DIR = folder or ""
    try:
        made = numba.njit(nogil=True, cache=folder is not None)(function)
    finally:
        config.CACHE_DIR = before
    return cast(Function, made)


@cache
def _folder() -> str | None:
    """Where compiled code lies, made if there is none; None if others could write there."""
    try:
        folder = _parent() / "isthmus" / f"kernels-{_version()}"
        is_new = not folder.exists()
        _private(folder)
        os.utime(folder)  # it is in use
    except (OSError, RuntimeError):  # RuntimeError: the user has no home
        return None
    if is_new:
        _remove_unused(folder)
    return str(folder)


def _parent() -> Path:
    named = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    return Path(named) if named else Path.home() / ".cache"


def _private(folder: Path) -> None:
    folder.parent.parent.mkdir(parents=True, exist_ok=True)
    for each in (folder.parent, folder):
        each.mkdir(mode=0o700, exist_ok=True)
        state = each.lstat()
        if state.st_uid != os.getuid() or state.st_mode & 0o022:
            raise PermissionError(each)


def _remove_unused(folder: Path) -> None:
    """Remove folders beside this one: an old one may serve a process that runs."""
    for other in folder.parent.glob("kernels-*"):
        with suppress(OSError):  # another process may remove it too
            if time.time() - other.lstat().st_mtime > _UNUSED and not other.is_symlink():
                shutil.rmtree(other, ignore_errors=True)


def _version() -> str:
    """Digest of numba's version and of all kernels: a function may call one of another file."""
    digest = hashlib.sha256(str(numba.__version__).encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
