"""What do islands of texts reach together that pool none of them, and what do they send for it?

Three islands have English with German, Spanish and Russian, each a third of a Bible's verses, and
are asked about the pairs of languages that none of them has: verses of chapters that are held out,
then news of NTREX; on short sentences of Tatoeba about those with English.
"""

import os
from collections.abc import Callable, Mapping, Sequence
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

SEVERAL = {POOLED_WORDS: 1, EIGHT_BIT: 1, ALONE: 1, LISTED: 1}
"""Models that are measured with the first seed alone: all of them take an hour."""

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
    contest = Contest(read(), settings)
    found = Found()
    for model in (SHARED, POOLED, FEDAVG, POOLED_WORDS, EIGHT_BIT, ALONE):
        for seed in seeds[: SEVERAL.get(model)]:
            figures = _kept(f"{model}-{seed}", partial(contest.figures, model, seed), Figures)
            found.setdefault(model, []).append(figures)
    found[DICTIONARY] = [_kept("dictionary", contest.by_dictionary, Figures)]
    with TemporaryDirectory() as place:
        for seed in seeds[: SEVERAL[LISTED]]:
            make = partial(contest.listed, seed, Path(place))
            for model, figures in _kept(f"listed-{seed}", make, dict[str, Figures]).items():
                found.setdefault(model, []).append(figures)
    crossed = _kept("traffic", partial(traffic, contest, settings), Sent)
    tables = {
        "Pairs of languages that no island has": _rows(found, _OF_PAIRS),
        "One language per island": _rows(found, _OF_LISTS),
        "Bytes": _bytes(crossed),
    }
    return Measurement(
        _answer(found), tables, _notes(contest, settings, crossed), shortfalls(found, crossed)
    )


def shortfalls(found: Found, crossed: Sent) -> list[str]:
    """The aims that were missed."""
    means = {model: _mean(figures) for model, figures in found.items()}
    shared, pooled, fedavg = means[SHARED], means[POOLED], means[FEDAVG]
    short = list[str]()
    for name, least in ((BIBLE, OF_POOLED), (NTREX, OF_POOLED_ELSEWHERE)):
        if shared[name] < least * pooled[name]:
            short.append(
                f"On {name}, {shared[name] / pooled[name]:.3f} of the pooled encoder; the aim is "
                f"{least:g}."
            )
    if shared[BIBLE] < OF_FEDAVG * fedavg[BIBLE]:
        short.append(f"{shared[BIBLE] / fedavg[BIBLE]:.3f} times FedAvg; the aim is {OF_FEDAVG:g}.")
    if (lost := means[POOLED_WORDS][BIBLE] - shared[BIBLE]) > OF_WORDS:
        short.append(f"A joint vocabulary loses {lost:.1f} points; the aim is {OF_WORDS:g}.")
    if crossed.share > OF_BYTES:
        short.append(f"An update in 8 bits is {crossed.share:.0%} of the table; the aim is 30%.")
    if crossed.moved > OF_MASKS:
        short.append(f"Masks move a parameter by up to {crossed.moved:.1g}; the aim is 0.001.")
    return [*short, *_below_the_list(means)]


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


_OF_PAIRS = (SHARED, EIGHT_BIT, FEDAVG, POOLED, POOLED_WORDS, ALONE, DICTIONARY)
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


def _answer(found: Found) -> str:
    shared, pooled, fedavg = (_mean(found[it])[BIBLE] for it in (SHARED, POOLED, FEDAVG))
    return (
        f"{shared:.1f}% of verses find their translation between languages that no island has "
        f"together, {shared / pooled:.2f} times what pooled texts give and {shared / fedavg:.2f} "
        "times FedAvg."
    )


def _notes(contest: Contest, settings: Settings, crossed: Sent) -> list[str]:
    rows = ", ".join(f"{len(it):,} of {name}" for name, it in contest.own.items())
    return [
        f"Pairs of verses: {rows}, each verse at one island. Of the Bible and of NTREX pairs of "
        "languages that no island has, of Tatoeba those with English. Top-1 in percent, both ways, "
        "by CSLS of vectors that are centred in each language.",
        f"{settings.rounds} rounds of {settings.steps} batches of {settings.batch}, tables of "
        f"{settings.size} numbers a piece, at most {settings.pieces:,} pieces. Pooled: as many "
        "batches as all islands together, of one island's pairs each, with an optimiser that "
        "begins anew in each round as theirs.",
        "The dictionary is mined from the pairs of all islands, pooled: TF-IDF of words and "
        "characters, with CSLS, as for one organisation.",
        f"One language per island: texts of other verses than the {islands_contest.PUBLIC:,} that "
        "the public list of words was mined from. The list alone has the same aids as the "
        "dictionary above.",
        f"Bytes and masks: the islands as processes over mutual TLS, {crossed.pieces:,} pieces, 3 "
        "rounds; with masks and without, numbers of the tables differ by "
        f"{crossed.moved:.1g} at most.",
        f"Several seeds: mean, and least to greatest. One seed: {', '.join(sorted(SEVERAL))}.",
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
