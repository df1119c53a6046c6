"""Estimates how long a run computes, by a short measurement on this machine."""

import time

from isthmus.alignment.cryptographic.spec import CryptographicAlignment
from isthmus.crypto.curve import BlindingKey
from isthmus.jobs.aligned.alignment import held
from isthmus.jobs.aligned.job import alignment_of
from isthmus.jobs.aligned.plan import AlignedPlan
from isthmus.jobs.plan import Estimate
from isthmus.ledger.forecast import Sizes
from isthmus.vertical.system import PlansAhead

_BLINDED = 128


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
        training = system.seconds_per_round(loaded.spec, sizes)
        rounds = sizes.rounds
    return Estimate(_alignment(plan, sizes), training, rounds, plan.job.expected is None)


def _alignment(plan: AlignedPlan, sizes: Sizes) -> float:
    """Both parties blind all rows of both, at the same time."""
    if held(plan) is not None or not isinstance(alignment_of(plan.job), CryptographicAlignment):
        return 0.0  # enclaves take well under a second for a hundred thousand rows
    key = BlindingKey()
    started = time.perf_counter()
    points = key.blind_identifiers([number.to_bytes(8) for number in range(_BLINDED)], b"speed")
    key.blind_points(points)
    each = (time.perf_counter() - started) / (2 * _BLINDED)
    return each * (sum(sizes.rows.values()) + sum(sizes.test_rows.values()))
