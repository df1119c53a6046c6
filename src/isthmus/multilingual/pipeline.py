"""From corpora to an encoder that is stored, then measured."""

import resource
import shutil
import sys
from collections.abc import Mapping, Sequence

import msgspec

from isthmus.core.telemetry import Telemetry
from isthmus.evaluation.description import LanguagePair
from isthmus.multilingual import card, measuring, objectives
from isthmus.multilingual.retrieval.evaluation import Compared, Embed
from isthmus.multilingual.run_files import RunFiles
from isthmus.multilingual.spec import Multilingual
from isthmus.multilingual.training import encoders, loop, tasks, token_files
from isthmus.multilingual.training.checkpoints import Checkpoints
from isthmus.multilingual.training.loop import Trained
from isthmus.multilingual.training.preparation import dictionary, prepared
from isthmus.multilingual.training.token_files import PieceCounts
from isthmus.store.runs import Run
from isthmus.system import (
    Converged,
    LocalInputs,
    LocalOutcome,
    Memory,
    Retrieval,
    Throughput,
    Vocabulary,
)
from isthmus.text import model_files, model_folder
from isthmus.text.tokenizer import Tokenizer


class Stored(msgspec.Struct, frozen=True):
    """How training ended, as the run folder keeps it beside the encoder."""

    trained: Trained
    pieces: dict[str, PieceCounts]
    """Pieces of the texts that were trained on, by language."""


def train(spec: Multilingual, inputs: LocalInputs, run: Run, telemetry: Telemetry) -> LocalOutcome:
    """Train and store an encoder, then measure it.

    Args:
        spec: The `[multilingual]` table.
        inputs: Folder, seed and digest of the job.
        run: The run folder; what an earlier start has done is not done again.
        telemetry: Takes the progress.

    Returns:
        The figures.

    Raises:
        SpecError: The corpora are not what the job says, or training diverged.
    """
    files = RunFiles(run)
    if not files.trained.exists():
        _train(spec, inputs, files, telemetry)
    with telemetry.timed("measure"):
        pairs = _measured(spec, inputs, files, telemetry)
    stored = run.read_json(files.trained.name, Stored)
    model_files.write_card(
        files.model, files.corpora.languages, card.written(spec, files.corpora.counts, pairs)
    )
    return _outcome(spec, files, stored, pairs)


def _train(spec: Multilingual, inputs: LocalInputs, files: RunFiles, telemetry: Telemetry) -> None:
    """Train the encoder and store it with all that serving and measuring it takes."""
    run, seed = files.run, inputs.seed
    made = prepared(spec, inputs.folder, seed, files, telemetry)
    encoder = encoders.make(spec.encoder, inputs.folder, made.tokenizer, seed, made.tokens)
    if spec.encoder.begin == "static" and not run.checkpoint.exists():
        from isthmus.multilingual.training import static_start  # its library takes seconds to load

        with telemetry.timed("static"):
            first = Checkpoints(files.static_checkpoint, inputs.job)
            static_start.begin(encoder, spec, made, seed, first, telemetry)
    learned = tasks.make(spec, made, encoder, seed)
    checkpoints = Checkpoints(run.checkpoint, inputs.job)
    with telemetry.timed("train"):
        trained = loop.train(encoder.module, learned, spec.fitting_training, checkpoints, telemetry)
    with telemetry.timed("store"):
        text = card.written(spec, made.corpora.counts, None)
        encoder.store(files.model, made.tokenizer, text, made.corpora.languages)
        pieces = dict(token_files.counts(files.tokens))
        run.write_json(files.trained.name, Stored(trained, pieces))
        run.checkpoint.unlink(missing_ok=True)
        files.static_checkpoint.unlink(missing_ok=True)
        shutil.rmtree(files.tokens)


def _measured(
    spec: Multilingual, inputs: LocalInputs, files: RunFiles, telemetry: Telemetry
) -> list[LanguagePair]:
    embedder = model_folder.read(files.model)
    untrained = _untrained(spec, inputs, embedder.tokenizer)
    compared = Compared(embedder.embed, untrained, dictionary(files, telemetry))
    return measuring.measure(files.corpora, compared, spec.test_rows, telemetry)


def _untrained(spec: Multilingual, inputs: LocalInputs, tokenizer: Tokenizer) -> Embed:
    """The encoder as it was before training."""
    before = encoders.make(spec.encoder, inputs.folder, tokenizer, inputs.seed)
    return lambda texts: before.embed(tokenizer.tokens(texts, spec.encoder.length))


def _outcome(
    spec: Multilingual, files: RunFiles, stored: Stored, pairs: Sequence[LanguagePair]
) -> LocalOutcome:
    corpora, trained = files.corpora, stored.trained
    texts = [*corpora.held_out.values(), *corpora.tests.values()]
    return LocalOutcome(
        metrics=measuring.metrics(pairs),
        rows={
            "train": corpora.counts.trained,
            "test": sum(min(each.rows, spec.test_rows) for each in texts),
        },
        columns=len(corpora.languages),
        ending=_ending(trained),
        throughput=Throughput(tokens_per_s=trained.tokens / max(trained.seconds, 1e-9)),
        memory=Memory(peak_bytes=_peak_bytes()),
        retrieval=Retrieval(pairs),
        converged=_converged(trained.flat),
        vocabulary=_vocabulary(Tokenizer.load(files.tokenizer).size, stored.pieces),
    )


def _ending(trained: Trained) -> str:
    falling = [name for name, flat in trained.flat.items() if not flat]
    if not falling:
        return f"all losses were flat after {trained.steps:,} steps"
    return f"{trained.steps:,} steps, all that the job allows; still falling: {', '.join(falling)}"


def _converged(flat: Mapping[str, bool]) -> Converged:
    def all_flat(*, bilingual: bool) -> bool | None:
        found = [each for name, each in flat.items() if (name in objectives.BILINGUAL) is bilingual]
        return all(found) if found else None

    return Converged(all_flat(bilingual=True), all_flat(bilingual=False))


def _vocabulary(size: int, pieces: Mapping[str, PieceCounts]) -> Vocabulary:
    total = sum(pieces.values(), PieceCounts())
    by_language = {language: each.unknown_share for language, each in pieces.items()}
    return Vocabulary(size, total.unknown_share, by_language, total.cut / max(1, total.texts))


def _peak_bytes() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
