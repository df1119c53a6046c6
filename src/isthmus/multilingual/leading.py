"""Trains and stores an encoder, as the first of several processes or alone; see `helping`."""

import shutil

import msgspec

from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Telemetry
from isthmus.multilingual import card, given_models
from isthmus.multilingual.processes import devices, meeting, places, starting
from isthmus.multilingual.processes.group import ProcessGroup
from isthmus.multilingual.processes.places import Place
from isthmus.multilingual.processes.starting import Task
from isthmus.multilingual.run_files import RunFiles
from isthmus.multilingual.spec import Multilingual
from isthmus.multilingual.training import curves, token_files
from isthmus.multilingual.training.fitting import fitted
from isthmus.multilingual.training.loop import Trained
from isthmus.multilingual.training.preparation import Prepared, prepared
from isthmus.multilingual.training.token_files import PieceCounts
from isthmus.system import LocalInputs


class Stored(msgspec.Struct, frozen=True):
    """How training ended, as the run folder keeps it beside the encoder."""

    trained: Trained
    pieces: dict[str, PieceCounts]
    """Pieces of the texts that were trained on, by language."""


def train(spec: Multilingual, inputs: LocalInputs, files: RunFiles, telemetry: Telemetry) -> None:
    """Train and store an encoder, with the processes of a launcher or with those that it starts.

    Args:
        spec: The `[multilingual]` table.
        inputs: Folder, seed and digest of the job.
        files: The run folder; what an earlier start has done is not done again.
        telemetry: Takes the progress.

    Raises:
        SpecError: The corpora are not what the job says, or training diverged.
    """
    training, place = spec.training, places.here()
    if place is not None:
        _check_first(place)
        with meeting.joined(place, devices.chosen(training.device, place)) as processes:
            if files.trained.exists():
                processes.told("")  # there is nothing to help with
            else:
                made = prepared(spec, inputs.folder, inputs.seed, files, telemetry)
                _fit(spec, inputs, files, made, processes, telemetry)
    elif not files.trained.exists():
        made = prepared(spec, inputs.folder, inputs.seed, files, telemetry)
        with starting.started(
            training.processes, training.device, _task(inputs, files)
        ) as processes:
            _fit(spec, inputs, files, made, processes, telemetry)


def _check_first(place: Place) -> None:
    """Refuse to lead in a process that is there to help.

    Args:
        place: Which of several processes this one is.

    Raises:
        SpecError: It is not the first.
    """
    if place.rank > 0:
        raise SpecError(
            f"a launcher started this process as number {place.rank + 1} of {place.size}: call "
            "`isthmus.run_process` in each of them, not `isthmus.run`."
        )


def _task(inputs: LocalInputs, files: RunFiles) -> Task:
    return Task(
        run=str(files.run.folder.absolute()),
        folder=str(inputs.folder.absolute()),
        seed=inputs.seed,
        job=inputs.job,
    )


def _fit(
    spec: Multilingual,
    inputs: LocalInputs,
    files: RunFiles,
    made: Prepared,
    processes: ProcessGroup,
    telemetry: Telemetry,
) -> None:
    """Train the encoder and store it with all that serving and measuring it takes."""
    processes.told(msgspec.json.encode(_task(inputs, files)).decode())
    with curves.drawn(files.run.folder, telemetry) as watched:
        encoder, trained = fitted(spec, inputs, files, made, processes, watched)
    with telemetry.timed("store"):
        text = card.written(spec, made.corpora.counts, None)
        known = {*made.corpora.languages, *given_models.languages_before(spec, inputs.folder)}
        encoder.store(files.model, made.tokenizer, text, sorted(known))
        pieces = dict(token_files.counts(files.tokens))
        files.run.write_json(files.trained.name, Stored(trained, pieces))
        files.run.checkpoint.unlink(missing_ok=True)
        files.static_checkpoint.unlink(missing_ok=True)
        shutil.rmtree(files.tokens)
