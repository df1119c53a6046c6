"""Makes the tasks that a job asks for."""

from collections.abc import Sequence

from isthmus.core.errors import SpecError
from isthmus.multilingual.objectives import BILINGUAL, SECOND, weights
from isthmus.multilingual.spec import Multilingual
from isthmus.multilingual.training import batches
from isthmus.multilingual.training.batches import Batches, Group
from isthmus.multilingual.training.contrast_tasks import Contrast, Pairs
from isthmus.multilingual.training.encoders import TextEncoder
from isthmus.multilingual.training.loop import Weighted
from isthmus.multilingual.training.preparation import Prepared
from isthmus.multilingual.training.task import Task

def make(
    spec: Multilingual, prepared: Prepared, encoder: TextEncoder, seed: int
) -> list[Weighted]:
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
    raise SpecError(f"`multilingual.objectives.{name}` is not there yet.")


def _batches(name: str, groups: Sequence[Group], spec: Multilingual, seed: int) -> Batches:
    if not groups:
        raise SpecError(
            f"`multilingual.objectives.{name}` needs texts with their translations, and no row of "
            "the corpora has texts in two languages: add a corpus, or take it out."
        )
    return Batches(groups, spec.training.batch, spec.training.balance, seed, name)
