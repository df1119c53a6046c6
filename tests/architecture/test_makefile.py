"""`make` finds a Python that isthmus runs on, whatever its name."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMES = ("python3.11", "python3.12", "python3.13", "python3")

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def made_with(folder: Path, suitable: set[str], *arguments: str) -> str:
    """What `make` would do first, on a machine where only some of these programs are suitable."""
    for name in NAMES:
        program = folder / name
        program.write_text(f"#!/bin/sh\nexit {0 if name in suitable else 127}\n")
        program.chmod(0o755)
    stamp = str(folder / "venv" / "python.stamp")
    command = ["make", "--dry-run", f"VENV={folder / 'venv'}", *arguments, stamp]
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    # A `make` that runs the tests hands its flags down.
    ours = ("PYTHON", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    return subprocess.run(  # noqa: S603 - our own arguments
        command,
        cwd=ROOT,
        env=environment | {"PATH": path},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


class TestPython:
    def test_is_the_oldest_that_runs_here(self, tmp_path: Path) -> None:
        assert "\npython3.11 -m venv" in made_with(tmp_path, {"python3.11", "python3.13"})
        assert "\npython3.13 -m venv" in made_with(tmp_path, {"python3.13", "python3"})
        assert "\npython3 -m venv" in made_with(tmp_path, {"python3"})

    def test_is_what_somebody_names(self, tmp_path: Path) -> None:
        assert "\nmine -m venv" in made_with(tmp_path, {"python3.11"}, "PYTHON=mine")

    def test_is_asked_for_where_there_is_none(self, tmp_path: Path) -> None:
        assert made_with(tmp_path, set()).startswith('test -n "" ||')
