"""The extras of this package: which modules each brings, and what to say where one is missing."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec

from isthmus.core.errors import SpecError

EXTRAS: Mapping[str, tuple[str, ...]] = {
    "horizontal": ("torch", "safetensors", "opacus", "dp_accounting", "Crypto"),
    "flower": ("flwr",),
    "tee": ("dcap_qvl", "cbor2"),
    "compare": ("xgboost",),
}
"""Modules of each extra that the code imports: `pip install '.[NAME]'` brings them."""


class MissingExtraError(SpecError):
    """A library of an extra is not installed; nothing was made or sent."""


def require(extra: str | None, what: str) -> None:
    """Refuse to begin without an extra.

    Args:
        extra: Name of the extra; None where the core is enough.
        what: What needs it, as the beginning of the sentence.

    Raises:
        MissingExtraError: A module of the extra is not installed.
    """
    for module in EXTRAS[extra] if extra else ():
        if find_spec(module) is None:
            raise MissingExtraError(advice(what, module))


@contextmanager
def advised(what: str) -> Generator[None]:
    """Turn a missing library of an extra into a sentence; any other missing module is our bug.

    Args:
        what: What needs the library, as the beginning of the sentence.

    Yields:
        Nothing.

    Raises:
        MissingExtraError: The block imports a module of an extra that is not installed.
        ModuleNotFoundError: It imports another module that is not there.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if extra_of(error.name or "") is None:
            raise
        raise MissingExtraError(advice(what, str(error.name))) from None


def extra_of(module: str) -> str | None:
    """Name of the extra that brings a module; None where no extra does."""
    top = module.partition(".")[0]
    return next((extra for extra, modules in EXTRAS.items() if top in modules), None)


def advice(what: str, *modules: str) -> str:
    """Say how to install the libraries of an extra.

    Args:
        what: What needs them, as the beginning of the sentence.
        *modules: Modules of one extra that are not installed.

    Returns:
        One or two sentences.
    """
    extra = extra_of(modules[0])
    names = " and ".join(repr(module) for module in modules)
    are = "module {} is" if len(modules) == 1 else "modules {} are"
    return (
        f"{what} needs the extra `{extra}`, and its {are.format(names)} not installed. In a "
        f"checkout of isthmus, run `pip install '.[{extra}]'`."
    )
