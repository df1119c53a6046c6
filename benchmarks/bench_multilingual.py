"""How well do a sentence and its translation find each other, by seconds of training?

A static encoder and the dictionary that its job mines anyway, alone and together, beside the
trainer of sentence-transformers on the same pairs: Bibles, of which whole chapters are held out,
then short sentences of Tatoeba and news of NTREX, which nothing was trained on.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np

from benchmarks import bibles, multilingual_training, programs, rivals
from benchmarks.bibles import BIBLE, NTREX, SETS, TATOEBA
from benchmarks.measurement import Measurement, Row
from benchmarks.multilingual_contest import (
    CHARACTERS,
    COSINE,
    CSLS,
    DICTIONARY,
    FUSED,
    Contest,
    Figures,
)
from benchmarks.multilingual_training import Asked, Trained
from isthmus.core.errors import SpecError

FOLDER = Path(os.environ.get("ISTHMUS_BENCH_MULTILINGUAL", "../shared/data/multilingual"))

THEIRS = "sentence-transformers"
REQUIREMENT = "datasets==5.2.0"
PINS = Path(__file__).with_name("rival_sentence_transformers.txt")

AIMED = 60.0
"""CPU seconds in which the aims are to be reached."""

AIMS: Mapping[str, Mapping[str, float]] = {
    COSINE: {BIBLE: 96, TATOEBA: 46, NTREX: 48},
    FUSED: {BIBLE: 97, TATOEBA: 60, NTREX: 74},
}

AIM_PAIRS = 8.0
"""Times the pairs per second of sentence-transformers' trainer, at the same batch."""

BATCH = 1024
SIZE = 256


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    seeds: Sequence[int] = (0, 1, 2)
    steps: Sequence[int] = (20, 200)
    long: Sequence[int] = (2000,)
    """Steps of trainings with the first seed alone."""

    processes: int = os.cpu_count() or 1
    """Trainings at a time, each with one thread."""

    theirs: int = 100
    """Steps of sentence-transformers: as many as go into the same seconds."""

    their_seeds: Sequence[int] = (0,)
    """A training of theirs takes so long that one has to do."""

    rates: Sequence[float] = (0.02, 0.2)
    """Learning rates of theirs: ours, and that of their guide to static encoders."""

    table: Mapping[str, object] | None = None
    """Of `[multilingual]`, in place of what the product has: for tests."""


class Rival(msgspec.Struct, frozen=True):
    """What a training of sentence-transformers took."""

    cpu: float
    pairs_per_cpu_s: float
    texts_per_cpu_s: float


@dataclass(frozen=True)
class Scored:
    """A training, and its figures."""

    trained: Trained | Rival
    figures: Figures


Found = dict[str, list[Scored]]
"""By what was trained, one for each seed."""

SIZES = Sizes()
READ = partial(bibles.read, FOLDER)
INSTALLED = partial(rivals.installed, REQUIREMENT, PINS)


def measure(
    sizes: Sizes = SIZES,
    read: Callable[[], bibles.Bibles] = READ,
    installed: Callable[[], AbstractContextManager[Path]] = INSTALLED,
) -> Measurement:
    """Train with every seed, and find translations.

    Args:
        sizes: How much is measured.
        read: Reads the texts.
        installed: Makes an environment with what sentence-transformers takes.

    Returns:
        The comparison.
    """
    texts, missing = read(), list[str]()
    with TemporaryDirectory() as place:
        folder = Path(place)
        before = multilingual_training.prepare(folder, texts)
        contest = Contest(folder)
        found = _ours(folder, contest, sizes)
        try:
            with installed() as python:
                theirs = _theirs(folder, contest, sizes, python)
        except SpecError as error:
            missing.append(f"{THEIRS} was not measured: {error}")
            theirs = Found()
        without = contest.without_encoder()
    tables = {
        "Quality by CPU seconds": quality(found, theirs, without, before),
        "Speed": _speeds(found, theirs),
    }
    short = missing + shortfalls(found, theirs, without, before)
    notes = _notes(texts, contest, before, sizes)
    return Measurement(_answer(found, before), tables, notes, short)


def _ours(folder: Path, contest: Contest, sizes: Sizes) -> Found:
    runs = [(steps, seed) for steps in sizes.steps for seed in sizes.seeds]
    runs += [(steps, sizes.seeds[0]) for steps in sizes.long]
    with ThreadPoolExecutor(sizes.processes) as pool:
        each = pool.map(lambda run: _train(folder, sizes, *run), runs)
        names = [f"static, up to {steps:,} steps" for steps, _ in runs]
        return _scored(contest, names, each)


def _train(folder: Path, sizes: Sizes, steps: int, seed: int) -> tuple[Trained, Path]:
    model = folder / f"ours-{steps}-{seed}"
    table = {"training": {"steps": steps, "batch": BATCH}, **(sizes.table or {})}
    asked = msgspec.json.encode(Asked(seed, table, str(model)))
    said = programs.answer("multilingual_training", [folder], asked)
    return msgspec.json.decode(said, type=Trained), model


def _theirs(folder: Path, contest: Contest, sizes: Sizes, python: Path) -> Found:
    runs = [(rate, seed) for rate in sizes.rates for seed in sizes.their_seeds]
    with ThreadPoolExecutor(sizes.processes) as pool:
        each = pool.map(lambda run: _train_theirs(folder, sizes, python, *run), runs)
        names = [f"{THEIRS}, {sizes.theirs:,} steps, rate {rate:g}" for rate, _ in runs]
        return _scored(contest, names, each)


def _train_theirs(
    folder: Path, sizes: Sizes, python: Path, rate: float, seed: int
) -> tuple[Rival, Path]:
    model = folder / f"theirs-{rate}-{seed}"
    asked = {
        "seed": seed,
        "steps": sizes.theirs,
        "batch": BATCH,
        "size": SIZE,
        "rate": rate,
        "keep": str(model),
    }
    text = msgspec.json.encode(asked)
    said = programs.answer("rival_sentence_transformers", [folder], text, python, ours_too=True)
    return msgspec.json.decode(said, type=Rival), model


def _scored(
    contest: Contest, names: Sequence[str], each: Iterable[tuple[Trained | Rival, Path]]
) -> Found:
    found = Found()
    for name, (trained, model) in zip(names, each, strict=True):
        found.setdefault(name, []).append(Scored(trained, contest.of(model)))
    return found


def quality(
    found: Found, theirs: Found, without: Figures, before: Mapping[str, float]
) -> list[Row]:
    """Top-1 of each set, beside the CPU seconds that it took from the files on.

    Args:
        found: Ours.
        theirs: Of sentence-transformers.
        without: Figures without an encoder.
        before: CPU seconds before training.

    Returns:
        The rows of a table.
    """
    reading = before["read"]
    rows = [
        _row("characters", 1, reading, [without[CHARACTERS]]),
        _row("dictionary", 1, reading + before["dictionary"], [without[DICTIONARY]]),
    ]
    for name, each in found.items():
        alone = reading + before["vocabulary"] + _cpu(each)
        rows += [
            _row(f"{name}, {COSINE}", len(each), alone, _of(each, COSINE)),
            _row(f"{name}, CSLS", len(each), alone, _of(each, CSLS)),
            _row(
                f"{name}, with the dictionary", len(each), _together(each, before), _of(each, FUSED)
            ),
        ]
    for name, each in theirs.items():
        rows += [
            _row(f"{name}, {COSINE}", len(each), _cpu(each), _of(each, COSINE)),
            _row(f"{name}, CSLS", len(each), _cpu(each), _of(each, CSLS)),
        ]
    return rows


def _row(name: str, seeds: int, cpu: float, figures: Sequence[Mapping[str, float]]) -> Row:
    values = {each: spread([one[each] for one in figures]) for each in SETS}
    return {"what": name, "CPU s": round(cpu, 1), "seeds": seeds, **values}


def spread(values: Sequence[float]) -> str:
    """Mean, and least and greatest if there are several."""
    if len(values) == 1:
        return f"{values[0]:.1f}"
    return f"{np.mean(values):.1f} ({min(values):.1f} to {max(values):.1f})"


def _of(each: Sequence[Scored], method: str) -> list[Mapping[str, float]]:
    return [scored.figures[method] for scored in each]


def _cpu(each: Sequence[Scored]) -> float:
    return float(np.mean([scored.trained.cpu for scored in each]))


def _together(each: Sequence[Scored], before: Mapping[str, float]) -> float:
    return _cpu(each) + sum(before.values())


def _speeds(found: Found, theirs: Found) -> list[Row]:
    return [
        {
            "what": name,
            "pairs trained on per CPU s": _median(each, "pairs_per_cpu_s"),
            "texts embedded per CPU s": _median(each, "texts_per_cpu_s"),
        }
        for name, each in (found | theirs).items()
    ]


def _median(each: Sequence[Scored], what: str) -> float:
    return float(np.median([getattr(scored.trained, what) for scored in each]))


def _in_time(found: Found, before: Mapping[str, float]) -> str:
    """The training that reached most in the seconds of the aims, dictionary and all."""
    inside = [name for name, each in found.items() if _together(each, before) <= AIMED]
    return inside[-1] if inside else next(iter(found))


def _mean(each: Sequence[Scored], method: str, name: str) -> float:
    return float(np.mean([one[name] for one in _of(each, method)]))


def shortfalls(
    found: Found, theirs: Found, without: Figures, before: Mapping[str, float]
) -> list[str]:
    """Aims that were missed: of quality, beside each alone, of speed."""
    name = _in_time(found, before)
    each, short = found[name], list[str]()
    if _together(each, before) > AIMED:
        short.append(f"{name} took {_together(each, before):.0f} CPU s; the aim is {AIMED:.0f}.")
    short += _below_aims(name, each)
    for of in SETS:
        beside = max(without[DICTIONARY][of], _mean(each, CSLS, of))
        if (reached := _mean(each, FUSED, of)) <= beside:
            short.append(f"{name}, {of}: {reached:.1f} together, {beside:.1f} by one alone.")
    for rival, those in theirs.items():
        short += _slower(each, rival, those)
    return short


def _below_aims(name: str, each: Sequence[Scored]) -> list[str]:
    return [
        f"{name}, {method}, {of}: {reached:.1f}; the aim is {aim:g}."
        for method, aims in AIMS.items()
        for of, aim in aims.items()
        if (reached := _mean(each, method, of)) < aim
    ]


def _slower(each: Sequence[Scored], rival: str, those: Sequence[Scored]) -> list[str]:
    short = list[str]()
    ratio = _median(each, "pairs_per_cpu_s") / _median(those, "pairs_per_cpu_s")
    if ratio < AIM_PAIRS:
        short.append(
            f"{ratio:.1f} times the pairs per CPU second of {rival}; the aim is {AIM_PAIRS:g}."
        )
    if _median(each, "texts_per_cpu_s") < _median(those, "texts_per_cpu_s"):
        short.append(f"Embedding is slower than by {rival}.")
    return short


def _answer(found: Found, before: Mapping[str, float]) -> str:
    name = _in_time(found, before)
    each = found[name]
    alone, both = (
        " / ".join(f"{_mean(each, method, of):.1f}" for of in SETS) for method in (COSINE, FUSED)
    )
    return (
        f"Bible / Tatoeba / NTREX, top-1 in percent: {alone} by a static encoder and plain cosine, "
        f"{both} with the dictionary, in {_together(each, before):.0f} CPU seconds for both."
    )


def _notes(
    texts: bibles.Bibles, contest: Contest, before: Mapping[str, float], sizes: Sizes
) -> list[str]:
    counts = ", ".join(f"{count:,} of {name}" for name, count in contest.texts.items())
    stages = ", ".join(f"{name} {cpu:.1f} s" for name, cpu in before.items())
    return [
        f"Trained on {len(texts.chapters):,} verses in {', '.join(texts.verses)}, without a "
        f"twelfth of the chapters. Tested on pairs of texts: {counts}; Bible: the mean of all "
        "pairs of languages, Tatoeba and NTREX: of those with English. Top-1 in percent, mean of "
        "both directions; texts that score alike share it.",
        "Nothing of the texts to test on is in vocabulary, dictionary or training: texts equal to "
        "one of them are left out.",
        "Settings of the dictionary and of the fusion were chosen on another twelfth of the "
        "chapters and, out of domain, on French, which is not on this page. The encoder has the "
        f"product's defaults: vectors of {SIZE} numbers, batches of {BATCH:,}.",
        f"CPU seconds are those of one thread: {stages} before training, once for all seeds. "
        "Alone, an encoder takes reading and vocabulary; with the dictionary, all of it. Those of "
        f"{THEIRS} are without reading and vocabulary: it has ours. The machine had much other "
        "work, which makes CPU seconds longer.",
        "CSLS: less the mean score of each text's ten neighbours. Vectors are centred in each "
        "language before. The dictionary: TF-IDF of words and of characters, each side translated "
        "into the language of the other, with CSLS as well. Together: the sum of both.",
        "Training ends before its steps are over when the loss is flat, as in the product.",
        f"{len(sizes.seeds)} seeds, mean, and least to greatest; with most steps, and of "
        f"{THEIRS}, one seed alone. "
        "Dictionary and characters are the same for every seed.",
        f"{THEIRS}: `StaticEmbedding` with our vocabulary, `MultipleNegativesRankingLoss`, its "
        "trainer with its defaults but for the learning rate, pairs of all languages mixed.",
    ]
