"""Makes what training reads beside the texts: the vocabulary, pieces, and a dictionary."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from isthmus.core.telemetry import Telemetry
from isthmus.multilingual.corpora.preparation import prepare
from isthmus.multilingual.corpora.texts import Corpora, Texts
from isthmus.multilingual.mixing.making import Sources, provider_of
from isthmus.multilingual.run_files import RunFiles
from isthmus.multilingual.spec import Multilingual
from isthmus.multilingual.training import token_files
from isthmus.multilingual.training.token_files import TokensByLanguage
from isthmus.store import atomic
from isthmus.text.dictionary import files as dictionary_files
from isthmus.text.dictionary.dictionary import Dictionary
from isthmus.text.dictionary.from_texts import mined
from isthmus.text.mixing.mixing import Mixer
from isthmus.text.mixing.providers import Provider
from isthmus.text.model_files import TOKENIZER
from isthmus.text.spec import Encoder
from isthmus.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class Prepared:
    """What training reads."""

    corpora: Corpora
    tokenizer: Tokenizer
    dictionary: Dictionary | None
    """None where no corpus has texts in two languages."""

    tokens: TokensByLanguage
    folder: Path
    """Folder of the job file."""


def prepared(
    spec: Multilingual, folder: Path, seed: int, files: RunFiles, telemetry: Telemetry
) -> Prepared:
    """Read the corpora and make the rest, or take up what an earlier start has made.

    Args:
        spec: The `[multilingual]` table.
        folder: Folder of the job file.
        seed: The job's seed.
        files: Where all of it is kept.
        telemetry: Takes the progress.

    Returns:
        What training reads.

    Raises:
        SpecError: A file is not what the job says, or a vocabulary lacks a script.
    """
    prepare(spec, folder, seed, files.corpora_folder, telemetry)
    texts = files.corpora.trained
    with telemetry.timed("vocabulary"):
        tokenizer = _tokenizer(spec.encoder, folder, texts.values(), files.tokenizer, telemetry)
        token_files.write(texts, tokenizer, spec.encoder.length, files.tokens, telemetry)
        token_files.check_known(token_files.counts(files.tokens), spec.encoder)
    with telemetry.timed("dictionary"):
        found = dictionary(files, telemetry)
    tokens = token_files.read(texts, files.tokens)
    return Prepared(files.corpora, tokenizer, found, tokens, folder)


def dictionary(files: RunFiles, telemetry: Telemetry) -> Dictionary | None:
    """Returns the dictionary of a run, mined now if it is not there; None of a single language."""
    if not files.dictionary.exists():
        found = mined(files.corpora.trained, telemetry)
        dictionary_files.save(found, files.dictionary)
    kept = dictionary_files.load(files.dictionary)
    return kept if len(kept) else None


def mixer(
    spec: Multilingual,
    folder: Path,
    dictionary: Dictionary | None,
    corpora: Corpora,
    seed: int,
    model: Provider | None = None,
) -> Mixer:
    """Make what mixes the texts of a job.

    Args:
        spec: The `[multilingual]` table.
        folder: Folder of the job file.
        dictionary: Of the run.
        corpora: Of the run.
        seed: The job's seed.
        model: The encoder in training.

    Returns:
        The mixer.

    Raises:
        SpecError: A provider has nothing to translate with.
    """
    table = spec.mixing.table
    sources = Sources(
        dictionary=dictionary or Dictionary({}),
        languages=corpora.languages,
        table=None if table is None else dictionary_files.load_table(folder / table),
        model=model,
    )
    return Mixer(provider_of(spec.mixing, sources), seed)


def _tokenizer(
    spec: Encoder, folder: Path, texts: Iterable[Texts], path: Path, telemetry: Telemetry
) -> Tokenizer:
    """Read the tokenizer of a run, or make it.

    Args:
        spec: The `encoder` table.
        folder: Folder of the job file.
        texts: What it is trained on, unless the job names one.
        path: The file in the run folder.
        telemetry: Takes the progress.

    Returns:
        The tokenizer.

    Raises:
        SpecError: The one that the job names is not there, or is none.
    """
    if path.exists():
        return Tokenizer.load(path)
    telemetry.progress("vocabulary")
    if spec.tokenizer is not None:
        made = Tokenizer.load(folder / spec.tokenizer)
    elif spec.continued is not None:
        made = Tokenizer.load(folder / spec.continued / TOKENIZER)
    elif spec.type == "bytes":
        made = Tokenizer.of_bytes()
    else:
        made = Tokenizer.train(_every_text(texts), spec.vocabulary)
    atomic.write(path, made.content)
    return made


def _every_text(texts: Iterable[Texts]) -> Iterator[str]:
    for each in texts:
        for block in each.blocks():
            for column in block.values():
                yield from (text for text in column if text is not None)
