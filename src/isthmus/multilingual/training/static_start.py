"""A static encoder that is trained first, so that a transformer begins with its vectors."""

from typing import cast

from msgspec.structs import replace
from torch import Tensor

from isthmus.core.telemetry import Telemetry
from isthmus.multilingual.objectives import CONTRAST
from isthmus.multilingual.processes.group import ProcessGroup
from isthmus.multilingual.spec import Multilingual, Objectives, Training
from isthmus.multilingual.training import encoders, loop, tasks
from isthmus.multilingual.training.checkpoints import Checkpoints
from isthmus.multilingual.training.encoders import Static
from isthmus.multilingual.training.preparation import Prepared


def vectors(
    spec: Multilingual,
    prepared: Prepared,
    seed: int,
    checkpoints: Checkpoints,
    telemetry: Telemetry,
    processes: ProcessGroup,
) -> Tensor:
    """Train a static encoder.

    Args:
        spec: The `[multilingual]` table.
        prepared: What training reads.
        seed: The job's seed.
        checkpoints: Where the state of the static encoder is kept: it is trained once.
        telemetry: Takes losses.
        processes: Those that train.

    Returns:
        The vectors of its pieces, shape (pieces, size).

    Raises:
        SpecError: Training diverged.
    """
    alone = of_static(spec)
    first = encoders.make(alone.encoder, prepared.folder, prepared.tokenizer, seed, prepared.tokens)
    first.module.to(processes.device)
    learned = tasks.make(alone, prepared, first, seed, processes)
    loop.train(first.module, learned, alone.training, checkpoints, telemetry, processes)
    return cast(Static, first).module.table.detach()


def of_static(spec: Multilingual) -> Multilingual:
    """Returns the job of the static encoder: the objectives that it can learn, at its own rate."""
    objectives = {name: getattr(spec.objectives, name) for name in CONTRAST}
    return replace(
        spec,
        encoder=replace(
            spec.encoder, type="static", size=spec.encoder.vector_size, layers=None, begin="drawn"
        ),
        objectives=replace(Objectives(pairs=0), **objectives),
        training=replace(
            Training(), temperature=spec.training.temperature, balance=spec.training.balance
        ),
    )
