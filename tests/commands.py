"""The command line as a program sees it."""

import json
import subprocess
import sys
from typing import Any


def isthmus(*arguments: object, code: int = 0) -> dict[str, Any]:
    """Run a command with --json, and read the one object that it prints."""
    command = [sys.executable, "-m", "isthmus", *map(str, arguments), "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)  # noqa: S603
    assert ended.returncode == code, ended.stderr
    assert "Traceback" not in ended.stderr
    answer: dict[str, Any] = json.loads(ended.stdout)
    return answer
