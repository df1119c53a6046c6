"""Fields of the page about a run that every family has, read from the run folder."""

from collections.abc import Container, Mapping
from datetime import datetime
from typing import Any

import msgspec

from isthmus.core.errors import LedgerError
from isthmus.crypto import certificates
from isthmus.evaluation.pages.page import Sent
from isthmus.jobs.result import AnyResult, PartyResult
from isthmus.ledger.record import records
from isthmus.ledger.summary import summarise
from isthmus.ledger.verify import verify
from isthmus.store.runs import Run

Fields = dict[str, Any]

_STAGES = {
    "kernel": "encrypted product",
    "sums": "encrypted sums",
    "transport": "waiting for messages",
}
"""What people call a stage whose name in the code says too little to them."""


def local_facts(result: AnyResult, started: str, wholes: Container[str] = ("total",)) -> Fields:
    """The fields of `isthmus.evaluation.pages.page.Page` that every run has.

    Args:
        result: What the run says of itself.
        started: When it started, in ISO 8601.
        wholes: Names of times that other ones are parts of.

    Returns:
        By name of the field.
    """
    return {
        "job": result.job,
        "digest": result.digest,
        "version": result.version,
        "started": datetime.fromisoformat(started).timestamp(),
        "seconds": result.seconds["total"],
        "stages": _stages(result.seconds, wholes),
        "missing": {name: why for name, why in result.missing.items() if name != "report"},
    }


def facts(run: Run, result: PartyResult, wholes: Container[str]) -> Fields:
    """The fields of `isthmus.evaluation.pages.page.Page`, but for warnings.

    Args:
        run: The run folder of a party.
        result: What is in it.
        wholes: Names of times that other ones are parts of.

    Returns:
        By name of the field.
    """
    return local_facts(result, result.started, wholes) | {
        "party": result.party,
        "role": result.role,
        "peers": result.peers,
        "learned": result.learned,
        "engine": result.engine,
        "sent": [Sent(**msgspec.structs.asdict(row)) for row in summarise(records(run.ledger))],
        "verdict": _verdict(run),
    }


def _stages(seconds: Mapping[str, float], wholes: Container[str]) -> dict[str, float]:
    """Where the time went, in parts that do not overlap."""
    parts = {name: spent for name, spent in seconds.items() if name not in wholes}
    named = {_STAGES.get(name, name): spent for name, spent in parts.items()}
    return named | {"everything else": max(0.0, seconds["total"] - sum(parts.values()))}


def _verdict(run: Run) -> str:
    certificate = run.certificate.read_bytes()
    try:
        return str(
            verify(run.ledger, lambda data, seal: certificates.verify(certificate, seal, data))
        )
    except LedgerError as error:
        return f"The ledger does not verify: {error}"
