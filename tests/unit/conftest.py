"""One key per scheme and engine, made once: small ones, as tests need no security."""

import pytest

from isthmus.crypto import keys
from isthmus.crypto.encryption import Engine, Scheme
from isthmus.crypto.scheme import PrivateKey

BITS = 1024
ENGINES: list[tuple[Scheme, Engine]] = [("okamoto-uchiyama", "gmpy2"), ("paillier", "gmpy2")]
if not keys.without_kernel("okamoto-uchiyama"):
    ENGINES.insert(0, ("okamoto-uchiyama", "kernel"))


@pytest.fixture(scope="session", params=ENGINES, ids="-".join)
def pair(request: pytest.FixtureRequest) -> tuple[Scheme, Engine]:
    """A scheme and an engine that has it."""
    chosen: tuple[Scheme, Engine] = request.param
    return chosen


@pytest.fixture(scope="session")
def key(pair: tuple[Scheme, Engine]) -> PrivateKey:
    """A private key of that scheme and engine."""
    return keys.generate(*pair, BITS)


@pytest.fixture(scope="session")
def okamoto_uchiyama() -> PrivateKey:
    """The key of the scheme that leaks under chosen ciphertexts."""
    return keys.generate("okamoto-uchiyama", "gmpy2", BITS)
