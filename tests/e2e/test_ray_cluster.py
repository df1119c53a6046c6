"""The example of ads on a Ray cluster that runs already, whose processes speak TLS."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from pyarrow import parquet

from isthmus.paramserver.distributed import guard, processes
from tests import node_certificates
from tests.commands import isthmus

pytestmark = [
    pytest.mark.slow,
    pytest.mark.long,
]  # unit tests have the line, tests/faults a cluster

ROWS = 20_000
"""Of the example's 500,000: what is on trial is the line."""


@dataclass(frozen=True)
class Head:
    """The head of a cluster, and what a process needs to join it."""

    address: str
    token: str
    settings: Mapping[str, str]


@pytest.fixture(scope="module")
def head() -> Iterator[Head]:
    """Starts `ray start --head` as an administrator would, on this machine alone."""
    folder = Path(mkdtemp(prefix="ray-"))  # the names of its sockets have to be short
    try:
        yield started(folder)
    finally:
        guard.end(folder)


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory, head: Head) -> Path:
    """The example on Ray with fewer rows, beside the token."""
    folder = tmp_path_factory.mktemp("ads") / "myads"
    isthmus("init", "ads", folder)
    train = folder / "train.parquet"
    parquet.write_table(parquet.read_table(train).slice(0, ROWS), train)
    token = folder / "ray.token"
    token.touch(mode=0o600)
    token.write_text(head.token)
    path = folder / "ray.toml"
    text = path.read_text().replace("[multitask]\n", "[multitask]\ncompare_rows = 0\n", 1)
    cluster = f'address = "{head.address}"\ntoken = "ray.token"\nline = "tls"\n'
    (folder / "alone.toml").write_text(text.replace('engine = "ray"', 'engine = "local"'))
    path.write_text(f"{text}\n[multitask.server.cluster]\n{cluster}")
    return path


class TestTls:
    def test_gives_the_metrics_of_one_process(
        self, job: Path, head: Head, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        alone = isthmus("run", job.parent / "alone.toml")
        assert run(job, head.settings, monkeypatch)["metrics"] == alone["metrics"]

    def test_with_certificates_of_another_authority_is_a_sentence(
        self, job: Path, head: Head, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        others = node_certificates.make(tmp_path / "others")
        error = run(job, others, monkeypatch, code=2)["error"]
        assert head.address in error["message"]
        assert "RAY_TLS_CA_CERT has to be the authority" in error["message"]

    def test_that_this_command_does_not_speak_is_a_sentence(
        self, job: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        error = run(job, {}, monkeypatch, code=2)["error"]
        assert "RAY_USE_TLS is not 1" in error["message"]


def started(folder: Path) -> Head:
    """The head of a cluster; all its files are in the folder."""
    ray = shutil.which("ray", path=str(Path(sys.executable).parent))
    assert ray is not None
    token = folder / "token"
    token.touch(mode=0o600)
    token.write_text(secrets.token_hex(32))
    settings = node_certificates.make(folder / "tls")
    ports = [free_port() for _ in range(2)]
    subprocess.run(  # noqa: S603 - our own arguments
        [
            *(ray, "start", "--head", "--include-dashboard=false", "--num-cpus=2"),
            *(f"--node-ip-address={node_certificates.ADDRESS}", f"--port={ports[0]}"),
            *(f"--ray-client-server-port={ports[1]}", f"--temp-dir={folder / 'r'}"),
        ],
        env={
            **os.environ,
            **settings,
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(token),
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
            "RAY_USAGE_STATS_ENABLED": "0",
            processes.MARK: str(folder),
        },
        capture_output=True,
        check=True,
    )
    return Head(f"{node_certificates.ADDRESS}:{ports[0]}", token.read_text(), settings)


def run(
    job: Path, settings: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, code: int = 0
) -> dict[str, Any]:
    """The answer of a new `isthmus run` with these settings of Ray."""
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return isthmus("run", job, "--again", code=code)


def free_port() -> int:
    with socket.create_server((node_certificates.ADDRESS, 0)) as server:
        port: int = server.getsockname()[1]
    return port
