"""The registry: which table of a job file starts which system, and where its code is.

A system is a room of its own; all that the kernel knows of it is one row here. Its module is loaded
when a job asks for it, so an extra's library is never needed by a job of another system.
"""

import importlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Annotated, Any, get_args

from msgspec import Meta

from isthmus.alignment.attested.spec import AttestedAlignment
from isthmus.alignment.cryptographic.spec import CryptographicAlignment
from isthmus.core import extras
from isthmus.core.errors import SpecError
from isthmus.core.spec import Spec
from isthmus.data.spec import Dataset
from isthmus.horizontal.encoders.spec import Encoders
from isthmus.horizontal.weighting.spec import Weighting
from isthmus.multilingual.spec import Multilingual
from isthmus.multitask.spec import Multitask
from isthmus.vertical.baseline.spec import Baseline
from isthmus.vertical.boosting.spec import Boosting
from isthmus.vertical.prediction.spec import Prediction
from isthmus.vertical.preparation.spec import Preparation
from isthmus.vertical.regression.spec import Regression


@dataclass(frozen=True, kw_only=True)
class Family:
    """Jobs that are planned, run and reported in one way: whose parties hold what."""

    name: str
    module: str
    """Holds the functions of `plan.py:FamilyCode`."""

    tables: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Types of the tables of a job file that belong to this family, by name."""

    searched: tuple[str, ...] = ()
    """Those of them that a search may change, besides the table of the system."""

    messages: tuple[str, ...] = ()
    """Modules of the messages that its parties exchange, whatever they train."""


@dataclass(frozen=True)
class Row:
    """One system."""

    table: str
    """Its table in the job file."""

    spec: Any
    """The type of that table, or the union of its kinds; it imports nothing heavy."""

    module: str
    """Holds the functions of `isthmus/system.py`; loaded when a job asks for it."""

    family: str
    extra: str | None = None
    """The extra that brings its libraries; None where the core is enough."""

    messages: tuple[str, ...] = ()
    """Modules of the messages that its roles exchange."""


FAMILIES = (
    Family(
        name="aligned",
        module="isthmus.jobs.aligned.family",
        tables={
            "alignment": CryptographicAlignment | AttestedAlignment,
            "preparation": Preparation,
        },
        searched=("preparation",),
        messages=(
            "isthmus.jobs.messages",
            "isthmus.jobs.aligned.messages",
            "isthmus.alignment.attested.messages",
            "isthmus.alignment.cryptographic.messages",
            "isthmus.alignment.cryptographic.diffie_hellman.messages",
            "isthmus.alignment.cryptographic.oblivious.messages",
            "isthmus.vertical.preparation.messages",
        ),
    ),
    Family(
        name="rounds",
        module="isthmus.jobs.rounds.family",
        messages=(
            "isthmus.jobs.messages",
            "isthmus.horizontal.messages",
            "isthmus.horizontal.privacy.messages",
        ),
    ),
    Family(
        name="local",
        module="isthmus.jobs.local.family",
        tables={
            "datasets": Annotated[
                dict[str, Dataset],
                Meta(description="where each data set lies, by name, of a job without parties"),
            ]
        },
    ),
)

ROWS = (
    Row(
        "regression",
        Regression,
        "isthmus.vertical.regression.system",
        family="aligned",
        messages=(
            "isthmus.vertical.regression.messages",
            "isthmus.vertical.regression.encrypted.messages",
            "isthmus.vertical.regression.shared.messages",
            "isthmus.vertical.regression.products.messages",
        ),
    ),
    Row(
        "boosting",
        Boosting,
        "isthmus.vertical.boosting.system",
        family="aligned",
        messages=("isthmus.vertical.boosting.messages",),
    ),
    Row(
        "prediction",
        Prediction,
        "isthmus.vertical.prediction.system",
        family="aligned",
        messages=(
            "isthmus.vertical.boosting.messages",
            "isthmus.vertical.prediction.messages",
            "isthmus.vertical.regression.messages",
        ),
    ),
    Row(
        "encoders",
        Encoders,
        "isthmus.horizontal.encoders.system",
        family="rounds",
        extra="horizontal",
    ),
    Row(
        "weighting",
        Weighting,
        "isthmus.horizontal.weighting.system",
        family="rounds",
        extra="horizontal",
    ),
    Row("baseline", Baseline, "isthmus.vertical.baseline.system", family="local"),
    Row(
        "multitask",
        Multitask,
        "isthmus.multitask.system",
        family="local",
        extra="paramserver",
    ),
    Row(
        "multilingual",
        Multilingual,
        "isthmus.multilingual.system",
        family="local",
        extra="multilingual",
    ),
)

DEFAULT_FAMILY = "aligned"
"""Of a job without a system: it ends with the alignment."""


def tables() -> dict[str, type[Spec]]:
    """Returns the types of the tables of all systems, by their names in Python."""
    kinds = [kind for row in ROWS for kind in get_args(row.spec) or (row.spec,)]
    return {kind.__name__: kind for kind in kinds}


def row(table: str) -> Row:
    """The row of a system.

    Args:
        table: Its table in the job file, as results name it.

    Returns:
        The row.

    Raises:
        SpecError: There is none.
    """
    for found in ROWS:
        if found.table == table:
            return found
    raise SpecError(f"the run is of a system {table!r}, which this version does not have.")


def row_of(tables: Mapping[str, object]) -> Row | None:
    """The row of the one system that a job asks for.

    Args:
        tables: The tables of the job file by name; None for one that is not in it.

    Returns:
        The row; None where no table is that of a system.

    Raises:
        SpecError: There are several.
    """
    found = [row for row in ROWS if tables.get(row.table) is not None]
    if len(found) > 1:
        named = ", ".join(f"[{row.table}]" for row in found)
        raise SpecError(f"a job trains one thing, and this one has the tables {named}.")
    return found[0] if found else None


def family(name: str) -> Family:
    """The family of that name.

    Args:
        name: As rows and results name it.

    Returns:
        The family.

    Raises:
        SpecError: There is none.
    """
    for found in FAMILIES:
        if found.name == name:
            return found
    raise SpecError(f"the run is of a family {name!r}, which this version does not have.")


def load_system(row: Row) -> ModuleType:
    """Import the code of a system.

    Threads of PyTorch, in this process and in those that it starts, are told not to spin while they
    wait for each other: beside other processes that takes ten times as long.

    Args:
        row: Its row.

    Returns:
        The module.

    Raises:
        MissingExtraError: A library of the extra that it needs is not installed.
    """
    what = f"a job with the table [{row.table}]"
    extras.require(row.extra, what)
    if row.extra is not None and "torch" in extras.EXTRAS[row.extra]:
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read once, when PyTorch is loaded
    with extras.advised(what, row.extra):
        return importlib.import_module(row.module)


def system_of(tables: Mapping[str, object]) -> tuple[Row, ModuleType] | None:
    """Returns the row of the one system that a job asks for, and its code; None of no system."""
    row = row_of(tables)
    return None if row is None else (row, load_system(row))


def load_family(name: str) -> ModuleType:
    """Import the code of a family."""
    with extras.advised(f"a job of the family {name!r}"):
        return importlib.import_module(family(name).module)


def message_modules() -> Iterator[ModuleType]:
    """Import every module that declares messages of a job."""
    names = dict.fromkeys(name for each in (*FAMILIES, *ROWS) for name in each.messages)
    return map(importlib.import_module, names)
