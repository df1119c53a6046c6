"""The compiled code of this installation, if it can be trusted here."""

import warnings
from functools import cache

from isthmus.crypto.kernel import self_test
from isthmus.crypto.kernel.library import LIBRARY, Library, is_stale, load


def available() -> str | None:
    """Returns why the kernel cannot run here; None if it can."""
    found = _found()
    return found if isinstance(found, str) else None


def library() -> Library:
    """Load the compiled code, which then stays loaded.

    Returns:
        Its functions.

    Raises:
        RuntimeError: It cannot run here.
    """
    found = _found()
    if isinstance(found, str):
        raise RuntimeError(found)  # noqa: TRY004 - the caller should have asked `available`
    return found


@cache
def _found() -> Library | str:
    if not LIBRARY.exists():
        return "it was not compiled when isthmus was installed"
    try:
        library, stale = load(LIBRARY), is_stale(LIBRARY)
    except (OSError, AttributeError) as error:
        return str(error)
    if stale:
        return "it was compiled from other source: install isthmus again"
    if wrong := self_test.failing(library):
        failed = f"its self-test failed: {wrong} computes wrongly"
        warnings.warn(
            f"the kernel of isthmus cannot be used, and gmpy2 takes over: {failed}. Install "
            "isthmus again; if that does not help, tell its authors, with processor and compiler",
            RuntimeWarning,
            stacklevel=2,
        )
        return failed
    return library
