"""Reads finished runs, whatever their family: the result, and what people are shown of it."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import cast

import msgspec

from isthmus.core.errors import SpecError
from isthmus.jobs import registry
from isthmus.jobs.plan import FamilyCode
from isthmus.jobs.result import AnyResult, SimulatedResult, Summary
from isthmus.store.runs import Run


class Result(msgspec.Struct, frozen=True):
    """What every result says first."""

    kind: str  # `<family>.<what>`


def family_of(run: Run) -> FamilyCode:
    """The code of the family that a finished run is of.

    Args:
        run: The run folder.

    Returns:
        Its module.

    Raises:
        SpecError: The run has not finished, or is of a family that is not there.
    """
    kind = run.read_json(run.result.name, Result).kind
    return cast(FamilyCode, registry.load_family(kind.partition(".")[0]))


def read(run: Run) -> AnyResult:
    """Read the result of a finished run, whatever it was.

    Args:
        run: The run folder.

    Returns:
        One of the result structs of its family.

    Raises:
        SpecError: The run has not finished, or its result is not what a run writes.
    """
    result: AnyResult = run.read_json(run.result.name, family_of(run).RESULTS)
    return result


def summary(run: Run) -> Summary:
    """Returns the end of a finished run, for people: what is missing is named there."""
    with as_written(run):
        result = read(run)
        found = family_of(run).summary(run, result)
    missing = [(f"no {name}", why) for name, why in _missing(run, result).items()]
    return msgspec.structs.replace(found, facts=[*found.facts, *missing])


def _missing(run: Run, result: AnyResult) -> dict[str, str]:
    if isinstance(result, SimulatedResult) or not hasattr(result, "metrics"):
        return result.missing  # its pages are those of its parties, or there is none
    unwritten = {} if run.report.exists() else {"report": f"run `isthmus report {run.folder}`"}
    return unwritten | result.missing


@contextmanager
def as_written(run: Run) -> Generator[None]:
    """Read files of a run that somebody may have changed.

    Args:
        run: The run folder.

    Yields:
        Nothing.

    Raises:
        SpecError: What the block reads is not what a run writes.
    """
    try:
        yield
    except (AttributeError, KeyError, StopIteration, ValueError) as error:
        raise SpecError(
            f"{run.result}: is not what a run writes ({type(error).__name__}). It was changed, or "
            "written by another version; run the job once more with --again."
        ) from error
