"""The door to numba: how the functions of this package are compiled, and where the code lies.

Numba keeps compiled code as pickles, which run what they say when they are read. So they lie in a
folder that only the user can write to, and whose name changes with the kernels; where there can be
no such folder, every process compiles for itself.
"""
# numba has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import hashlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.core import config as settings

Function = TypeVar("Function", bound=Callable[..., Any])


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
        return str(_private(_parent() / "isthmus" / f"kernels-{_version()}"))
    except (OSError, RuntimeError):  # RuntimeError: the user has no home
        return None


def _parent() -> Path:
    named = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    return Path(named) if named else Path.home() / ".cache"


def _private(folder: Path) -> Path:
    folder.parent.parent.mkdir(parents=True, exist_ok=True)
    for each in (folder.parent, folder):
        each.mkdir(mode=0o700, exist_ok=True)
        state = each.lstat()
        if state.st_uid != os.getuid() or state.st_mode & 0o022:
            raise PermissionError(each)
    return folder


def _version() -> str:
    """Digest of numba's version and of all kernels: a function may call one of another file."""
    digest = hashlib.sha256(str(numba.__version__).encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
