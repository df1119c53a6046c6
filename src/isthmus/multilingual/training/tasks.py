"""Makes the tasks that a job asks for."""

from collections.abc import Sequence
from typing import Any, cast

from isthmus.core.errors import SpecError
from isthmus.multilingual.objectives import BILINGUAL, SECOND, weights
from isthmus.multilingual.spec import Multilingual
from isthmus.multilingual.training import batches
from isthmus.multilingual.training.batches import Batches, Group
from isthmus.multilingual.training.contrast_tasks import Contrast, Pairs
from isthmus.multilingual.training.encoders import Static, TextEncoder
from isthmus.multilingual.training.loop import Weighted
from isthmus.multilingual.training.preparation import Prepared, mixer
from isthmus.multilingual.training.switched_task import Switched
from isthmus.multilingual.training.task import Task
from isthmus.multilingual.training.token_files import TokensByLanguage
from isthmus.text.masked_losses import PlaceEncoder


def make(spec: Multilingual, prepared: Prepared, encoder: TextEncoder, seed: int) -> list[Weighted]:
    """Make the tasks of a job.

    Args:
        spec: The `[multilingual]` table.
        prepared: What they read.
        encoder: What learns.
        seed: The job's seed.

    Returns:
        The tasks with their weights.

    Raises:
        SpecError: A task has no texts, or no text that differs from others.
    """
    return [
        Weighted(_task(name, spec, prepared, encoder, seed), weight, second=name == SECOND)
        for name, weight in weights(spec.objectives).items()
    ]


def _task(
    name: str, spec: Multilingual, prepared: Prepared, encoder: TextEncoder, seed: int
) -> Task:
    texts = prepared.corpora.trained
    groups = batches.by_pair(texts) if name in BILINGUAL else batches.by_language(texts)
    drawn = _batches(name, groups, spec, seed)
    if name == "pairs":
        return Pairs(Contrast(encoder, spec), drawn, prepared.tokens)
    if name == "switched":
        mixed = mixer(spec, prepared.folder, prepared.dictionary, prepared.corpora, seed)
        return Switched(Contrast(encoder, spec), drawn, texts, prepared.tokenizer, mixed, spec)
    if isinstance(encoder, Static):
        raise SpecError(f"`multilingual.objectives.{name}` needs an encoder with layers.")
    return _masked(name, encoder, drawn, prepared.tokens, spec.training.accumulate)


def _masked(
    name: str, encoder: TextEncoder, drawn: Batches, tokens: TokensByLanguage, parts: int
) -> Task:
    from isthmus.multilingual.training.masked_tasks import BackTranslated, MaskedPieces

    places = cast(PlaceEncoder, encoder.module)
    if name == SECOND:
        return BackTranslated(places, drawn, tokens, parts)
    if name in {"mlm", "tlm", "camlm"}:
        return MaskedPieces(cast(Any, name), places, drawn, tokens, parts)
    raise SpecError(f"`multilingual.objectives.{name}` is not there yet.")


def _batches(name: str, groups: Sequence[Group], spec: Multilingual, seed: int) -> Batches:
    if not groups:
        raise SpecError(
            f"`multilingual.objectives.{name}` needs texts with their translations, and no row of "
            "the corpora has texts in two languages: add a corpus, or take it out."
        )
    return Batches(groups, spec.training.batch, spec.training.balance, seed, name)
