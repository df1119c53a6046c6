"""What do islands of texts reach together that pool none of them, and what do they send for it?

Three islands have English with German, Spanish and Russian, each a third of a Bible's verses, and
are asked about the pairs of languages that none of them has: verses of chapters that are held out,
then news of NTREX; on short sentences of Tatoeba about those with English.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import TypeVar

import msgspec
import torch

from benchmarks import bibles, islands_contest
from benchmarks.bibles import BIBLE, NTREX, SETS
from benchmarks.islands_contest import (
    ALONE,
    DICTIONARY,
    EIGHT_BIT,
    FEDAVG,
    LIST,
    LISTED,
    POOLED,
    POOLED_WORDS,
    SHARED,
    WITH_LIST,
    Contest,
    Figures,
    Settings,
)
from benchmarks.islands_traffic import Sent, sent
from benchmarks.measurement import Measurement, Row
from isthmus.core.errors import IsthmusError

FOLDER = Path(os.environ.get("ISTHMUS_BENCH_MULTILINGUAL", "../shared/data/multilingual"))
KEPT = Path(os.environ["ISTHMUS_BENCH_KEPT"]) if "ISTHMUS_BENCH_KEPT" in os.environ else None
"""Folder of figures that were measured before: a long measurement can be made in parts."""

OF_POOLED, OF_POOLED_ELSEWHERE, OF_FEDAVG = 0.97, 0.9, 1.08
"""Least shares of the pooled encoder, in and out of domain, and of FedAvg."""

OF_WORDS = 1.0
"""Points that a joint vocabulary may lose against one of pooled texts."""

OF_BYTES = 0.3
"""Most bytes of an update in 8 bits, as a share of the whole table in single precision."""

OF_MASKS = 1e-3
"""Most that masks may change a parameter."""


USUAL = Settings()

SEVERAL = {POOLED_WORDS: 2, EIGHT_BIT: 1, ALONE: 1, LISTED: 1}
"""Models that are measured with the first seeds alone: all of them take an hour."""

LONGER = 2
"""Seeds with many batches a round."""

SHORT = 8
"""Batches of a round: the fewer, the more it matters who touched a row."""

EVERY = (SHARED, EIGHT_BIT, FEDAVG, POOLED, POOLED_WORDS, ALONE)
COMPARED = (SHARED, FEDAVG, POOLED)

Found = dict[str, list[Figures]]
"""Figures of each model, one for each seed."""

READ = partial(bibles.read, FOLDER)


def measure(
    seeds: Sequence[int] = (0, 1, 2),
    settings: Settings = USUAL,
    read: Callable[[], bibles.Bibles] = READ,
    traffic: Callable[[Contest, Settings], Sent] = sent,
) -> Measurement:
    """Train with every seed, and find translations.

    Args:
        seeds: Of the jobs; what `SEVERAL` names has the first few.
        settings: How islands train.
        read: Reads the texts.
        traffic: Plays the islands as processes.

    Returns:
        The comparison.
    """
    torch.set_num_threads(1)
    texts = read()
    long = Contest(texts, settings)
    short = Contest(texts, replace(settings, steps=min(SHORT, settings.steps)))
    found = _found(short, seeds, EVERY)
    found[DICTIONARY] = [_kept("dictionary", short.by_dictionary, Figures)]
    longer = _found(long, seeds[:LONGER], COMPARED)
    with TemporaryDirectory() as place:
        for seed in seeds[: SEVERAL[LISTED]]:
            make = partial(long.listed, seed, Path(place))
            name = f"{settings.steps}-listed-{seed}"
            for model, figures in _kept(name, make, dict[str, Figures]).items():
                longer.setdefault(model, []).append(figures)
    crossed, unmeasured = None, list[str]()
    try:
        crossed = _kept("traffic", partial(traffic, long, settings), Sent)
    except IsthmusError as error:
        unmeasured.append(f"Bytes and masks were not measured: {error}")
    steps = short.settings.steps
    tables = {
        f"Pairs of languages that no island has, {steps} batches a round": _rows(found, _OF_PAIRS),
        f"The same with {settings.steps} batches a round": _rows(longer, COMPARED),
        f"One language per island, {settings.steps} batches a round": _rows(longer, _OF_LISTS),
    }
    if crossed is not None:
        tables["Bytes"] = _bytes(crossed)
    missed = [
        *unmeasured,
        *shortfalls(found, steps),
        *shortfalls(longer, settings.steps),
        *_of_the_words(found),
        *(_of_the_bytes(crossed) if crossed else []),
        *_below_the_list({model: _mean(figures) for model, figures in longer.items()}),
    ]
    return Measurement(_answer(found, steps), tables, _notes(short, settings, crossed), missed)


def _found(contest: Contest, seeds: Sequence[int], models: Sequence[str]) -> Found:
    found, steps = Found(), contest.settings.steps
    for model in models:
        for seed in seeds[: SEVERAL.get(model)]:
            make = partial(contest.figures, model, seed)
            figures = _kept(f"{steps}-{model}-{seed}", make, Figures)
            found.setdefault(model, []).append(figures)
    return found


def shortfalls(found: Found, steps: int) -> list[str]:
    """The aims that were missed with so many batches a round."""
    shared, pooled, fedavg = (_mean(found[it]) for it in (SHARED, POOLED, FEDAVG))
    short = list[str]()
    for name, least in ((BIBLE, OF_POOLED), (NTREX, OF_POOLED_ELSEWHERE)):
        if shared[name] < least * pooled[name]:
            short.append(
                f"On {name} {shared[name] / pooled[name]:.3f} times the pooled encoder, with "
                f"{steps} batches a round; the aim is {least:g}."
            )
    if shared[BIBLE] < OF_FEDAVG * fedavg[BIBLE]:
        short.append(
            f"{shared[BIBLE] / fedavg[BIBLE]:.3f} times FedAvg, with {steps} batches a round; the "
            f"aim is {OF_FEDAVG:g}."
        )
    return short


def _of_the_words(found: Found) -> list[str]:
    seeds = len(found[POOLED_WORDS])
    lost = _mean(found[POOLED_WORDS])[BIBLE] - _mean(found[SHARED][:seeds])[BIBLE]
    if lost <= OF_WORDS:
        return []
    return [f"A joint vocabulary loses {lost:.1f} points; the aim is {OF_WORDS:g}."]


def _of_the_bytes(crossed: Sent) -> list[str]:
    short = list[str]()
    if crossed.share > OF_BYTES:
        short.append(f"An update in 8 bits is {crossed.share:.0%} of the table; the aim is 30%.")
    if crossed.moved > OF_MASKS:
        short.append(
            f"After 3 rounds masks have moved a number by up to {crossed.moved:.1g}; the aim is "
            "0.001."
        )
    return short


def _below_the_list(means: Mapping[str, Figures]) -> list[str]:
    short = list[str]()
    for model, title in ((LISTED, "The encoder alone"), (WITH_LIST, "The encoder with the list")):
        below = [name for name in SETS if means[model][name] <= means[LIST][name]]
        if below:
            short.append(
                f"{title}, of islands of one language each, finds fewer translations than the list "
                f"with the same aids on {', '.join(below)}."
            )
    return short


def _rows(found: Found, models: Sequence[str]) -> list[Row]:
    rows = list[Row]()
    for model in models:
        each = found[model]
        row: Row = {"what": model, "seeds": len(each)}
        for name in SETS:
            values = [it[name] for it in each]
            spread = f" ({min(values):.1f} to {max(values):.1f})" if len(values) > 1 else ""
            row[name] = f"{fmean(values):.1f}{spread}"
        rows.append(row)
    return rows


_OF_PAIRS = (*EVERY, DICTIONARY)
_OF_LISTS = (LISTED, WITH_LIST, LIST)


def _bytes(crossed: Sent) -> list[Row]:
    whole = crossed.table
    return [
        {
            "what an island sends": what,
            "bytes": f"{size:,}",
            "of the whole table": f"{size / whole:.0%}",
        }
        for what, size in (
            ("counts of words, once", crossed.counts),
            ("an update under masks", crossed.masked),
            ("an update with the rows that it touched", crossed.touched),
            ("the same in 8 bits", crossed.coarse),
        )
    ]


def _answer(found: Found, steps: int) -> str:
    shared, pooled, fedavg = (_mean(found[it])[BIBLE] for it in (SHARED, POOLED, FEDAVG))
    return (
        f"{shared:.1f}% of verses find their translation between languages that no island has "
        f"together, {shared / pooled:.2f} times what pooled texts give and {shared / fedavg:.2f} "
        f"times FedAvg, with {steps} batches a round."
    )


def _notes(contest: Contest, settings: Settings, crossed: Sent | None) -> list[str]:
    rows = ", ".join(f"{len(it):,} of {name}" for name, it in contest.own.items())
    return [
        f"Pairs of verses: {rows}, each verse at one island. Of the Bible and of NTREX pairs of "
        "languages that no island has, of Tatoeba those with English. Top-1 in percent, both ways, "
        "by CSLS of vectors that are centred in each language.",
        f"{settings.rounds} rounds, batches of {settings.batch}, tables of "
        f"{settings.size} numbers a piece, at most {settings.pieces:,} pieces. Pooled: as many "
        "batches as all islands together, of one island's pairs each, with an optimiser that "
        "begins anew in each round as theirs.",
        "The dictionary is mined from the pairs of all islands, pooled: TF-IDF of words and "
        "characters, with CSLS, as for one organisation.",
        f"One language per island: texts of other verses than the {islands_contest.PUBLIC:,} that "
        "the public list of words was mined from. The list alone has the same aids as the "
        "dictionary above.",
        "Bytes and masks: the islands as processes over mutual TLS, 3 rounds"
        + (
            f", {crossed.pieces:,} pieces. After them a number of the table differs by up to "
            f"{crossed.moved:.1g} with masks and without. A sum is rounded to a millionth; that it "
            "grows is probably Adam's, which makes a whole step of a gradient near zero."
            if crossed
            else "."
        ),
        "Several seeds: mean, and least to greatest. The vocabulary is agreed on anew with each.",
        "Two numbers of batches are shown, as the rules differ where few are trained. The share of "
        "words without a translation that stay, of islands of one language, was chosen on other "
        "chapters.",
    ]


def _mean(figures: Sequence[Figures]) -> Figures:
    return {name: fmean(it[name] for it in figures) for name in figures[0]}


T = TypeVar("T")


def _kept(name: str, make: Callable[[], T], kind: type[T]) -> T:
    path = None if KEPT is None else KEPT / f"{name.replace(' ', '_').replace(',', '')}.json"
    if path is not None and path.exists():
        return msgspec.json.decode(path.read_bytes(), type=kind)
    found = make()
    if path is not None:
        path.write_bytes(msgspec.json.encode(found))
    return found
