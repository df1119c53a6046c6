"""A small job of two parties, with weak keys of encryption, and one finished run of it."""

import shutil
import socket
from pathlib import Path

import numpy as np
import pytest

from isthmus.crypto import certificates
from isthmus.jobs.simulate import simulate
from isthmus.store import atomic
from isthmus.store.runs import Run
from tests.unit.jobs.desk import CLINIC, INSURER, JOB, PARTIES, Desk


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What every desk is a copy of: 300 rows, of which 260 are shared."""
    folder = tmp_path_factory.mktemp("template")
    (folder / "job.toml").write_text(JOB)
    for party, text in (("clinic", CLINIC), ("insurer", INSURER)):
        (folder / party).mkdir()
        (folder / party / "party.toml").write_text(text)
    for party, peer in (("clinic", "insurer"), ("insurer", "clinic")):
        key = certificates.make_key()
        certificate = certificates.self_signed(party, key)
        atomic.write(folder / party / "key.pem", key)
        (folder / party / "certificate.pem").write_bytes(certificate)
        (folder / peer / f"{party}.pem").write_bytes(certificate)

    numbers = np.random.default_rng(3)
    values = numbers.normal(size=(300, 4))
    ill = (values.sum(axis=1) + numbers.normal(size=300) > 0).astype(int)
    clinic = [f"p{row},{ill[row]},{a:.3f},{b:.3f}" for row, (a, b, *_) in enumerate(values)]
    insurer = [f"p{row + 40},{c:.3f},{d:.3f}" for row, (*_, c, d) in enumerate(values[40:])]
    insurer[:0] = [f"q{row},{row},{-row}" for row in range(40)]
    (folder / "clinic" / "people.csv").write_text("\n".join(["person_id,ill,age,weight", *clinic]))
    (folder / "insurer" / "people.csv").write_text("\n".join(["member,visits,costs", *insurer]))
    return folder


@pytest.fixture
def desk(template: Path, tmp_path: Path) -> Desk:
    """A desk to break."""
    return Desk(Path(shutil.copytree(template, tmp_path / "desk")))


@pytest.fixture
def trial(desk: Desk) -> Desk:
    """Two parties that listen and call where nobody else does."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    for party in PARTIES:
        desk.edit_party(party, "127.0.0.1:7401", address)
    return desk


@pytest.fixture
def attested(desk: Desk) -> Desk:
    """The same whose job aligns inside enclaves."""
    desk.edit_job('"cryptographic"', '"attested"')
    desk.edit_job('"ComparedRows", "SharedRows"', '"SealedIdentifiers", "SealedPositions"')
    return desk


@pytest.fixture(scope="session")
def simulated(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run of both parties; tests only read it, or copy it."""
    return simulate(template / "job.toml", tmp_path_factory.mktemp("simulated"))
