"""The mode `residual`: it uses each child's update, and tries weights on the master's samples.

The logarithm of a child's weight is that of its share of the samples plus a move. An actor computes
the moves of a round from those of the last round and from statistics of each child; its first moves
are zero, which is FedAvg. A critic learns the reward of weights, and the actor learns from it.
"""

from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from isthmus.core.arrays import Floats, Integers
from isthmus.core.seeds import generator
from isthmus.horizontal.actor_critic import policy
from isthmus.horizontal.actor_critic.candidates import accuracies, moved, prices, scored
from isthmus.horizontal.actor_critic.networks import Learner, NetworkState, one_thread, tensor
from isthmus.horizontal.actor_critic.reward import reward, standardised
from isthmus.horizontal.actor_critic.statistics import FEATURES, features, seen
from isthmus.horizontal.fusion.averages import capped, count_weights
from isthmus.horizontal.fusion.rules import Gathered, Need, given
from isthmus.horizontal.fusion.spec import ActorCritic
from isthmus.horizontal.fusion.state import State
from isthmus.horizontal.fusion.weigher import Chosen, Judge

Singles = NDArray[np.float32]

_ROUNDS = 40  # kept in the ring buffers
_STEPS, _BATCH, _RATE = 10, 32, 3e-3  # of learning in a round
_ACTOR_EVERY = 2  # steps of the critic
_NOISE = 1.0  # deviation of the moves that are tried, from the actor's
_BEST = 4  # weights that were tried, whose mean is an option
_SLOPES = (0.5, 1.5, 4.0)  # steps along the slope of the rewards, which are options
_RIDGE = 1.0  # trials that the slope of each child is shrunk by


@dataclass(frozen=True)
class Memory(State):
    """The state of the actor-critic, with ring buffers of its last rounds.

    The networks of actor and critic do not see names of children: children are numbered.
    """

    actor: NetworkState
    critic: NetworkState
    rounds: Integers
    """Number of rounds so far, shape (1,)."""

    moves: Floats
    """Moves in the last round, 0 before the first, shape (enrolled + 1,)."""

    features: Singles
    """Shape (ring, enrolled + 1, FEATURES)."""

    prior: Singles
    """Weights by sample count, 0 for a child that was missing, shape (ring, enrolled + 1)."""

    last: Singles
    """Moves of the round before, shape (ring, enrolled + 1)."""

    tried: Singles
    """Weights that were tried, shape (ring, candidates, enrolled + 1)."""

    rewards: Singles
    """Rewards of these, standardised, shape (ring, candidates)."""


@dataclass(frozen=True)
class Experience:
    """What the actor-critic keeps of a round, by child of the round."""

    features: Floats
    prior: Floats
    last: Floats
    tried: Floats
    rewards: Floats


class Residual:
    """A `Weigher`."""

    def __init__(self, rule: ActorCritic, enrolled: int, seed: int) -> None:
        self._rule = rule
        self._enrolled = enrolled + 1  # for the master as a child, whether it is one or not
        self._seed = seed

    def start(self) -> Memory:
        """The state before the first round."""
        draw = generator(self._seed, "actor-critic")
        critic = policy.VALUE.initial(draw), policy.BEND.initial(draw)
        ring, candidates = (_ROUNDS, self._enrolled), self._rule.candidates
        return Memory(
            actor=policy.ACTOR.initial(draw, zero=True),
            critic=np.concatenate(critic, axis=1),
            rounds=np.zeros(1, np.int64),
            moves=np.zeros(self._enrolled),
            features=np.zeros((*ring, FEATURES), np.float32),
            prior=np.zeros(ring, np.float32),
            last=np.zeros(ring, np.float32),
            tried=np.zeros((_ROUNDS, candidates, self._enrolled), np.float32),
            rewards=np.zeros((_ROUNDS, candidates), np.float32),
        )

    def choose(self, gathered: Gathered, judge: Judge, state: Memory) -> Chosen[Memory]:
        """Choose the weights of a round.

        Args:
            gathered: The updates, their children and counts.
            judge: Scores candidates.
            state: From the round before.

        Returns:
            The weights, the state for the next round, and statistics of each child.

        Source:
            US12373737B2 (S6). What the actor sees beside the last weights, and that weights are
            tried before any are taken, is ours: docs/systems/s6.md.
        """
        draw = generator(self._seed, "actor-critic", str(state.rounds[0]))
        steps = int(state.rounds[0]) * _STEPS
        actor = Learner(state.actor, steps // _ACTOR_EVERY, _RATE)
        critic = Learner(state.critic, steps, _RATE)
        here, updates = gathered.children, gathered.updates
        prior, last = (
            count_weights(given(gathered.counts, Need.COUNTS)),
            state.moves[gathered.children],
        )

        # 1. See each child's update beside the others', and what more of it does to the loss.
        found = seen(updates, prior, _loss_changes(judge, updates, moved(prior, last)))
        x = features(found, prior, last)

        # 2. Try weights around the actor's, and reward them for accuracy that they gain.
        trials = _around(_acted(actor, x, last), self._rule.candidates, draw)
        tried = moved(prior, trials)
        worth = self._worth(judge, updates, prior, np.vstack([prior, tried]))
        rewards = reward(worth[1:], float(worth[0]), self._rule.growth)
        new = Experience(x, prior, last, tried, standardised(rewards, self._rule.growth))

        # 3. Learn: the critic what is rewarded, the actor what the critic values.
        memory = _remembered(state, here, new)
        _learn(actor, critic, memory, draw)

        # 4. Take the best of the actor's weights, steps from them along the slope of the rewards,
        #    the mean of the best that were tried, and those by count.
        now = _acted(actor, x, last)
        ahead = [_bent(now + step * _slopes(trials, new)) for step in _SLOPES]
        best = tried[np.argsort(-rewards, kind="stable")[:_BEST]].mean(axis=0)
        options = np.vstack([prior, best, moved(prior, np.stack([now, *ahead]))])
        taken = options[np.argmax(self._worth(judge, updates, prior, options))]
        weights = capped(taken, self._rule.caps) if self._rule.caps else taken

        moves = state.moves.copy()
        moves[here] = _moves_to(taken, prior)
        memory = replace(
            memory, actor=actor.state, critic=critic.state, rounds=state.rounds + 1, moves=moves
        )
        return Chosen(weights, memory, found.evidence(weights))

    def _worth(self, judge: Judge, updates: Singles, prior: Floats, weights: Floats) -> Floats:
        scores = scored(judge, updates, weights)
        return accuracies(scores, self._rule) - prices(weights, prior, self._rule)


def _loss_changes(judge: Judge, updates: Singles, weights: Floats) -> Floats:
    # Not of each update alone: that of a child with two classes ruins any model, and helps the sum.
    share = 1 / len(weights)
    more = (1 - share) * weights + share * np.eye(len(weights))
    losses = scored(judge, updates, np.vstack([weights, more])).loss
    changes: Floats = losses[1:] - losses[0]
    return changes


@one_thread()
def _acted(actor: Learner, x: Floats, last: Floats) -> Floats:
    beside = policy.beside_others(tensor(x).float(), torch.ones(len(x)))
    moves = policy.moves(actor.vector.detach(), beside, tensor(last))
    return moves.double().numpy()


def _bent(moves: Floats) -> Floats:
    return policy.within_reach(tensor(moves)).numpy()


def _around(moves: Floats, candidates: int, draw: np.random.Generator) -> Floats:
    # In pairs of opposite noise, which cancels from the slope what is not linear in it.
    noise = draw.normal(0, _NOISE, ((candidates + 1) // 2, len(moves)))
    return _bent(moves + np.vstack([noise, -noise])[:candidates])


def _slopes(trials: Floats, new: Experience) -> Floats:
    # By how much rewards rise with the move of each child: ridge regression, brought to length 1.
    around = trials - trials.mean(axis=0)
    around -= (around @ new.prior)[:, None]  # moving all children alike changes nothing
    penalty = _RIDGE * len(trials) / len(new.prior) * np.eye(len(new.prior))
    products, rewarded = around.T @ around + penalty, around.T @ new.rewards
    slopes = cast(Floats, np.linalg.solve(products, rewarded))
    length = float(np.sqrt(np.mean(slopes**2)))
    return slopes / length if length else slopes


def _moves_to(weights: Floats, prior: Floats) -> Floats:
    moves: Floats = np.log(weights / prior)
    return np.clip(moves - prior @ moves, -policy.REACH, policy.REACH)


def _remembered(state: Memory, here: Integers, new: Experience) -> Memory:
    place = state.rounds[0] % _ROUNDS

    def with_row(ring: Singles, values: Floats) -> Singles:
        after = ring.copy()
        after[place] = 0
        after[place][..., here] = values
        return after

    rewards, rows = state.rewards.copy(), state.features.copy()
    rewards[place], rows[place] = new.rewards, 0
    rows[place][here] = new.features
    return replace(
        state,
        features=rows,
        prior=with_row(state.prior, new.prior),
        last=with_row(state.last, new.last),
        tried=with_row(state.tried, new.tried),
        rewards=rewards,
    )


@one_thread()
def _learn(actor: Learner, critic: Learner, memory: Memory, draw: np.random.Generator) -> None:
    full = min(int(memory.rounds[0]) + 1, _ROUNDS)
    rings = memory.features, memory.prior, memory.last, memory.tried, memory.rewards
    of_x, of_prior, of_last, of_tried, of_rewards = (tensor(it[:full]) for it in rings)
    of_seen = policy.beside_others(of_x, of_prior > 0)
    for step in range(_STEPS):
        rounds, trial = (tensor(draw.integers(0, bound, _BATCH)) for bound in of_rewards.shape)
        seen, prior = of_seen[rounds], of_prior[rounds]
        expected = policy.value(critic.vector, seen, prior > 0, of_tried[rounds, trial])
        critic.descend(((expected - of_rewards[rounds, trial]) ** 2).mean())
        if step % _ACTOR_EVERY == 0:
            moves = policy.moves(actor.vector, seen, of_last[rounds])
            acted = policy.weights(prior, moves)
            actor.descend(-policy.value(critic.vector.detach(), seen, prior > 0, acted).mean())
