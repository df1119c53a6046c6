"""The cohort of a secure sum: its members, pairs that share masks, sums that may be opened.

Master and children compute this from the same message. Children form a circle, in an order that
depends on the keys of all of them, and each makes masks with a number of neighbours on either side.
So many neighbours as the logarithm of the number of children are enough that the masks still
connect all of them when some drop out (Bell et al. 2020, SecAgg+).
"""

import hashlib
import math
from collections.abc import Collection, Mapping
from functools import cached_property

from isthmus.horizontal.parameters import Parameters, digest
from isthmus.horizontal.privacy.messages import Keys, Participants
from isthmus.horizontal.privacy.secure_sum.masking import TOLERANCE
from isthmus.horizontal.privacy.spec import SecureAggregation
from isthmus.transport.message import encode


class Cohort:
    """The children of one sum."""

    def __init__(
        self, participants: Participants, start: Parameters, spec: SecureAggregation
    ) -> None:
        """Compute who takes part and who makes masks with whom.

        Args:
            participants: The message of the master to all of them.
            start: The parameters that the round started from.
            spec: What the job says.
        """
        self.round = participants.round
        self.keys: Mapping[str, Keys] = participants.keys
        self.weights: Mapping[str, float] = participants.weights
        self.children = sorted(participants.keys)
        self.context = hashlib.sha256(digest(start).encode() + encode(participants)).digest()
        """Binds every mask and every share to this sum and to the parameters it started from."""
        self._spec = spec

    def holders(self, child: str) -> list[str]:
        """Returns who holds shares of a child's secrets: itself and its neighbours, sorted."""
        return sorted({child, *self._neighbours[child]})

    def neighbours(self, child: str) -> list[str]:
        """Returns the children with whom a child makes masks."""
        return self._neighbours[child]

    def threshold(self, child: str) -> int:
        """Returns how many shares recover a child's secrets: always more than half."""
        return math.floor(self._spec.threshold * len(self.holders(child))) + 1

    def flaw(self, present: Collection[str], gone: Collection[str] = ()) -> str:
        """Why the sum of these children must not be opened, in one clause.

        Args:
            present: The children whose updates are in it.
            gone: Children that share masks with them and dropped out before they sent an update.

        Returns:
            The clause, or an empty string where it may be opened.
        """
        strangers = set(present) - self.keys.keys()
        if strangers or self.weights.keys() != self.keys.keys():
            return "it names other children than those that take part"
        return self._unfair(present) or self._torn(set(present), gone)

    @cached_property
    def _neighbours(self) -> dict[str, list[str]]:
        circle = sorted(
            self.keys, key=lambda it: hashlib.sha256(self.context + it.encode()).digest()
        )
        reach = min(math.ceil(self._spec.neighbours / 2), len(circle) // 2)
        found = dict[str, list[str]]()
        for place, child in enumerate(circle):
            beside = {circle[(place + by) % len(circle)] for by in range(-reach, reach + 1)}
            found[child] = sorted(beside - {child})
        return found

    def _unfair(self, present: Collection[str]) -> str:
        """Returns why their sum would reveal too much of one of them."""
        if sum(self.weights.values()) > 1 + TOLERANCE:
            return "the weights sum to more than 1"
        weights = [self.weights[child] for child in present if self.weights[child] > 0]
        if len(weights) < self._spec.least_children:
            return (
                f"{len(weights)} updates would be in the sum, and the job's `least_children` is "
                f"{self._spec.least_children}"
            )
        if max(weights) > self._spec.largest_share * sum(weights) * (1 + TOLERANCE):
            return (
                f"one child would count for {max(weights) / sum(weights):.2f} of the sum, and the "
                f"job's `largest_share` is {self._spec.largest_share:g}"
            )
        return ""

    def _torn(self, present: set[str], gone: Collection[str]) -> str:
        """Returns why their masks cannot be removed, or do not connect all of them."""
        for child in sorted(present.union(gone)):
            held, due = len(present.intersection(self.holders(child))), self.threshold(child)
            if held < due:
                return f"{held} of the {due} who can open the masks of {child!r} are there"
        reached, open_ends = set[str](), {min(present)}
        while open_ends:
            reached |= open_ends
            beside = {it for child in open_ends for it in self._neighbours[child]}
            open_ends = (beside & present) - reached
        return "" if reached == present else "their masks fall into several sums"
