"""Mixed-language texts of a job to look at, before it is trained."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec.structs import replace

from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Telemetry
from isthmus.multilingual.corpora.preparation import prepare
from isthmus.multilingual.mixing.making import shown
from isthmus.multilingual.run_files import RunFiles
from isthmus.multilingual.spec import Multilingual
from isthmus.multilingual.training.preparation import dictionary, mixer
from isthmus.outcomes import MixedText
from isthmus.store.runs import Run
from isthmus.system import LocalInputs


def some(spec: Multilingual, inputs: LocalInputs, count: int) -> Sequence[MixedText]:
    """Make mixed-language texts as at the end of training.

    Args:
        spec: The `[multilingual]` table.
        inputs: Folder, seed and digest of the job.
        count: How many at most.

    Returns:
        Originals with their mixed texts, corpora and languages in turn.

    Raises:
        SpecError: The corpora are not what the job says, or nothing translates a word of them.
    """
    telemetry, spec = Telemetry(), _without_model(spec)
    with TemporaryDirectory(prefix="isthmus-") as folder:
        files = RunFiles(Run(Path(folder)))
        prepare(spec, inputs.folder, inputs.seed, files.corpora_folder, telemetry)
        mixed = mixer(spec, inputs.folder, dictionary(files, telemetry), files.corpora, inputs.seed)
        found = shown(files.corpora.trained, mixed, spec.mixing, count)
    if not found:
        raise SpecError(
            "no word of the corpora can be replaced: the dictionary that is mined from texts with "
            "their translations is empty. Name a table of words in `multilingual.mixing.table`."
        )
    return [
        MixedText(each.language, each.original, each.mixed.text, each.mixed.languages)
        for each in found
    ]


def _without_model(spec: Multilingual) -> Multilingual:
    """Leave out the provider that there is only in training.

    Args:
        spec: The `[multilingual]` table.

    Returns:
        The table without it.

    Raises:
        SpecError: It is the only one.
    """
    found = tuple(name for name in spec.mixing.providers if name != "model")
    if not found:
        raise SpecError(
            "the only provider of `multilingual.mixing` is `model`, which translates while it is "
            "trained: add `dictionary` to see mixed texts before that."
        )
    return replace(spec, mixing=replace(spec.mixing, providers=found))
