from pathlib import Path

import pytest

from isthmus.cli.main import execute
from isthmus.crypto import certificates
from isthmus.jobs.messages import Hello
from isthmus.ledger.record import Ledger
from isthmus.store.runs import Run
from isthmus.transport.message import encode


@pytest.fixture(scope="session")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `isthmus init health` makes; tests only read it."""
    folder = tmp_path_factory.mktemp("init") / "trial"
    assert execute(["init", "health", str(folder)]) == 0
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run of which only the ledger is there: two messages, sealed."""
    folder = tmp_path / "clinic"
    folder.mkdir()
    key = certificates.make_key()
    (folder / "certificate.pem").write_bytes(certificates.self_signed("clinic", key))
    found = Run(folder)
    hello = Hello(version="1", party="clinic", role="active", job="ab", keys={})
    with Ledger(found.ledger) as ledger:
        for _ in range(2):
            ledger.append(hello, encode(hello), to="insurer")
        ledger.seal(lambda data: certificates.sign(key, data))
    return found
