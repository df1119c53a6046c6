"""The mode `literal`: S6 as in its source, which uses the last weights and nothing else.

Deep deterministic policy gradient: the state is the weights of the round before, the action those
of this one. Its networks have an input and an output for each child.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from isthmus.core.arrays import Floats, Integers
from isthmus.core.seeds import generator
from isthmus.horizontal.actor_critic.candidates import accuracies
from isthmus.horizontal.actor_critic.networks import (
    Learner,
    NetworkState,
    Perceptron,
    one_thread,
    tensor,
)
from isthmus.horizontal.actor_critic.reward import reward
from isthmus.horizontal.fusion.averages import capped, weighted_sum
from isthmus.horizontal.fusion.rules import Gathered
from isthmus.horizontal.fusion.spec import ActorCritic
from isthmus.horizontal.fusion.state import State
from isthmus.horizontal.fusion.weigher import Chosen, Judge

Singles = NDArray[np.float32]

_HIDDEN = 64
_REACH = 3.0  # of the logits of weights
_ROUNDS = 500  # kept in the ring buffer
_STEPS, _BATCH, _RATE = 10, 32, 3e-3  # of learning in a round
_ACTOR_EVERY = 2  # steps of the critics
_FOLLOW = 0.05  # share of a network that its target takes over
_RANDOM = 5  # rounds with weights that follow from noise alone
_NOISE, _LEAST_NOISE, _SETTLED = 0.5, 0.1, 25  # of logits; less and less until so many rounds
_BLUR, _MOST_BLUR = 0.2, 0.5  # of the actor's target, so that no sharp value misleads it


@dataclass(frozen=True)
class Replay(State):
    """The state of the actor-critic, with a ring buffer of its last rounds."""

    actor: NetworkState
    critics: NetworkState
    """One after the other, shape (3, critics * size)."""

    targets: Singles
    """Parameters of the actor, then of the critics, as they follow these, shape (sizes,)."""

    rounds: Integers
    """Number of rounds so far, shape (1,)."""

    last: Floats
    """Weights of the round before, shape (enrolled,)."""

    weights: Singles
    """Before each round, and in it, shape (ring, 2, enrolled)."""

    rewards: Singles
    """Shape (ring,)."""


class Literal:
    """A `Weigher`."""

    def __init__(self, rule: ActorCritic, enrolled: int, seed: int) -> None:
        self._rule = rule
        self._enrolled = enrolled
        self._seed = seed
        self._actor = Perceptron(enrolled, enrolled, _HIDDEN)
        self._critic = Perceptron(2 * enrolled, 1, _HIDDEN)

    def start(self) -> Replay:
        """The state before the first round."""
        draw = generator(self._seed, "literal")
        actor = self._actor.initial(draw)
        each = [self._critic.initial(draw) for _ in range(self._rule.critics)]
        critics = np.concatenate(each, axis=1)
        return Replay(
            actor=actor,
            critics=critics,
            targets=np.concatenate([actor[0], critics[0]]),
            rounds=np.zeros(1, np.int64),
            last=np.full(self._enrolled, 1 / self._enrolled),
            weights=np.zeros((_ROUNDS, 2, self._enrolled), np.float32),
            rewards=np.zeros(_ROUNDS, np.float32),
        )

    def choose(self, gathered: Gathered, judge: Judge, state: Replay) -> Chosen[Replay]:
        """Choose the weights of a round.

        Args:
            gathered: The updates and their children.
            judge: Scores the fused update.
            state: From the round before.

        Returns:
            The weights and the state for the next round; no statistics of single children.

        Source:
            US12373737B2 (S6). The source names no method of learning; ours is Lillicrap et al.
            2016 (ICLR), with the lower of two critics, delay and blur of Fujimoto et al. 2018
            (ICML), algorithm 1.
        """
        number = int(state.rounds[0])
        draw = generator(self._seed, "literal", str(number))

        # 1. The actor turns the last weights into these.
        weights = self._acted(state, draw, gathered.children)

        # 2. The reward is what they do to accuracy.
        fused = weighted_sum(gathered.updates, weights[gathered.children])
        before, after = accuracies(judge(np.stack([np.zeros_like(fused), fused])), self._rule)
        gained = float(reward(np.array([after]), before, self._rule.growth)[0])

        # 3. The critics learn the value of weights, the actor to choose those of high value.
        place = number % _ROUNDS
        pairs, rewards = state.weights.copy(), state.rewards.copy()
        pairs[place], rewards[place] = (state.last, weights), gained
        rounds = state.rounds + 1
        state = replace(state, weights=pairs, rewards=rewards, rounds=rounds, last=weights)
        return Chosen(weights[gathered.children], self._learned(state, draw))

    @one_thread()
    def _acted(self, state: Replay, draw: np.random.Generator, here: Integers) -> Floats:
        number = int(state.rounds[0])
        noise = tensor(draw.normal(size=self._enrolled))
        if number < _RANDOM:
            logits = noise
        else:
            share = max(_NOISE - (_NOISE - _LEAST_NOISE) * number / _SETTLED, _LEAST_NOISE)
            last = tensor(state.last).float()
            logits = self._logits(tensor(state.actor[0]), last).double() + share * noise
        weights = torch.softmax(_within_reach(logits)[tensor(here)], -1).numpy()
        weights = capped(weights, self._rule.caps) if self._rule.caps else weights
        of_all = np.zeros(self._enrolled)
        of_all[here] = weights
        return of_all

    @one_thread()
    def _learned(self, state: Replay, draw: np.random.Generator) -> Replay:
        full = min(int(state.rounds[0]), _ROUNDS)
        steps = (int(state.rounds[0]) - 1) * _STEPS
        actor = Learner(state.actor, steps // _ACTOR_EVERY, _RATE)
        critics = Learner(state.critics, steps, _RATE)
        targets = tensor(state.targets.copy())
        pairs = tensor(state.weights[:full])
        rewards = tensor(state.rewards[:full])
        rewards = (rewards - rewards.mean()) / (rewards.std(correction=0) + 1e-6)
        for step in range(_STEPS):
            rows = tensor(draw.integers(0, full, _BATCH))
            last, weights = pairs[rows].unbind(1)
            blur = tensor(draw.normal(0, _BLUR, weights.shape)).float()
            due = rewards[rows] + self._rule.discount * self._next_value(targets, weights, blur)
            values = self._values(critics.vector, last, weights)
            critics.descend(((values - due) ** 2).mean())
            if step % _ACTOR_EVERY == 0:
                chosen = torch.softmax(_within_reach(self._logits(actor.vector, last)), -1)
                actor.descend(-self._values(critics.vector.detach(), last, chosen)[0].mean())
                now = torch.cat([actor.vector.detach(), critics.vector.detach()])
                targets.lerp_(now, _FOLLOW)
        return replace(state, actor=actor.state, critics=critics.state, targets=targets.numpy())

    @torch.no_grad()
    def _next_value(self, targets: Tensor, weights: Tensor, blur: Tensor) -> Tensor:
        # The weights of a round are the state of the next one.
        size = sum(self._actor.sizes)
        actor, critics = targets[:size], targets[size:]
        logits = self._logits(actor, weights) + blur.clamp(-_MOST_BLUR, _MOST_BLUR)
        after = torch.softmax(_within_reach(logits), -1)
        return self._values(critics, weights, after).amin(0)

    def _logits(self, actor: Tensor, last: Tensor) -> Tensor:
        return self._actor(actor, last * self._enrolled - 1)

    def _values(self, critics: Tensor, last: Tensor, weights: Tensor) -> Tensor:
        seen = torch.cat([last, weights], -1) * self._enrolled - 1
        each = critics.chunk(self._rule.critics)
        return torch.stack([self._critic(it, seen)[..., 0] for it in each])


def _within_reach(logits: Tensor) -> Tensor:
    return _REACH * torch.tanh(logits / _REACH)
