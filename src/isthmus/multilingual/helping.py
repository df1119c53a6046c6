"""A process that helps another one to train its encoder; `python -m` starts one on this machine."""

import os
import shutil
import sys
import threading
from pathlib import Path

import msgspec
import torch

from isthmus.core.errors import IsthmusError, SpecError, one_line
from isthmus.core.telemetry import Telemetry
from isthmus.multilingual.processes import devices, meeting, places
from isthmus.multilingual.processes.places import Place
from isthmus.multilingual.processes.starting import READY, Failed, Task
from isthmus.multilingual.run_files import RunFiles
from isthmus.multilingual.spec import Multilingual
from isthmus.multilingual.training import fitting
from isthmus.multilingual.training.preparation import prepared
from isthmus.store.runs import Run
from isthmus.system import LocalInputs


class _Job(msgspec.Struct):
    """The part of a job that training reads."""

    multilingual: Multilingual


def assist(spec: Multilingual, inputs: LocalInputs, place: Place) -> None:
    """Help the first process to train, until it has what it needs.

    Args:
        spec: The `[multilingual]` table.
        inputs: Folder, seed and digest of the job.
        place: Which of several processes this one is.

    Raises:
        SpecError: The first one has another job, or its run folder is not seen from here.
    """
    device = devices.chosen(spec.training.device, place)
    with meeting.joined(place, device) as processes:
        heard = processes.told("")
        if not heard:
            return  # it had trained before, and had only to measure
        task = msgspec.json.decode(heard, type=Task)
        if task.job != inputs.job:
            raise SpecError(
                "the first process of this training has another job file: start all of them with "
                "the same one."
            )
        files = RunFiles(Run(Path(task.run)))
        if not files.tokens.exists():
            raise SpecError(
                f"{task.run}: the first process has prepared this run there, and it is not seen "
                "from here: start all processes with a job file in a folder that they share."
            )
        made = prepared(spec, inputs.folder, inputs.seed, files, Telemetry())
        fitting.fitted(spec, inputs, files, made, processes, Telemetry())


def main() -> int:
    """Help the process at the other end of standard input; returns the exit code."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # libraries in C write there
    task = msgspec.json.decode(sys.stdin.buffer.readline(), type=Task)
    place = places.here()
    assert place is not None, "the first process says it"  # noqa: S101
    threading.Thread(target=_end_with_the_first, args=[place], daemon=True).start()
    torch.set_num_threads(devices.threads(place.size))
    inputs = LocalInputs(folder=Path(task.folder), seed=task.seed, job=task.job)
    try:
        spec = Run(Path(task.run)).read_json("job.json", _Job).multilingual
        answers.write(READY)
        answers.flush()
        assist(spec, inputs, place)
    except IsthmusError as error:
        answers.write(msgspec.json.encode(Failed(type(error).__name__, one_line(str(error)))))
        answers.close()
        return error.exit_code
    return 0


def _end_with_the_first(place: Place) -> None:
    sys.stdin.buffer.read()
    if place.store is not None:  # where it was killed, its folder is still there
        shutil.rmtree(Path(place.store).parent, ignore_errors=True)
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
