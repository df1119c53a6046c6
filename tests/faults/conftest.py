import pytest

from isthmus.transport.grpc import Identity
from tests.faults.parties import party


@pytest.fixture(scope="session")
def clinic() -> Identity:
    return party("clinic")


@pytest.fixture(scope="session")
def insurer() -> Identity:
    return party("insurer")
