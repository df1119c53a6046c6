"""The command that shows installed versions."""

import platform
from importlib import metadata

from isthmus import __version__
from isthmus.answers.text import facts
from isthmus.cli.answer import Answer

ENGINES = (
    "cryptography",
    "gmpy2",
    "grpcio",
    "msgspec",
    "numpy",
    "pyarrow",
    "rbcl",
    "scikit-learn",
)


def version() -> Answer:
    """Show the versions of isthmus, Python and the engines, to compare with the other side."""
    engines = {name: _installed(name) for name in ENGINES}
    value = {"isthmus": __version__, "python": platform.python_version(), "engines": engines}
    lines = [("isthmus", __version__), ("python", platform.python_version())]
    lines += [(name, found or "not installed") for name, found in engines.items()]
    return Answer(value, facts(lines))


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
