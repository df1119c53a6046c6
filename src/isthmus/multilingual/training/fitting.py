"""The training of an encoder, which each of several processes runs."""

from typing import cast

from isthmus.core.telemetry import Telemetry
from isthmus.multilingual.processes.group import ProcessGroup
from isthmus.multilingual.run_files import RunFiles
from isthmus.multilingual.spec import Multilingual
from isthmus.multilingual.training import encoders, loop, static_start, tasks
from isthmus.multilingual.training.checkpoints import Checkpoints
from isthmus.multilingual.training.encoders import TextEncoder
from isthmus.multilingual.training.loop import Trained
from isthmus.multilingual.training.preparation import Prepared
from isthmus.system import LocalInputs


def fitted(
    spec: Multilingual,
    inputs: LocalInputs,
    files: RunFiles,
    made: Prepared,
    processes: ProcessGroup,
    telemetry: Telemetry,
) -> tuple[TextEncoder, Trained]:
    """Train an encoder.

    Args:
        spec: The `[multilingual]` table.
        inputs: Folder, seed and digest of the job.
        files: The run folder, where the first process keeps checkpoints.
        made: What training reads.
        processes: Those that train, all of which call this.
        telemetry: Takes the progress.

    Returns:
        The encoder, in the memory of the processor, and how training ended.

    Raises:
        SpecError: Training diverged.
    """
    run, seed = files.run, inputs.seed
    encoder = encoders.make(spec.encoder, inputs.folder, made.tokenizer, seed, made.tokens)
    encoder.module.to(processes.device)
    if spec.encoder.begin == "static" and not run.checkpoint.exists():
        from isthmus.multilingual.training.layered import Layered  # its library takes seconds
        from isthmus.text import transformer_parameters

        first = Checkpoints(files.static_checkpoint, inputs.job)
        with telemetry.timed("static"):
            table = static_start.vectors(spec, made, seed, first, telemetry, processes)
        transformer_parameters.begin_with(cast(Layered, encoder).module, table)
    learned = tasks.make(spec, made, encoder, seed, processes)
    checkpoints = Checkpoints(run.checkpoint, inputs.job)
    with telemetry.timed("train"):
        trained = loop.train(
            encoder.module, learned, spec.fitting_training, checkpoints, telemetry, processes
        )
    encoder.module.to("cpu")
    return encoder, trained
