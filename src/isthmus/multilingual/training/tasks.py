"""Makes the tasks that a job asks for."""

from collections.abc import Sequence
from typing import cast

from isthmus.core.errors import SpecError
from isthmus.multilingual.objectives import BILINGUAL, SECOND, weights
from isthmus.multilingual.processes.group import ALONE, ProcessGroup
from isthmus.multilingual.spec import Multilingual
from isthmus.multilingual.training import batches
from isthmus.multilingual.training.batches import Batches, Group
from isthmus.multilingual.training.contrast_tasks import Contrast, Pairs
from isthmus.multilingual.training.distillation_task import Distillation
from isthmus.multilingual.training.encoders import Static, TextEncoder
from isthmus.multilingual.training.loop import Weighted
from isthmus.multilingual.training.masked_tasks import (
    BackTranslated,
    MaskedName,
    MaskedPieces,
    language_shares,
)
from isthmus.multilingual.training.model_provider import ModelProvider
from isthmus.multilingual.training.preparation import Prepared, mixer
from isthmus.multilingual.training.switched_task import Switched
from isthmus.multilingual.training.task import Task
from isthmus.text import model_folder
from isthmus.text.masked_losses import PlaceEncoder
from isthmus.text.static_places import StaticPlaces


def make(
    spec: Multilingual,
    prepared: Prepared,
    encoder: TextEncoder,
    seed: int,
    processes: ProcessGroup = ALONE,
) -> list[Weighted]:
    """Make the tasks of a job.

    Args:
        spec: The `[multilingual]` table.
        prepared: What they read.
        encoder: What learns.
        seed: The job's seed.
        processes: Those that train.

    Returns:
        The tasks with their weights.

    Raises:
        SpecError: A task has no texts, or no text that differs from others.
    """
    return [
        Weighted(
            _task(name, spec, prepared, encoder, seed, processes), weight, second=name == SECOND
        )
        for name, weight in weights(spec.objectives).items()
    ]


def _task(
    name: str,
    spec: Multilingual,
    prepared: Prepared,
    encoder: TextEncoder,
    seed: int,
    processes: ProcessGroup,
) -> Task:
    texts = prepared.corpora.trained
    groups = batches.by_pair(texts) if name in BILINGUAL else batches.by_language(texts)
    drawn = _batches(name, groups, spec, seed, processes)
    tokens, parts = prepared.tokens, spec.training.accumulate
    if name == "pairs":
        return Pairs(Contrast(encoder, spec, processes), drawn, tokens)
    if name == "switched":
        model = _provider(spec, prepared, encoder) if "model" in spec.mixing.providers else None
        mixed = mixer(spec, prepared.folder, prepared.dictionary, prepared.corpora, seed, model)
        return Switched(
            Contrast(encoder, spec, processes), drawn, texts, prepared.tokenizer, mixed, spec
        )
    if name == "distillation":
        teacher = model_folder.read(prepared.folder / (spec.objectives.teacher or ""))
        return Distillation(encoder, teacher, drawn, texts, tokens, parts)
    places = _places(encoder, prepared)
    if name == SECOND:
        return BackTranslated(places, drawn, tokens, parts)
    return MaskedPieces(cast(MaskedName, name), places, drawn, tokens, parts)


def _places(encoder: TextEncoder, prepared: Prepared) -> PlaceEncoder:
    """Returns an encoder as one that has something to say at each place."""
    if isinstance(encoder, Static):
        return StaticPlaces(encoder.module, prepared.tokenizer.specials())
    return cast(PlaceEncoder, encoder.module)


def _provider(spec: Multilingual, prepared: Prepared, encoder: TextEncoder) -> ModelProvider:
    """Returns what asks the encoder in training for translations."""
    places = _places(encoder, prepared)
    shares = language_shares(prepared.tokens, places.pieces)
    return ModelProvider(places, prepared.tokenizer, shares, spec.encoder.length)


def _batches(
    name: str, groups: Sequence[Group], spec: Multilingual, seed: int, processes: ProcessGroup
) -> Batches:
    if not groups:
        raise SpecError(
            f"`multilingual.objectives.{name}` needs texts with their translations, and no row of "
            "the corpora has texts in two languages: add a corpus, or take it out."
        )
    return Batches(groups, spec.training.batch, spec.training.balance, seed, name, processes)
