"""The command line as a program sees it."""

import json
import subprocess
import sys
from typing import Any


def start(*arguments: object) -> subprocess.Popen[str]:
    """Start a command with --json."""
    command = [sys.executable, "-m", "isthmus", *map(str, arguments), "--json"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603


def ended(process: subprocess.Popen[str], code: int = 0, patience: float = 1200) -> dict[str, Any]:
    """Wait for a command that was started, and read the one object that it prints."""
    out, err = process.communicate(timeout=patience)
    assert process.returncode == code, err
    assert "Traceback" not in err
    answer: dict[str, Any] = json.loads(out)
    return answer


def isthmus(*arguments: object, code: int = 0) -> dict[str, Any]:
    """Run a command with --json, and read the one object that it prints."""
    process = start(*arguments)
    try:
        return ended(process, code)
    finally:
        process.kill()  # does nothing to one that has ended
