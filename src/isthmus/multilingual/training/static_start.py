"""A static encoder that is trained first, so that a transformer begins with its vectors."""

from typing import cast

from msgspec.structs import replace

from isthmus.core.telemetry import Telemetry
from isthmus.multilingual.objectives import CONTRAST
from isthmus.multilingual.spec import Multilingual, Objectives, Training
from isthmus.multilingual.training import encoders, loop, tasks
from isthmus.multilingual.training.checkpoints import Checkpoints
from isthmus.multilingual.training.encoders import Static, TextEncoder
from isthmus.multilingual.training.layered import Layered
from isthmus.multilingual.training.preparation import Prepared
from isthmus.text import transformer_parameters


def begin(
    encoder: TextEncoder,
    spec: Multilingual,
    prepared: Prepared,
    seed: int,
    checkpoints: Checkpoints,
    telemetry: Telemetry,
) -> None:
    """Train a static encoder, and begin with its vectors.

    Args:
        encoder: The encoder with layers.
        spec: The `[multilingual]` table.
        prepared: What training reads.
        seed: The job's seed.
        checkpoints: Where the state of the static encoder is kept: it is trained once.
        telemetry: Takes losses.

    Raises:
        SpecError: Training diverged.
    """
    alone = of_static(spec)
    first = encoders.make(alone.encoder, prepared.folder, prepared.tokenizer, seed, prepared.tokens)
    learned = tasks.make(alone, prepared, first, seed)
    loop.train(first.module, learned, alone.training, checkpoints, telemetry)
    table = cast(Static, first).module.table.detach()
    transformer_parameters.begin_with(cast(Layered, encoder).module, table)


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
