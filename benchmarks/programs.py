"""Programs that are measured in a process of their own, and answer with a line of JSON."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from isthmus.core.errors import SpecError

ROOT = Path(__file__).parents[1]
OURS = Path(sys.executable)
PATIENCE = 600.0


def answer(
    module: str,
    arguments: Sequence[object] = (),
    asked: bytes = b"",
    python: Path = OURS,
    *,
    ours_too: bool = False,
    before: Sequence[str] = (),
) -> bytes:
    """Run a module of `benchmarks` as a program.

    Args:
        module: Its name.
        arguments: What follows it.
        asked: Its standard input.
        python: The interpreter.
        ours_too: Whether the libraries of this environment come before those of the interpreter.
        before: What begins the command.

    Returns:
        The last line of its standard output.

    Raises:
        SpecError: It failed, or took too long; standard error has what it said.
    """
    places = [str(ROOT), *(path for path in sys.path if ours_too and "site-packages" in path)]
    command = [*before, str(python), "-m", f"{__package__}.{module}", *map(str, arguments)]
    try:
        done = subprocess.run(  # noqa: S603 - our own programs
            command,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(places)},
            input=asked,
            capture_output=True,
            check=True,
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired:
        raise SpecError(f"{module} took more than {PATIENCE:g} s.") from None
    except subprocess.CalledProcessError as error:
        sys.stderr.buffer.write(error.stderr)
        raise SpecError(f"{module} failed with exit code {error.returncode}.") from None
    lines = done.stdout.splitlines()
    if not lines:
        raise SpecError(f"{module} ended without an answer.")
    print(module, lines[-1].decode(), file=sys.stderr)
    return lines[-1]
