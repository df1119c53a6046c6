"""Readers of messages and files, given whatever coverage finds: they take it, or say a sentence."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.readers import READERS, check, seeds

SECONDS = 60


@pytest.mark.parametrize("name", READERS)
def test_take_or_refuse_what_they_begin_with(name: str, tmp_path: Path) -> None:
    for data in (*seeds(name), b"", bytes(64), b"\xff" * 64):
        check(READERS[name](tmp_path), data)


@pytest.mark.long
@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="needs the extra bench")
@pytest.mark.parametrize("name", READERS)
def test_take_or_refuse_in_a_sentence_whatever_they_get(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.faults.fuzz", name, str(tmp_path), str(SECONDS)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
