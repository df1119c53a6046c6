"""Workers of a regression on a real Ray."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def test_on_loopback_alone_give_the_exact_sums_though_one_dies() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.ray_workers"], capture_output=True, timeout=300, check=True
    )
    said = json.loads(run.stdout)
    assert said["got"] == said["exact"]
    assert said["listeners"] == ["127.0.0.1"]
    assert not Path(said["folder"]).exists()
