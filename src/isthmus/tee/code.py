"""The digest of the program: what a simulated enclave has for a measurement."""

import hashlib
from functools import cache
from pathlib import Path

import isthmus

_NOT_CODE = "examples"  # a folder of the installed package, and none of the sources


@cache
def code_digest() -> bytes:
    """SHA-256 over the names and contents of all modules of this package."""
    return digest_of(Path(isthmus.__file__).parent)


def digest_of(package: Path) -> bytes:
    """SHA-256 over the names and contents of all modules of a package in a folder."""
    found = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package)
        if name.parts[0] != _NOT_CODE:
            for part in (name.as_posix().encode(), path.read_bytes()):
                found.update(hashlib.sha256(part).digest())
    return found.digest()
