"""Checks a job in rounds by itself, and lists what its parties exchange."""

from isthmus.core.errors import SpecError
from isthmus.horizontal.forecast import Line
from isthmus.jobs.load import check_roles
from isthmus.jobs.plan import Loaded
from isthmus.ledger.forecast import Flow, Sizes


def check(loaded: Loaded) -> None:
    """Refuse a job file that contradicts itself, seen without data.

    Args:
        loaded: The job.

    Raises:
        SpecError: Roles do not fit, or a round asks for more children than there are.
    """
    check_roles(loaded)
    spec, children = loaded.spec, len(loaded.job.peers(loaded.first))
    asked = {"rounds.quorum": spec.rounds.quorum}
    if spec.privacy.secure_aggregation is not None:
        key = "privacy.secure_aggregation.least_children"
        asked[key] = spec.privacy.secure_aggregation.least_children
    for key, fewest in asked.items():
        if fewest > children:
            raise SpecError(
                f"`{key}` is {fewest}, and `parties` has {children} children: no round could ever "
                "be fused. Agree on a lower number, or on more children."
            )


def flows(loaded: Loaded, other: str, sizes: Sizes) -> list[list[Flow]]:
    """What crosses between the master and a child.

    Args:
        loaded: The job.
        other: The child.
        sizes: What to reckon with.

    Returns:
        The messages of the one step that there is.
    """
    line = Line(other, tuple(loaded.job.peers(loaded.first)), sizes.rounds)
    trained: list[Flow] = loaded.system.forecast(loaded.spec, line, sizes)
    return [trained]


def smallest(loaded: Loaded) -> Sizes:
    """Returns sizes with which every message crosses, and for which no network is made."""
    rows = dict.fromkeys(loaded.job.parties, 1)
    return Sizes(rows=rows, shared=2, train=0, test=1, test_rows={}, rounds=2)
