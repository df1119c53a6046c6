"""The digest of this package's code, which is the measurement of a simulated enclave."""

import hashlib
from functools import cache
from pathlib import Path

import isthmus

_NOT_CODE = "examples"  # a folder of the installed package that is not in src


@cache
def code_digest() -> bytes:
    """Returns the SHA-256 over names and contents of all modules of this package."""
    return digest_of(Path(isthmus.__file__).parent)


def digest_of(package: Path) -> bytes:
    """Returns the SHA-256 over names and contents of all modules in a folder."""
    found = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package)
        if name.parts[0] != _NOT_CODE:
            for part in (name.as_posix().encode(), path.read_bytes()):
                found.update(hashlib.sha256(part).digest())
    return found.digest()
