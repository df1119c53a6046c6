"""Workers of a regression on a real Ray."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow


@pytest.mark.long
def test_on_a_cluster_that_runs_already_give_the_exact_sums(tmp_path: Path) -> None:
    started = [sys.executable, "-m", "tests.ray_run", str(tmp_path), "host"]
    with subprocess.Popen(started, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as host:  # noqa: S603
        assert host.stdin is not None
        assert host.stdout is not None
        told = json.loads(host.stdout.readline())
        token = tmp_path / "token"
        token.touch(mode=0o600)
        token.write_text(told["token"])
        given = {"ADDRESS": told["address"], "TOKEN": str(token), "FOLDER": told["own"]}
        said = run_with(os.environ | given)
        assert said["got"] == said["exact"]
        host.stdin.close()
        assert host.wait(timeout=60) == 0


def test_on_loopback_alone_give_the_exact_sums_though_one_dies() -> None:
    said = run_with(os.environ)
    assert said["got"] == said["exact"]
    assert said["listeners"] == ["127.0.0.1"]
    assert not Path(said["folder"]).exists()


def run_with(environment: Mapping[str, str]) -> dict[str, Any]:
    """What `tests.ray_workers` says."""
    command = [sys.executable, "-m", "tests.ray_workers"]
    run = subprocess.run(command, capture_output=True, timeout=300, check=True, env=environment)  # noqa: S603
    said: dict[str, Any] = json.loads(run.stdout)
    return said
