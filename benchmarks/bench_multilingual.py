"""How well do a sentence and its translation find each other, by seconds of training?

A static encoder, encoders with a layer, and the dictionary that their job mines anyway, alone and
together, beside the trainers of sentence-transformers and of transformers: Bibles, of which whole
chapters are held out, then short sentences of Tatoeba and news of NTREX, which nothing was trained
on. `ISTHMUS_BENCH_KEPT` names a folder in which what was measured is kept, so that a run that was
stopped goes on; after `ISTHMUS_BENCH_SECONDS` nothing more is begun, and the page tells what it
lacks.
"""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from benchmarks import (
    bibles,
    multilingual_memory,
    multilingual_mining,
    multilingual_speed,
    multilingual_trials,
    rivals,
)
from benchmarks.measurement import Measurement
from benchmarks.multilingual_memory import Peak
from benchmarks.multilingual_mining import Mined
from benchmarks.multilingual_page import (
    Found,
    Measured,
    answer,
    said_of_layers,
    said_of_objectives,
    shortfalls,
    tables,
)
from benchmarks.multilingual_training import BASE
from benchmarks.multilingual_trials import TEACHER, THEIRS, Kept, Trial
from isthmus.core.errors import SpecError
from isthmus.multilingual.run_files import RunFiles
from isthmus.store.runs import Run

FOLDER = Path(os.environ.get("ISTHMUS_BENCH_MULTILINGUAL", "../shared/data/multilingual"))
KEPT = os.environ.get("ISTHMUS_BENCH_KEPT")
SECONDS = float(os.environ.get("ISTHMUS_BENCH_SECONDS", "inf"))

REQUIREMENT = "datasets==5.2.0"
PINS = Path(__file__).with_name("rival_sentence_transformers.txt")

READ = partial(bibles.read, FOLDER)
INSTALLED = partial(rivals.installed, REQUIREMENT, PINS)


class Sizes(msgspec.Struct, frozen=True):
    """How much is measured."""

    trials: Sequence[Trial] = tuple(multilingual_trials.trials())
    forms: Sequence[str] = tuple(multilingual_memory.FORMS)
    speeds: Sequence[str] = multilingual_speed.NAMES


SIZES = Sizes()


def measure(
    sizes: Sizes = SIZES,
    read: Callable[[], bibles.Bibles] = READ,
    installed: Callable[[], AbstractContextManager[Path]] = INSTALLED,
) -> Measurement:
    """Train, find translations, and measure speeds and memory; what is kept is not done again.

    Args:
        sizes: How much is measured.
        read: Reads the texts.
        installed: Makes an environment with what sentence-transformers takes.

    Returns:
        The comparison.
    """
    with ExitStack() as stack:
        kept = Kept(Path(KEPT or stack.enter_context(TemporaryDirectory())))
        kept.prepare(read())
        python, missing = None, list[str]()
        try:
            python = stack.enter_context(installed())
        except SpecError as error:
            missing.append(f"{THEIRS} was not measured: {error}")
        until = time.monotonic() + SECONDS
        multilingual_trials.go_on(kept, sizes.trials, until, python)
        found = {trial.name: kept.results(trial) for trial in sizes.trials}
        measured = Measured(
            {name: results for name, results in found.items() if results},
            kept.without(),
            kept.before,
            multilingual_speed.go_on(kept, sizes.speeds, until, python),
            _peaks(kept, sizes.forms, until),
            kept.part("mining", list[Mined], partial(_mined, kept, found), until) or [],
        )
        short = [*missing, *shortfalls(measured), *_not_done(found, sizes.trials)]
        short += _not_looked_at(measured, sizes)
        words = answer(measured.found, measured.before)
        said = [*said_of_layers(measured.found), *said_of_objectives(measured.found)]
        return Measurement(words, tables(measured), [*said, *_notes(kept)], short)


def _peaks(kept: Kept, forms: Sequence[str], until: float) -> dict[str, list[Peak]]:
    each = {
        form: kept.part(
            f"memory {form}", list[Peak], partial(multilingual_memory.peaks, form), until
        )
        for form in forms
    }
    return {form: peaks for form, peaks in each.items() if peaks is not None}


def _mined(kept: Kept, found: Found) -> list[Mined] | None:
    if not found.get(TEACHER):
        return None
    return multilingual_mining.measure(kept.work, kept.model(TEACHER, 0))


def _not_done(found: Found, trials: Sequence[Trial]) -> list[str]:
    """Trainings that this page lacks."""
    short = list[str]()
    for trial in trials:
        done = len(found.get(trial.name, ()))
        if not done:
            short.append(f"Not measured: {trial.name}.")
        elif done < len(trial.seeds):
            short.append(f"{trial.name}: {done} of {len(trial.seeds)} seeds.")
    return short


def _not_looked_at(measured: Measured, sizes: Sizes) -> list[str]:
    """Speeds, memory and mining that this page lacks."""
    short = list[str]()
    if len(measured.speeds) < len(sizes.speeds):
        done = ", ".join(f"{each.what} by {each.encoder}" for each in measured.speeds) or "none"
        short.append(f"Of {len(sizes.speeds)} speeds in turns with a rival, measured: {done}.")
    if len(measured.peaks) < len(sizes.forms):
        short.append(f"Memory was measured of {len(measured.peaks)} of {len(sizes.forms)} forms.")
    if not measured.mined:
        short.append("Not measured: mining.")
    return short


def _notes(kept: Kept) -> list[str]:
    counts = RunFiles(Run(kept.work / BASE)).corpora.counts
    tested = ", ".join(f"{each.read:,} rows of {name}" for name, each in counts.tests.items())
    stages = ", ".join(f"{name} {cpu:.1f} s" for name, cpu in kept.before.items())
    return [
        f"Trained on {counts.trained:,} verses in {', '.join(bibles.LANGUAGES)}, without a twelfth "
        f"of the chapters. Tested on {tested}; Bible: the mean of all pairs of languages, Tatoeba "
        "and NTREX: of those with English. Top-1 in percent, mean of both directions; texts that "
        "score alike share it.",
        "Nothing of the texts to test on is in vocabulary, dictionary or training: texts equal to "
        "one of them are left out.",
        "Settings of the dictionary and of the fusion were chosen on another twelfth of the "
        "chapters and, out of domain, on French, which is not on this page. The encoders have the "
        f"product's defaults: vectors of {multilingual_trials.SIZE} numbers, batches of "
        f"{multilingual_trials.BATCH:,}; `tiny` has a layer, and batches of "
        f"{multilingual_trials.LAYERED_BATCH}.",
        f"CPU seconds are those of one thread: {stages} before training, once for all trainings. "
        "Alone, an encoder takes reading and vocabulary; with the dictionary, all of it. Those of "
        f"{THEIRS} are without reading and vocabulary: it has ours. The machine had much other "
        "work, which makes CPU seconds longer.",
        "How many steps go into the seconds is found out by trying three, which are not counted. "
        "Training ends before its steps are over when the loss is flat, as in the product, so that "
        "a static encoder never uses 300 s up.",
        "CSLS: less the mean score of each text's ten neighbours. Vectors are centred in each "
        "language before. The dictionary: TF-IDF of words and of characters, each side translated "
        "into the language of the other, with CSLS as well. Together: the sum of both.",
        "Several seeds: mean, and least to greatest. Dictionary and characters are the same for "
        "every seed.",
        f"{THEIRS}: `StaticEmbedding` with our vocabulary, `MultipleNegativesRankingLoss`, its "
        "trainer with its defaults but for the learning rate, pairs of all languages mixed.",
        "Objectives: each has the weight 1 beside pairs, batches of "
        f"{multilingual_trials.LAYERED_BATCH}, one seed, and as many steps as read the same number "
        "of pieces; `tiny` begins with a static table that learned from pairs, and from switched "
        "text where that is added. In brackets: points more than pairs alone. The last columns: "
        "percent of masked pieces of held-out chapters that are predicted. The teacher "
        "of distillation is the static encoder above.",
        f"Speeds: the median of {multilingual_speed.TURNS} turns of ours and the rival, each in a "
        "process of its own, steps alone. Pieces of the transformer are those of texts, without "
        f"padding; both have batches of {multilingual_speed.LAYERED_BATCH} texts and the same "
        "network.",
        "Memory: the peak of a process that reads a corpus of that many different rows in two "
        "languages, of 12 words each, and does nothing else.",
        f"Mining: of the rows of a test, {multilingual_mining.PAIRED:.0%} are on both sides, the "
        "others on one side alone, all in another order; the threshold is what the product chooses "
        "on held-out chapters of the Bible, and so is the precision that it tells.",
    ]
