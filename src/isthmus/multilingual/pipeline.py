"""From corpora to an encoder that is stored, then measured."""

import resource
import sys
from collections.abc import Mapping, Sequence

from msgspec import structs

from isthmus.core.attempts import Attempts
from isthmus.core.telemetry import Telemetry
from isthmus.evaluation.description import LanguagePair
from isthmus.multilingual import card, leading, measuring, objectives
from isthmus.multilingual.corpora.texts import CorpusCounts
from isthmus.multilingual.leading import Stored
from isthmus.multilingual.retrieval.evaluation import Compared, Embed
from isthmus.multilingual.run_files import RunFiles
from isthmus.multilingual.spec import Multilingual
from isthmus.multilingual.training import encoders
from isthmus.multilingual.training.loop import Trained
from isthmus.multilingual.training.preparation import dictionary
from isthmus.multilingual.training.token_files import PieceCounts
from isthmus.outcomes import (
    Converged,
    CorpusRows,
    LocalOutcome,
    LocalTrained,
    Memory,
    Retrieval,
    Throughput,
    Vocabulary,
)
from isthmus.store.runs import Run
from isthmus.system import LocalInputs
from isthmus.text import model_files, model_folder
from isthmus.text.model_folder import LayeredEmbedder
from isthmus.text.tokenizer import Tokenizer


def train(spec: Multilingual, inputs: LocalInputs, run: Run, telemetry: Telemetry) -> LocalTrained:
    """Train and store an encoder.

    Args:
        spec: The `[multilingual]` table.
        inputs: Folder, seed and digest of the job.
        run: The run folder; what an earlier start has done is not done again.
        telemetry: Takes the progress.

    Returns:
        What training took, and what measures the encoder.

    Raises:
        SpecError: The corpora are not what the job says, or training diverged.
    """
    files = RunFiles(run)
    leading.train(spec, inputs, files, telemetry)
    outcome = _outcome(spec, files, run.read_json(files.trained.name, Stored))

    def measure() -> LocalOutcome:
        attempts = Attempts()
        with telemetry.timed("measure"):
            found = attempts.find("retrieval", lambda: _measured(spec, inputs, files, telemetry))
        pairs = found or []
        attempts.find("card", lambda: _write_card(spec, files, pairs))
        return structs.replace(
            outcome,
            metrics=measuring.metrics(pairs),
            memory=Memory(peak_bytes=_peak_bytes()),
            retrieval=Retrieval(pairs) if pairs else None,
            missing=attempts.missing,
        )

    return LocalTrained(outcome, measure)


def _write_card(spec: Multilingual, files: RunFiles, pairs: Sequence[LanguagePair]) -> None:
    text = card.written(spec, files.corpora.counts, pairs)
    model_files.write_card(files.model, model_folder.read(files.model).languages, text)


def _measured(
    spec: Multilingual, inputs: LocalInputs, files: RunFiles, telemetry: Telemetry
) -> list[LanguagePair]:
    embedder, continued = model_folder.read(files.model), spec.encoder.continued
    compared = Compared(
        embedder.embed,
        untrained=_untrained(spec, inputs, embedder.tokenizer) if continued is None else None,
        before=None if continued is None else model_folder.read(inputs.folder / continued).embed,
        dictionary=dictionary(files, telemetry),
        layers=embedder.embed_by_layer if isinstance(embedder, LayeredEmbedder) else None,
    )
    return measuring.measure(files.corpora, compared, spec.test_rows, telemetry)


def _untrained(spec: Multilingual, inputs: LocalInputs, tokenizer: Tokenizer) -> Embed:
    """The encoder as it was before training."""
    before = encoders.make(spec.encoder, inputs.folder, tokenizer, inputs.seed)
    return lambda texts: before.embed(tokenizer.tokens(texts, spec.encoder.length))


def _outcome(spec: Multilingual, files: RunFiles, stored: Stored) -> LocalOutcome:
    corpora, trained = files.corpora, stored.trained
    texts = [*corpora.held_out.values(), *corpora.tests.values()]
    return LocalOutcome(
        metrics={},
        rows={
            "train": corpora.counts.trained,
            "test": sum(min(each.rows, spec.test_rows) for each in texts),
        },
        columns=len(corpora.languages),
        corpora={name: _rows(each) for name, each in corpora.counts.corpora.items()},
        ending=_ending(trained),
        throughput=Throughput(tokens_per_s=trained.tokens / max(trained.seconds, 1e-9)),
        memory=Memory(peak_bytes=_peak_bytes()),
        converged=_converged(trained.flat),
        vocabulary=_vocabulary(Tokenizer.load(files.tokenizer).size, stored.pieces),
    )


def _rows(counts: CorpusCounts) -> CorpusRows:
    return CorpusRows(
        read=counts.read,
        trained=counts.trained,
        held_out=counts.held_out,
        empty=counts.empty,
        duplicates=counts.duplicates,
        found_in_tests=counts.found_in_tests,
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
