"""The process in which a job is played for a caller in Python; `process.py` starts it."""

import os
import signal
import sys
from pathlib import Path
from threading import Lock
from typing import IO

import msgspec

from isthmus.api.process import Ended, Failed, Happened, Play, Simulate
from isthmus.core.errors import IsthmusError, told
from isthmus.core.memory import shortage_is_error
from isthmus.core.telemetry import Event
from isthmus.jobs.run import run
from isthmus.jobs.search import search
from isthmus.jobs.simulate import simulate
from isthmus.store.encoding import to_json
from isthmus.store.events import finite
from isthmus.store.runs import Run


class _Line:
    """Where answers go, one line of JSON each."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._lock = Lock()  # every party of a simulation has a thread that tells events

    def say(self, answer: Happened | Ended | Failed) -> None:
        """Write an answer."""
        with self._lock:
            self._file.write(to_json(answer) + b"\n")
            self._file.flush()


def work(task: Simulate | Play, line: _Line) -> None:
    """Do a task, and say what happens and how it ends."""

    def watch(party: str, event: Event) -> None:
        if task.told:
            line.say(Happened(party, finite(event)))

    into = None if task.into is None else Path(task.into)
    try:
        with shortage_is_error():
            match task:
                case Simulate():
                    made = None if into is None else Run(into)
                    job, runs = Path(task.job), Path(task.runs)
                    if task.grid is None:
                        finished = simulate(job, runs, watch, made)
                    else:
                        finished = search(job, task.grid, runs, watch, made)
                case Play():
                    party = None if task.party is None else Path(task.party)
                    finished = run(
                        Path(task.job),
                        party,
                        into,
                        lambda event: watch("", event),
                        again=task.again,
                    )
            line.say(Ended(str(finished.folder)))
    except IsthmusError as error:
        line.say(Failed(type(error).__name__, told(error)))


if __name__ == "__main__":
    # Who stops this process stops all that it started: the parties of a simulation end with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with os.fdopen(int(sys.argv[1]), "wb") as file:
        work(msgspec.json.decode(sys.argv[2], type=Simulate | Play), _Line(file))
