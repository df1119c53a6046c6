"""The extras of this package: the modules of each, and the error if one is not installed."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec

from isthmus.core.errors import SpecError

EXTRAS: Mapping[str, tuple[str, ...]] = {
    "horizontal": ("torch", "safetensors", "opacus", "dp_accounting", "Crypto"),
    "flower": ("flwr",),
    "multilingual": ("torch", "safetensors", "tokenizers", "transformers", "accelerate", "polib"),
    "paramserver": ("numba", "ray", "safetensors", "torch"),
    "ray": ("ray",),
    "export": ("onnx", "onnxscript", "onnxruntime"),
    "sql": ("adbc_driver_postgresql", "adbc_driver_sqlite"),
    "tee": ("dcap_qvl", "cbor2"),
    "compare": ("xgboost",),
}
"""The modules of each extra that this code imports; `pip install '.[NAME]'` installs them."""

ON_DEMAND = frozenset({"ray"})
"""Modules that only some jobs of their extra need; those ask for them by `require_module`."""


class MissingExtraError(SpecError):
    """A library of an extra is not installed; nothing was made or sent."""


def require(extra: str | None, what: str) -> None:
    """Check that an extra is installed.

    Args:
        extra: Name of the extra; None if the core is enough.
        what: What needs the extra: the beginning of the error message.

    Raises:
        MissingExtraError: A module of the extra is not installed.
    """
    for module in EXTRAS[extra] if extra else ():
        if module not in ON_DEMAND:
            require_module(module, what, extra)


def require_module(module: str, what: str, extra: str | None = None) -> None:
    """Check that one module of an extra is installed.

    Args:
        module: Its name.
        what: What needs it: the beginning of the error message.
        extra: The extra to name, where several bring the module.

    Raises:
        MissingExtraError: It is not installed.
    """
    if find_spec(module) is None:
        raise MissingExtraError(advice(what, module, extra=extra))


@contextmanager
def advised(what: str, extra: str | None = None) -> Generator[None]:
    """Turn the ModuleNotFoundError of a missing extra into an error that names the extra.

    Any other missing module is a bug of ours, and its error passes unchanged.

    Args:
        what: What needs the library: the beginning of the error message.
        extra: The extra to name, where several bring the library.

    Yields:
        Nothing.

    Raises:
        MissingExtraError: The block imports a module of an extra that is not installed.
        ModuleNotFoundError: The block imports another module that is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if extra_of(error.name or "") is None:
            raise
        raise MissingExtraError(advice(what, str(error.name), extra=extra)) from None


def extra_of(module: str, preferred: str | None = None) -> str | None:
    """The extra that installs a module.

    Args:
        module: Its name, or that of a module in it.
        preferred: The extra to name if it is one of several that bring the module.

    Returns:
        Its name; None if no extra brings the module.
    """
    top = module.partition(".")[0]
    found = [extra for extra, modules in EXTRAS.items() if top in modules]
    return preferred if preferred in found else next(iter(found), None)


def advice(what: str, *modules: str, extra: str | None = None) -> str:
    """Say how to install the libraries of an extra.

    Args:
        what: What needs them, as the beginning of the sentence.
        *modules: Modules of one extra that are not installed.
        extra: The extra to name, where several bring them.

    Returns:
        One or two sentences.
    """
    extra = extra_of(modules[0], extra)
    names = " and ".join(repr(module) for module in modules)
    are = "module {} is" if len(modules) == 1 else "modules {} are"
    return (
        f"{what} needs the extra `{extra}`, and its {are.format(names)} not installed. In a "
        f"checkout of isthmus, run `pip install '.[{extra}]'`."
    )
