"""The checkpoint of a party after every round: a run that was cut off ends with the same bits."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from isthmus.core.arrays import Floats, Integers
from isthmus.core.errors import PeerError
from isthmus.store import checkpoint
from isthmus.store.checkpoint import Arrays, Checkpoint

_KEPT = 2
"""States that are kept: a party that was killed is one round behind the other, never more."""

_ROUNDS, _GRADIENTS = "rounds", "gradients"
_DIGEST_BYTES = 32


@dataclass(frozen=True)
class Round:
    """Loss and gradient norm of one round, which only the active party knows."""

    loss: float  # NaN where nobody knows it
    gradient_norm: float


@dataclass
class Memory:
    """All that the optimiser holds after the newest rounds; also on disk if a path is given."""

    path: Path | None = None
    job: str = ""
    rounds: list[Round] = field(default_factory=list[Round])
    states: dict[int, dict[str, Floats]] = field(default_factory=dict[int, dict[str, Floats]])
    """By number of finished rounds: the arrays of the optimiser by name."""

    gradients: list[bytes] = field(default_factory=list[bytes])
    """Digests of the gradients of a passive party, also of rounds that were cut off."""

    def __len__(self) -> int:
        return max(self.states, default=0)

    def load(self) -> None:
        """Read the checkpoint of an earlier run of this job, if there is one."""
        saved = checkpoint.load(self.path, self.job) if self.path else None
        if saved is None:
            return
        self.rounds = [Round(*map(float, at)) for at in saved.arrays.pop(_ROUNDS)]
        self.gradients = [row.tobytes() for row in saved.arrays.pop(_GRADIENTS)]
        self.states = {}
        for key, array in saved.arrays.items():
            number, _, name = key.partition(".")
            self.states.setdefault(int(number), {})[name] = array

    def common(self, others: Sequence[int]) -> int:
        """Returns the last round that all parties can go on from.

        Args:
            others: Rounds that each other party has finished; it holds the state before, too.

        Returns:
            The number of rounds; 0 where they have no state in common.
        """
        kept = (it for it in self.states if all(theirs - _KEPT < it <= theirs for theirs in others))
        return max(kept, default=0)

    def can_go_on_after(self, rounds: int) -> bool:
        """Whether there is a state to go on from: always, after no round."""
        return rounds == 0 or rounds in self.states

    def go_on_after(self, rounds: int, peer: str) -> None:
        """Drop all that is newer than the rounds after which a peer goes on.

        Args:
            rounds: Number of rounds.
            peer: Name of the active party.

        Raises:
            PeerError: There is no state after so many rounds.
        """
        if not self.can_go_on_after(rounds):
            raise PeerError(
                f"{peer!r} wants to go on after round {rounds}, and we have kept {len(self)}. "
                "Compare `isthmus version` on both sides."
            )
        self.rewind(rounds)

    def rewind(self, rounds: int) -> None:
        """Drop all that is newer than the first `rounds` rounds."""
        self.states = {number: it for number, it in self.states.items() if number <= rounds}
        del self.rounds[rounds:]

    def last(self) -> dict[str, Floats]:
        """Returns the state after the last round, by name; empty before the first one."""
        return self.states.get(len(self), {})

    def check_gradient(self, place: int, gradient: Floats | Integers) -> None:
        """Refuse a gradient that an attempt before had otherwise; save what tells it if it is new.

        Whatever follows from a gradient tells the active party more of our columns. So a round
        that is done again must not be done with other residuals.

        Args:
            place: Number of gradients before it.
            gradient: Our gradient, exact: an honest active party repeats it to the last bit.

        Raises:
            ValueError: It differs.
        """
        digest = hashlib.sha256(gradient.tobytes()).digest()
        if place == len(self.gradients):
            self.gradients.append(digest)
            self._save()
        elif self.gradients[place] != digest:
            raise ValueError(
                "a round that is done again has another gradient than before the run was cut off"
            )

    def add(self, **state: Floats) -> None:
        """Save the state after one more round, before the next one starts."""
        number = len(self) + 1
        self.states[number] = state
        self.states.pop(number - _KEPT, None)
        self._save()

    def _save(self) -> None:
        if self.path is not None:
            rounds = [(at.loss, at.gradient_norm) for at in self.rounds[: len(self)]]
            digests = np.frombuffer(b"".join(self.gradients), np.uint8)
            arrays: Arrays = {
                _ROUNDS: np.array(rounds).reshape(-1, 2),
                _GRADIENTS: digests.reshape(-1, _DIGEST_BYTES),
            }
            for at, kept in self.states.items():
                arrays |= {f"{at}.{name}": array for name, array in kept.items()}
            checkpoint.save(self.path, self.job, Checkpoint(arrays))
