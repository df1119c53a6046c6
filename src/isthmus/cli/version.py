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
    from isthmus.crypto import keys

    engines = {name: _installed(name) for name in ENGINES}
    encryption = keys.running("okamoto-uchiyama", "auto")
    why = keys.without_kernel("okamoto-uchiyama")
    value = {
        "isthmus": __version__,
        "python": platform.python_version(),
        "encryption": encryption,
        "kernel": why or "runs",
        "engines": engines,
    }
    lines = [
        ("isthmus", __version__),
        ("python", platform.python_version()),
        ("encryption", f"computed by {encryption}, unless a party file says otherwise"),
        ("kernel", f"cannot run: {why}" if why else "runs on this processor"),
    ]
    lines += [(name, found or "not installed") for name, found in engines.items()]
    return Answer(value, facts(lines))


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
