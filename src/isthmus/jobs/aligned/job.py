"""Checks a job over aligned columns by itself, and lists what its parties exchange."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from isthmus.alignment.attested.forecast import forecast as forecast_attested
from isthmus.alignment.attested.spec import MOST_PARTIES, AttestedAlignment
from isthmus.alignment.cryptographic.forecast import forecast as forecast_cryptographic
from isthmus.alignment.cryptographic.spec import CryptographicAlignment
from isthmus.core.errors import SpecError
from isthmus.jobs.aligned.messages import ChosenAlignment, HeldAlignment
from isthmus.jobs.job import Expected, Job
from isthmus.jobs.load import check_roles
from isthmus.jobs.plan import Loaded
from isthmus.ledger.forecast import Flow, Sizes
from isthmus.vertical.preparation import system as preparing
from isthmus.vertical.preparation.forecast import forecast as forecast_preparation
from isthmus.vertical.preparation.spec import Preparation
from isthmus.vertical.system import ChecksExpected, KnowsParties

Alignment = CryptographicAlignment | AttestedAlignment


def alignment_of(job: Job) -> Alignment:
    """How a job finds the shared rows; by cryptography where it says nothing."""
    said: Alignment | None = job.alignment
    return said or CryptographicAlignment()


def is_attested(job: Job) -> bool:
    """Returns whether a job finds the shared rows inside enclaves."""
    return isinstance(alignment_of(job), AttestedAlignment)


def in_words(job: Job) -> str:
    """Returns how a job finds the shared rows, as the end of a sentence."""
    said = alignment_of(job)
    how = "by blinded identifiers, which no other party can read"
    if isinstance(said, AttestedAlignment):
        how = "inside enclaves, which prove to each other what they run"
    return f"{how}; go on if {said.minimum_size:,} or more are shared"


def preparation_of(loaded: Loaded) -> Preparation | None:
    """Returns the table `[preparation]` of a job, if it has one."""
    found: Preparation | None = loaded.job.tables["preparation"]
    return found


def most_columns(loaded: Loaded, passive: str) -> int:
    """Returns the most columns that the job lets a passive party train."""
    found: int = loaded.spec.columns_of(passive)
    return found


def every_most(loaded: Loaded) -> dict[str, int] | None:
    """Returns the most columns of every party, if the job has all know how many each trains."""
    shared = loaded.spec.shared
    if shared is None:
        return None
    passives = loaded.job.peers(loaded.first)
    of_passives = {name: most_columns(loaded, name) for name in passives}
    return {loaded.first: shared.active_columns, **of_passives}


def training_spec(loaded: Loaded, columns: Mapping[str, int]) -> Any:
    """What the job says of its system, with the columns that passive parties train.

    Args:
        loaded: The job.
        columns: Number of prepared columns, by name of the party, of those that are known.

    Returns:
        The table of the system.
    """
    if preparation_of(loaded) is None or not columns:
        return loaded.spec
    spec, first = loaded.spec, columns.get(loaded.first)
    passives = {name: count for name, count in columns.items() if name != loaded.first}
    if first is not None and spec.shared is not None:
        shared = msgspec.structs.replace(spec.shared, active_columns=first)
        spec = msgspec.structs.replace(spec, shared=shared)
    if len(passives) == 1:
        return msgspec.structs.replace(spec, passive_columns=next(iter(passives.values())))
    return msgspec.structs.replace(spec, passive_columns=passives) if passives else spec


def check(loaded: Loaded) -> None:
    """Refuse a job file that contradicts itself, seen without data.

    Args:
        loaded: The job.

    Raises:
        SpecError: Roles, identifiers or the alignment do not fit each other.
    """
    job, alignment = loaded.job, alignment_of(loaded.job)
    check_roles(loaded, loaded.system.MOST_PARTIES if loaded.trains else None)
    if loaded.trains and isinstance(loaded.code, KnowsParties):
        passives = [name for name in job.parties if name != loaded.first]
        loaded.code.check_parties(loaded.spec, passives)
    if loaded.trains and not loaded.scores and job.expected is not None:
        _check_expected(loaded, job.expected)
    if not loaded.data.identifiers:
        raise SpecError(
            "`data.identifiers` is empty, and the parties find their shared rows by it: say what "
            'identifies a row, for example identifiers = ["person"].'
        )
    if len(job.parties) > MOST_PARTIES:
        raise SpecError(
            f"an alignment is for {MOST_PARTIES} parties at most, and `parties` has "
            f"{len(job.parties)}."
        )
    if isinstance(alignment, AttestedAlignment):
        _check_results(loaded, alignment)
    preparation = preparation_of(loaded)
    if preparation is not None:
        preparing.check(preparation, loaded.spec if loaded.trains else None)


def _check_expected(loaded: Loaded, expected: Expected) -> None:
    if isinstance(loaded.code, ChecksExpected):
        loaded.code.check_expected(loaded.spec, expected.rounds, expected.functions)
    elif expected.functions:
        raise SpecError(
            f"`expected.functions` is {expected.functions}, and {loaded.table} has none: take the "
            "key out."
        )


def _check_results(loaded: Loaded, alignment: AttestedAlignment) -> None:
    for party, share in alignment.results.items():
        if party not in loaded.job.parties:
            raise SpecError(
                f"`alignment.results` names {party!r}; the job's parties are "
                f"{', '.join(loaded.job.parties)}."
            )
        if share != "rows" and loaded.trains:
            raise SpecError(
                f'`alignment.results.{party}` is "{share}", but training needs the rows of every '
                'party. Make it "rows", or leave the training out of the job.'
            )


def flows(loaded: Loaded, other: str, sizes: Sizes) -> list[list[Flow]]:
    """What crosses between the first party and another one: choose, align, prepare, train.

    Args:
        loaded: The job.
        other: The other party.
        sizes: What to reckon with; its rows are by name of the party.

    Returns:
        The messages of each step; none in the last one where the job trains nothing.
    """
    prepared, trained = list[Flow](), list[Flow]()
    preparation = preparation_of(loaded)
    if preparation is not None:
        most = most_columns(loaded, other)
        columns = sizes.prepared.get(other, most)
        every = every_most(loaded)
        told = every and every | {name: sizes.prepared.get(name, every[name]) for name in every}
        prepared = list(forecast_preparation(preparation, sizes.train, most, columns, told))
    if loaded.trains:
        trained = loaded.system.forecast(training_spec(loaded, sizes.prepared), other, sizes)
    return [list(_choice()), list(_alignments(loaded, other, sizes)), prepared, trained]


def smallest(loaded: Loaded) -> Sizes:
    """Returns sizes with which every message of the job crosses at least once."""
    rows = dict.fromkeys(loaded.job.parties, 1)
    return Sizes(rows=rows, shared=2, train=1, test=1, test_rows={}, rounds=2)


def _choice() -> Iterator[Flow]:
    yield Flow("passive", HeldAlignment(id=None), 1)
    yield Flow("active", ChosenAlignment(id="0" * 32, new=True), 1)


def _alignments(loaded: Loaded, other: str, sizes: Sizes) -> Iterator[Flow]:
    """What crosses while the rows of the first party and another one are aligned."""
    each = [sizes]
    if sizes.test_rows:
        # With a fold, rows of the data set to train on are scored; of the other we know no more.
        shared = sizes.test if loaded.data.fold is None else min(sizes.test_rows.values())
        each.append(replace(sizes, rows=sizes.test_rows, shared=shared))
    for found in each:
        rows = {"active": found.rows[loaded.first], "passive": found.rows[other]}
        yield from _alignment(loaded, other, replace(found, rows=rows))


def _alignment(loaded: Loaded, other: str, sizes: Sizes) -> list[Flow]:
    match alignment_of(loaded.job):
        case AttestedAlignment() as spec:
            shares = {
                "active": spec.results.get(loaded.first, "rows"),
                "passive": spec.results.get(other, "rows"),
            }
            return forecast_attested(msgspec.structs.replace(spec, results=shares), sizes)
        case spec:
            return forecast_cryptographic(spec, sizes)
