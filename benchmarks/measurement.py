"""An answer to a benchmark's question, and the page that it goes to."""

import os
import platform
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import psutil

RESULTS = Path(__file__).parent / "results"

LIBRARIES = (
    "isthmus",
    "cryptography",
    "flwr",
    "gmpy2",
    "grpcio",
    "msgspec",
    "numba",
    "numpy",
    "phe",
    "pyarrow",
    "ray",
    "rbcl",
    "scikit-learn",
    "sentence-transformers",
    "tenseal",
    "tokenizers",
    "torch",
)
"""Whose versions matter to a result."""

Row = dict[str, str | int | float]


@dataclass(frozen=True)
class Measurement:
    """What a benchmark found out."""

    answer: str
    """One sentence, with the ratio to the rival."""

    tables: dict[str, list[Row]]
    """Rows by title; all rows of a table have the same keys."""

    notes: list[str]
    """What was measured and how, and what a number leaves out."""

    falls_short: list[str] = field(default_factory=list[str])
    """Aims that were missed, and what could not be measured."""


@dataclass(frozen=True)
class Circumstances:
    """Where, when and with what something was measured: nothing that names the machine."""

    processor: str
    cores: int
    memory_gib: float
    load: float
    """Processes that wanted to run in the minute before."""

    system: str
    date: str
    versions: dict[str, str]


def speed_beside(ours: float, theirs: float, rival: str) -> str:
    """How our seconds compare with those of a rival, as a part of a sentence about us."""
    if theirs > ours:
        return f"{_ratio(theirs / ours)} times as fast as {rival}"
    return f"{_ratio(ours / theirs)} times the time of {rival}"


def _ratio(ratio: float) -> str:
    return f"{ratio:.2g}" if ratio < 10 else f"{ratio:,.0f}"  # noqa: PLR2004 - two digits


def circumstances() -> Circumstances:
    """Look at this machine before a measurement loads it."""
    return Circumstances(
        processor=_processor(),
        cores=os.cpu_count() or 1,
        memory_gib=round(psutil.virtual_memory().total / 2**30, 1),
        load=round(os.getloadavg()[0], 2),
        system=platform.system(),
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        versions={"python": platform.python_version()}
        | {name: metadata.version(name) for name in LIBRARIES},
    )


def page(name: str, question: str, found: Measurement, where: Circumstances) -> str:
    """The results page of one benchmark, in Markdown."""
    versions = ", ".join(f"{library} {version}" for library, version in where.versions.items())
    parts = [f"# {question}", found.answer]
    parts += [f"## {title}\n\n{_table(rows)}" for title, rows in found.tables.items()]
    parts += ["## How it was measured", _list(found.notes)]
    parts += ["## What falls short", _list(found.falls_short or ["Every aim was met."])]
    parts += [
        f"## Circumstances\n\n"
        f"- machine: {where.processor}, {where.cores} cores, {where.memory_gib} GiB memory, "
        f"{where.system}; load before the run {where.load}\n"
        f"- date: {where.date}\n"
        f"- versions: {versions}\n"
        f"- command: `make bench NAME={name}`",
    ]
    return "\n\n".join(parts) + "\n"


def _table(rows: list[Row]) -> str:
    lines = [list(rows[0]), ["---"] * len(rows[0])]
    lines += [[_cell(value) for value in row.values()] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: str | float) -> str:
    match value:
        case str():
            return value
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"  # noqa: PLR2004


def _list(items: list[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _processor() -> str:
    facts = Path("/proc/cpuinfo")  # Linux; elsewhere the standard library knows
    names = [
        line.partition(":")[2].strip()
        for line in (facts.read_text() if facts.exists() else "").splitlines()
        if line.startswith("model name")
    ]
    return names[0] if names else platform.processor()
