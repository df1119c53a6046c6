"""The mode `sum_only`: it uses the weighted sum of a round, and what that does to accuracy.

The critic is linear in the weights: ridge regression of the reward on the weights of past rounds,
which it forgets slowly. The actor maximises what the critic expects, less the divergence from
weights by sample count, which has a closed form. Weights are chosen before a round, so that
children can multiply with them before they mask.
"""

from dataclasses import dataclass

import numpy as np

from isthmus.core.arrays import Floats, Integers
from isthmus.core.seeds import generator
from isthmus.horizontal.actor_critic.candidates import accuracies, moved
from isthmus.horizontal.actor_critic.reward import reward
from isthmus.horizontal.fusion.averages import (
    capped,
    chosen_weights,
    count_weights,
    weighted_sum,
)
from isthmus.horizontal.fusion.rules import Gathered, Need, given
from isthmus.horizontal.fusion.spec import ActorCritic, WeightCaps
from isthmus.horizontal.fusion.state import State
from isthmus.horizontal.fusion.weigher import Chosen, Judge
from isthmus.horizontal.parameters import Vector

_WATCHED = 4  # rounds before it acts on what it learned
_KEPT = 0.97  # share of what it knows that it keeps from round to round
_RIDGE = 1.0
_STRENGTH, _REACH, _DOUBT = 1.5, 4.0, 0.3  # of the actor; doubt: slopes below it hardly count
_DROPPED, _SETTLED = 0.3, 30  # children left out to learn; less and less until so many rounds
_LEAST_DROPPED = 0.3  # share of this that remains
_USUAL, _WILDEST = 0.2, 3.0  # share of a new reward in the usual one; deviations that count


@dataclass(frozen=True)
class Regression(State):
    """The state of the critic."""

    rounds: Integers
    """Number of rounds so far, shape (1,)."""

    usual: Floats
    """Running mean and variance of the reward, shape (2,)."""

    products: Floats
    """Sum of the products of every two relative weights, shape (enrolled, enrolled)."""

    rewarded: Floats
    """Sum of relative weights times reward, shape (enrolled,)."""


class SumOnly:
    """A `Planner`."""

    def __init__(self, rule: ActorCritic, enrolled: int, seed: int) -> None:
        self._rule = rule
        self._caps = rule.caps or WeightCaps(largest=1.0, effective_children=1.0)
        self._enrolled = enrolled
        self._seed = seed

    def start(self) -> Regression:
        """The state before the first round."""
        return Regression(
            rounds=np.zeros(1, np.int64),
            usual=np.zeros(2),
            products=_RIDGE * np.eye(self._enrolled),
            rewarded=np.zeros(self._enrolled),
        )

    def plan(self, counts: Integers, state: Regression) -> Floats:
        """Weights for a round that begins.

        Args:
            counts: Samples of every child of the job, 0 of one that does not take part,
                shape (enrolled,).
            state: From the round before.

        Returns:
            Shape (enrolled,): sum 1, within the caps, 0 for a child that does not take part.
            Deterministic.

        Raises:
            JobError: There are too few children for any weights to be within the caps.
        """
        here = np.flatnonzero(counts)
        prior = count_weights(counts[here])
        weights = moved(prior, self._moves(state)[here]) * self._drawn(len(here), state)
        planned = np.zeros(self._enrolled)
        planned[here] = capped(weights / weights.sum(), self._caps)
        return planned

    def learn(self, weights: Floats, fused: Vector, judge: Judge, state: Regression) -> Regression:
        """Learn from the sum of a round.

        Args:
            weights: Weight of each child in it, 0 if it is missing, sum 1, shape (enrolled,).
            fused: The sum, shape (size,).
            judge: Scores candidates from where the round started.
            state: From the round before.

        Returns:
            The state for the next round.
        """
        before, after = accuracies(judge(np.stack([np.zeros_like(fused), fused])), self._rule)
        gained = float(reward(np.array([after]), before, self._rule.growth)[0])
        usual, spread = state.usual if state.rounds[0] else (gained, 0.0)
        usual += _USUAL * (gained - usual)
        spread += _USUAL / 2 * ((gained - usual) ** 2 - spread)
        surprise = (gained - usual) / (np.sqrt(spread) + _RIDGE * 1e-3)
        relative = weights * np.count_nonzero(weights) - (weights > 0)
        fresh = (1 - _KEPT) * _RIDGE * np.eye(self._enrolled)
        return Regression(
            rounds=state.rounds + 1,
            usual=np.array([usual, spread]),
            products=_KEPT * state.products + fresh + np.outer(relative, relative),
            rewarded=_KEPT * state.rewarded + relative * np.clip(surprise, -_WILDEST, _WILDEST),
        )

    def choose(self, gathered: Gathered, judge: Judge, state: Regression) -> Chosen[Regression]:
        """Plan and learn in one, where updates are not masked.

        Args:
            gathered: The updates, their children and counts.
            judge: Scores candidates.
            state: From the round before.

        Returns:
            The weights and the state for the next round; no statistics of single children.

        Source:
            US12373737B2 (S6). Critic and actor in closed form are ours: docs/systems/s6.md.
        """
        counts = np.zeros(self._enrolled, np.int64)
        counts[gathered.children] = given(gathered.counts, Need.COUNTS)
        planned = self.plan(counts, state)
        weights = chosen_weights(planned[gathered.children], None)
        fused = weighted_sum(gathered.updates, weights)
        return Chosen(weights, self.learn(planned, fused, judge, state))

    def _moves(self, state: Regression) -> Floats:
        if state.rounds[0] < _WATCHED:
            return np.zeros(self._enrolled)
        slopes = np.linalg.solve(state.products, state.rewarded)
        moves: Floats = np.clip(_STRENGTH * slopes / (slopes.std() + _DOUBT), -_REACH, _REACH)
        return moves

    def _drawn(self, children: int, state: Regression) -> Floats:
        # Only weights that differ from round to round tell what each child is worth.
        rounds = int(state.rounds[0])
        settled = min(1.0, rounds / _SETTLED)
        share = _DROPPED * (1 - (1 - _LEAST_DROPPED) * settled)
        draw = generator(self._seed, "sum-only", str(rounds))
        kept = draw.random(children) >= share
        return np.where(kept, 1.0, 0.0) if kept.any() else np.ones(children)
