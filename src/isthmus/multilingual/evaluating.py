"""Measures the encoder of a run on texts that its job does not name."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Telemetry
from isthmus.evaluation.description import LanguagePair
from isthmus.multilingual.corpora import reading
from isthmus.multilingual.corpora.sources import Source, sources_of
from isthmus.multilingual.corpora.texts import Texts, copy, file_of
from isthmus.multilingual.corpora.trained_texts import TrainedTexts
from isthmus.multilingual.given_texts import corpora_of
from isthmus.multilingual.measuring import metrics, trained_pairs
from isthmus.multilingual.retrieval.evaluation import FEWEST, Compared, evaluate
from isthmus.multilingual.run_files import RunFiles
from isthmus.multilingual.spec import Multilingual, Objectives
from isthmus.multilingual.training.preparation import dictionary
from isthmus.outcomes import Retrieval, ScoredTexts
from isthmus.store.runs import Run
from isthmus.text import model_folder
from isthmus.text.model_folder import LayeredEmbedder

_ANY = Objectives(pairs=0.0)
"""Texts to measure on need no translations for the sake of training."""


def score(spec: Multilingual, run: Run, given: Sequence[Path]) -> ScoredTexts:
    """Measure retrieval in texts of files, without those that the run was trained on.

    Args:
        spec: The `[multilingual]` table of the run's job.
        run: The run.
        given: The files.

    Returns:
        How well texts find their translations, beside what needs no encoder.

    Raises:
        SpecError: A file is not what it should be, or nothing of it is new to the encoder.
    """
    files, telemetry = RunFiles(run), Telemetry()
    encoder = model_folder.read(files.model)
    compared = Compared(
        encoder.embed,
        dictionary=dictionary(files, telemetry),
        layers=encoder.embed_by_layer if isinstance(encoder, LayeredEmbedder) else None,
    )
    known, trained = TrainedTexts(files.corpora_folder), trained_pairs(files.corpora.trained)
    corpora = corpora_of(given, sorted({*encoder.languages, *files.corpora.languages}))
    sources, _ = sources_of(Multilingual(corpora=corpora, objectives=_ANY), Path())
    pairs, left_out = list[LanguagePair](), dict[str, int]()
    with TemporaryDirectory(prefix="isthmus-") as folder:
        for source in sources:
            texts, left_out[source.name] = _new_texts(replace(source, key=""), known, Path(folder))
            found = evaluate(
                texts,
                compared,
                data=source.name,
                in_domain=False,
                trained=trained,
                most=spec.test_rows,
            )
            if not found:
                raise SpecError(
                    f"{source.files[0]}: {texts.rows:,} of its rows can be measured on, and "
                    f"{FEWEST} with texts in the same two languages are the least. Give more."
                )
            pairs += found
    return ScoredTexts(metrics(pairs), Retrieval(pairs), left_out)


def _new_texts(source: Source, known: TrainedTexts, folder: Path) -> tuple[Texts, int]:
    """Read a file, without rows that have a text that was trained on.

    Args:
        source: The file, or files.
        known: What was trained on.
        folder: For the texts.

    Returns:
        The rows that are left, and the number of those that are not.

    Raises:
        SpecError: None is left.
    """
    hashes = folder / f"{source.name}.hashes"
    corpus = reading.read(source, 0, folder, hashes, Telemetry())
    trained = np.concatenate([known.in_rows(texts) for _, texts in corpus.blocks()])
    count = int(trained.sum())
    if count == 0:
        return corpus.texts, 0
    if count == corpus.rows:
        raise SpecError(
            f"{source.files[0]}: each of its {count:,} rows has a text that the encoder was "
            "trained on, so nothing would be measured. Give texts that are in no corpus of the job."
        )
    path = file_of(folder, f"{source.name}.new")
    copy(corpus.texts, ~trained, path)
    return Texts(source.name, path), count
