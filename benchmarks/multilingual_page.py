"""What the page of the benchmark of encoders says: tables, and aims that were missed."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from benchmarks import multilingual_memory
from benchmarks.bibles import BIBLE, NTREX, SETS, TATOEBA
from benchmarks.measurement import Row
from benchmarks.multilingual_contest import CHARACTERS, COSINE, CSLS, DICTIONARY, FUSED, Figures
from benchmarks.multilingual_memory import Peak
from benchmarks.multilingual_mining import Mined
from benchmarks.multilingual_speed import PAIRS, TEXTS, TOKENS, Speed
from benchmarks.multilingual_trials import THEIRS, Result

AIMED = 60.0
"""CPU seconds in which the aims are to be reached."""

AIMS: Mapping[str, Mapping[str, float]] = {
    COSINE: {BIBLE: 96, TATOEBA: 46, NTREX: 48},
    FUSED: {BIBLE: 97, TATOEBA: 60, NTREX: 74},
}

FASTER: Mapping[str, float] = {PAIRS: 8.0, TOKENS: 3.0, TEXTS: 1.0}
"""Times the speed of each rival that is aimed at."""

GROWTH = 0.1
"""By what share memory may grow when the data grow ten times."""

Found = Mapping[str, Sequence[Result]]
"""By name of the training, one for each seed."""


class Measured(NamedTuple):
    """All that was measured."""

    found: Found
    without: Figures
    """Figures without an encoder."""

    before: Mapping[str, float]
    """CPU seconds before training."""

    speeds: Sequence[Speed] = ()
    peaks: Mapping[str, list[Peak]] = {}
    """Of few rows and of many, by form."""

    mined: Sequence[Mined] = ()


def tables(measured: Measured) -> dict[str, list[Row]]:
    """The tables of the page that have rows, by title."""
    peaks = measured.peaks
    made = {
        "Quality by CPU seconds": quality(measured.found, measured.without, measured.before),
        "Objectives added to pairs, at equal pieces read": objectives(measured.found),
        "Speed of these trainings": _paces(measured.found),
        "Speed in turns with a rival": [_speed(each) for each in measured.speeds],
        "Peak memory of reading a corpus": [_memory(form, each) for form, each in peaks.items()],
        "Mining": [_mining(each) for each in measured.mined],
    }
    return {title: rows for title, rows in made.items() if rows}


def quality(found: Found, without: Figures, before: Mapping[str, float]) -> list[Row]:
    """Top-1 of each set, beside the CPU seconds that it took from the files on.

    Args:
        found: The trainings.
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
        if _is_of_objectives(name):
            continue
        methods = (COSINE, CSLS) if name.startswith(THEIRS) else (COSINE, CSLS, FUSED)
        for method in methods:
            title = f"{name}, with the dictionary" if method == FUSED else f"{name}, {method}"
            rows.append(_row(title, len(each), _seconds(each, before, method), _of(each, method)))
    return rows


def _paces(found: Found) -> list[Row]:
    return [
        {
            "what": name,
            "pairs trained on per CPU s": _pace(each, "pairs_per_cpu_s"),
            "texts embedded per CPU s": _pace(each, "texts_per_cpu_s"),
        }
        for name, each in found.items()
        if not _is_of_objectives(name)
    ]


def _pace(each: Sequence[Result], what: str) -> float:
    return float(np.median([getattr(result.cost, what) for result in each]))


def _seconds(each: Sequence[Result], before: Mapping[str, float], method: str) -> float:
    """From the files on; those of sentence-transformers are without reading and vocabulary."""
    cpu = float(np.mean([result.cost.cpu for result in each]))
    if each[0].trained is None:
        return cpu
    return cpu + sum(
        seconds for name, seconds in before.items() if name != "dictionary" or method == FUSED
    )


def _row(name: str, seeds: int, cpu: float, figures: Sequence[Mapping[str, float]]) -> Row:
    values = {each: spread([one[each] for one in figures]) for each in SETS}
    return {"what": name, "CPU s": round(cpu, 1), "seeds": seeds, **values}


def spread(values: Sequence[float]) -> str:
    """Mean, and least and greatest if there are several."""
    if len(values) == 1:
        return f"{values[0]:.1f}"
    return f"{np.mean(values):.1f} ({min(values):.1f} to {max(values):.1f})"


def _of(each: Sequence[Result], method: str) -> list[Mapping[str, float]]:
    return [result.figures[method] for result in each]


def _is_of_objectives(name: str) -> bool:
    return ": pairs" in name


def objectives(found: Found) -> list[Row]:
    """What each objective adds to pairs, in points of top-1 by cosine, and to masked pieces.

    Args:
        found: The trainings.

    Returns:
        The rows of a table.
    """
    rows = list[Row]()
    for name, each in found.items():
        if not _is_of_objectives(name):
            continue
        alone = found.get(f"{name.partition(':')[0]}: pairs")
        (result,), trained = each, each[0].trained
        assert trained is not None
        row: Row = {"what": name, "steps": trained.steps, "CPU s": round(trained.cpu, 1)}
        for of in SETS:
            top1 = result.figures[COSINE][of]
            change = "" if alone is None or alone is each else _change(top1, alone, of)
            row[of] = f"{top1:.1f}{change}"
        row |= {f"{task}, right": f"{share:.1f}" for task, share in trained.masked.items()}
        rows.append(row)
    return rows


def said_of_layers(found: Found) -> list[str]:
    """Whether encoders with a layer are above the static one, in as many seconds or more."""
    said = list[str]()
    static = {name: each for name, each in found.items() if name.startswith("static, ")}
    if not static:
        return said
    beside = list(static)[-1]
    for name, each in found.items():
        if name.startswith("tiny") and not _is_of_objectives(name):
            above = [
                of for of in SETS if _mean(each, COSINE, of) > _mean(static[beside], COSINE, of)
            ]
            what = (
                f"above {beside!r} on {', '.join(above)}" if above else f"below {beside!r} on all"
            )
            said.append(f"{name}, {COSINE}: {what}.")
    return said


def said_of_objectives(found: Found) -> list[str]:
    """Which objectives helped to find translations, at equal pieces read."""
    said = list[str]()
    for kind in ("static", "tiny"):
        alone = found.get(f"{kind}: pairs")
        added = {
            name.rpartition(" ")[2]: each
            for name, each in found.items()
            if name.startswith(f"{kind}: pairs and ")
        }
        if alone and added:
            helped = [
                name
                for name, each in added.items()
                if all(_mean(each, COSINE, of) > _mean(alone, COSINE, of) for of in SETS)
            ]
            said.append(
                f"Added to pairs of {kind}, helped on all three sets: "
                f"{', '.join(helped) or 'none'} of {', '.join(added)}."
            )
    return said


def _change(top1: float, alone: Sequence[Result], of: str) -> str:
    return f" ({top1 - alone[0].figures[COSINE][of]:+.1f})"


def _speed(speed: Speed) -> Row:
    return {
        "what": f"{speed.what}, {speed.encoder}",
        "per CPU s": speed.ours,
        "rival": speed.rival,
        "per CPU s of it": speed.theirs,
        "ratio": f"{speed.ratio:.1f}",
        "aim": f"{FASTER[speed.what]:g}",
    }


def _memory(form: str, peaks: list[Peak]) -> Row:
    sizes = zip(multilingual_memory.ROWS, peaks, strict=True)
    return {
        "form": form,
        **{f"MB, {rows:,} rows": f"{peak.bytes / 1e6:.1f}" for rows, peak in sizes},
        "growth": f"{multilingual_memory.growth(peaks):+.1%}",
    }


def _mining(mined: Mined) -> Row:
    return {
        "test": f"{mined.test} and en",
        "score": mined.score,
        "pairs": mined.pairs,
        "precision": f"{mined.precision:.1f}",
        "recall": f"{mined.recall:.1f}",
        "precision told": "" if mined.told is None else f"{mined.told:.1f}",
    }


def _in_time(found: Found, before: Mapping[str, float]) -> str:
    """The static training that reached most in the seconds of the aims, dictionary and all."""
    inside = [
        name
        for name, each in found.items()
        if name.startswith("static, ") and _seconds(each, before, FUSED) <= AIMED
    ]
    return inside[-1] if inside else next(iter(found))


def _mean(each: Sequence[Result], method: str, name: str) -> float:
    return float(np.mean([one[name] for one in _of(each, method)]))


def shortfalls(measured: Measured) -> list[str]:
    """Aims that were missed: of quality, beside each alone, of speed and memory."""
    found, without, before, speeds, peaks, _ = measured
    name = _in_time(found, before)
    each, short = found[name], list[str]()
    if (took := _seconds(each, before, FUSED)) > AIMED:
        short.append(f"{name} took {took:.0f} CPU s; the aim is {AIMED:.0f}.")
    short += _below_aims(name, each)
    for of in SETS:
        beside = max(without[DICTIONARY][of], _mean(each, CSLS, of))
        if (reached := _mean(each, FUSED, of)) <= beside:
            short.append(f"{name}, {of}: {reached:.1f} together, {beside:.1f} by one alone.")
    short += [
        f"{speed.what}, {speed.encoder}: {speed.ratio:.1f} times {speed.rival}; the aim is "
        f"{FASTER[speed.what]:g}."
        for speed in speeds
        if speed.ratio < FASTER[speed.what]
    ]
    return short + [
        f"Memory of reading {form} grows by {growth:.1%}; the aim is {GROWTH:.0%}."
        for form, of in peaks.items()
        if (growth := multilingual_memory.growth(of)) > GROWTH
    ]


def _below_aims(name: str, each: Sequence[Result]) -> list[str]:
    return [
        f"{name}, {method}, {of}: {reached:.1f}; the aim is {aim:g}."
        for method, aims in AIMS.items()
        for of, aim in aims.items()
        if (reached := _mean(each, method, of)) < aim
    ]


def answer(found: Found, before: Mapping[str, float]) -> str:
    """What was reached in the seconds of the aims, in a sentence."""
    name = _in_time(found, before)
    each = found[name]
    alone, both = (
        " / ".join(f"{_mean(each, method, of):.1f}" for of in SETS) for method in (COSINE, FUSED)
    )
    return (
        f"Bible / Tatoeba / NTREX, top-1 in percent: {alone} by a static encoder and plain cosine "
        f"in {_seconds(each, before, COSINE):.0f} CPU seconds, {both} with the dictionary in "
        f"{_seconds(each, before, FUSED):.0f}."
    )
