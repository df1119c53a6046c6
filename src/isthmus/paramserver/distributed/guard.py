"""A process that outlives a run for a moment: ends what is left of its Ray, and removes its folder.

It waits until its standard input ends, which it does when the process of the run closes it or dies,
be it by SIGKILL. Started as `python -m isthmus.paramserver.distributed.guard FOLDER`.
"""

import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from isthmus.paramserver.distributed import processes

_PATIENCE = 10.0
_PAUSE = 0.05


def end(folder: Path) -> None:
    """End all processes of a Ray, and remove its folder.

    Args:
        folder: What its processes are marked with.
    """
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and (left := processes.of_folder(folder)):
        for process in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        time.sleep(_PAUSE)
    shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """Wait for the end of the run, then clean up."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # they are for the run, and its end is ours
    sys.stdin.buffer.read()
    end(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
