"""Who is in a sum, who makes masks with whom, and which sums may be opened.

Everybody computes this from the same message. Children stand in a circle, in an order that hangs on
the keys of all of them, and each makes masks with so many at either side: with the logarithm of
their number of neighbours, masks do not fall apart when some drop out (Bell et al. 2020, SecAgg+).
"""

import hashlib
import math
from collections.abc import Collection, Mapping
from functools import cached_property

from isthmus.horizontal.parameters import Parameters, digest
from isthmus.horizontal.privacy.masking import TOLERANCE
from isthmus.horizontal.privacy.messages import Keys, Participants
from isthmus.horizontal.privacy.spec import SecureAggregation
from isthmus.transport.message import encode


class Assembly:
    """The children of one sum."""

    def __init__(
        self, participants: Participants, start: Parameters, spec: SecureAggregation
    ) -> None:
        """See who takes part.

        Args:
            participants: What the master said to all of them.
            start: The parameters that the round began with.
            spec: What the job says.
        """
        self.round = participants.round
        self.keys: Mapping[str, Keys] = participants.keys
        self.weights: Mapping[str, float] = participants.weights
        self.children = sorted(participants.keys)
        self.context = hashlib.sha256(digest(start).encode() + encode(participants)).digest()
        """Binds every mask and every share to this sum, and to what its updates started from."""
        self._spec = spec

    def holders(self, child: str) -> list[str]:
        """Who holds shares of a child's secrets: itself and its neighbours, sorted."""
        return sorted({child, *self._neighbours[child]})

    def neighbours(self, child: str) -> list[str]:
        """With whom a child makes masks."""
        return self._neighbours[child]

    def threshold(self, child: str) -> int:
        """How many shares of a child's secrets give them: always more than half."""
        return math.floor(self._spec.threshold * len(self.holders(child))) + 1

    def flaw(self, present: Collection[str], gone: Collection[str] = ()) -> str:
        """Why no sum of certain children is opened, in one clause.

        Args:
            present: Whose updates are in it.
            gone: Who has masks in common with them, and no update in it.

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
        """Why their sum would tell too much of one of them."""
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
        """Why too little holds them together."""
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
