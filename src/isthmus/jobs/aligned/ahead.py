"""Estimates how long a run computes, by a short measurement on this machine."""

import time
from functools import cache

from isthmus.alignment.cryptographic.spec import CryptographicAlignment
from isthmus.crypto.curve import BlindingKey
from isthmus.crypto.oblivious.okvs import hashed
from isthmus.jobs.aligned.alignment import held
from isthmus.jobs.aligned.job import alignment_of, most_columns, preparation_of
from isthmus.jobs.aligned.plan import AlignedPlan
from isthmus.jobs.plan import Estimate
from isthmus.ledger.forecast import Sizes
from isthmus.vertical.preparation import system as preparing
from isthmus.vertical.system import PlansAhead

_BLINDED, _HASHED = 128, 4_096  # what is measured
_TRANSFERS = 0.5  # seconds of the oblivious protocol before it comes to rows
_HASHES_A_ROW = 4.0  # what it takes for a row, in hashes of identifiers


def estimate(plan: AlignedPlan, sizes: Sizes) -> Estimate | None:
    """Measure for a moment, and reckon what a run of these sizes takes.

    Args:
        plan: The job and the party.
        sizes: What to reckon with.

    Returns:
        The estimate, as if the other machines were like this one and lines took no time; None where
        the system does not know.
    """
    loaded, system = plan.loaded, plan.loaded.code
    training, rounds = 0.0, 0
    if loaded.trains:
        if not isinstance(system, PlansAhead):
            return None
        training = system.seconds_per_round(loaded.spec, sizes, plan.party.compute.engine)
        rounds = sizes.rounds
    at_most = plan.job.expected is None
    return Estimate(_alignment(plan, sizes), training, rounds, at_most, _preparation(plan, sizes))


def _preparation(plan: AlignedPlan, sizes: Sizes) -> float:
    """The first party prepares columns with each of the others, one after the other."""
    spec = preparation_of(plan.loaded)
    if spec is None:
        return 0.0
    columns = [most_columns(plan.loaded, other) for other in plan.job.peers(plan.first)]
    return preparing.seconds(spec, sizes.train, columns, plan.party.compute.engine)


def _alignment(plan: AlignedPlan, sizes: Sizes) -> float:
    """The first party aligns with each of the others, and both compute at the same time."""
    spec = alignment_of(plan.job)
    if held(plan) is not None or not isinstance(spec, CryptographicAlignment):
        return 0.0  # enclaves take well under a second for a hundred thousand rows
    total = 0.0
    for rows in (sizes.rows, sizes.test_rows):
        for other in plan.job.peers(plan.first):
            if rows:
                total += _pair(spec, rows[plan.first], rows[other])
    return total


def _pair(spec: CryptographicAlignment, ours: int, theirs: int) -> float:
    if spec.protocol_for(ours, theirs) == "oblivious":
        return _TRANSFERS + _HASHES_A_ROW * _hash_seconds() * max(ours, theirs)
    return _blind_seconds() * (ours + theirs)


@cache
def _blind_seconds() -> float:
    """Seconds of one multiplication of a point."""
    key = BlindingKey()
    started = time.perf_counter()
    points = key.blind_identifiers([number.to_bytes(8) for number in range(_BLINDED)], b"speed")
    key.blind_points(points)
    return (time.perf_counter() - started) / (2 * _BLINDED)


@cache
def _hash_seconds() -> float:
    """Seconds of one hash of an identifier."""
    identifiers = [number.to_bytes(8) for number in range(_HASHED)]
    started = time.perf_counter()
    hashed(identifiers, bytes(32), _HASHED)
    return (time.perf_counter() - started) / _HASHED
