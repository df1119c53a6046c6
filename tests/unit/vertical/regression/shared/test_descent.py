"""Quasi-Newton steps from inner products of blocks."""

from collections.abc import Callable

import numpy as np
import pytest

from isthmus.core.arrays import Floats
from isthmus.vertical.regression.shared.descent import MEMORY, NEW, SHOWN, History, norm

Gradient = Callable[[Floats], Floats]


def problem(seed: int, columns: int = 8) -> tuple[Gradient, Floats, Floats]:
    """A convex function that is not quadratic: its gradient, a preconditioner and its minimum."""
    generator = np.random.default_rng(seed)
    root = 0.5 * generator.normal(size=(columns, columns)) + 2 * np.eye(columns)
    hessian, aim = root @ root.T / columns, generator.normal(size=columns)

    def gradient(weights: Floats) -> Floats:
        away = weights - aim
        return hessian @ away + 0.02 * away**3

    half = columns // 2
    blocks = np.zeros_like(hessian)
    for at in (slice(half), slice(half, None)):
        blocks[at, at] = np.linalg.inv(hessian[at, at])
    return gradient, blocks, aim


def descend(seed: int, parts: list[slice], rounds: int) -> list[Floats]:
    """The weights after each round, of parties that hold these parts of the coefficients."""
    gradient, blocks, aim = problem(seed)
    weights, histories = np.zeros(len(aim)), [History() for _ in parts]
    found: list[Floats] = []

    def of_part(at: slice) -> Callable[[Floats], Floats]:
        return lambda v: blocks[at, at] @ v

    for _ in range(rounds):
        now = gradient(weights)
        histories = [each.with_gradient(now[at]) for each, at in zip(histories, parts, strict=True)]
        each_shown = [each.products(of_part(at)) for each, at in zip(histories, parts, strict=True)]
        shown = np.sum(each_shown, axis=0)
        steps = [
            each.direction(shown, of_part(at)) for each, at in zip(histories, parts, strict=True)
        ]
        histories = [each.with_step(step) for each, step in zip(histories, steps, strict=True)]
        weights = weights + np.concatenate(steps)
        found.append(weights)
    return found


TWO = [slice(0, 4), slice(4, None)]


class TestDescent:
    @pytest.mark.parametrize("seed", range(5))
    def test_reaches_the_minimum_in_few_rounds(self, seed: int) -> None:
        aim = problem(seed)[2]
        assert descend(seed, TWO, 40)[-1] == pytest.approx(aim, abs=1e-6)

    def test_of_two_parties_is_that_of_one(self) -> None:
        whole = descend(1, [slice(None)], 10)
        parts = [slice(0, 4), slice(4, 8)]
        for one, both in zip(whole, descend(1, parts, 10), strict=True):
            assert both == pytest.approx(one, rel=1e-9)

    def test_needs_fewer_rounds_than_the_preconditioner_alone(self) -> None:
        gradient, blocks, aim = problem(2)
        weights = np.zeros(len(aim))
        for _ in range(12):
            weights = weights - 0.3 * blocks @ gradient(weights)
        by_memory = descend(2, TWO, 12)[-1]
        assert np.linalg.norm(by_memory - aim) < np.linalg.norm(weights - aim) / 10

    def test_first_step_is_the_preconditioned_gradient(self) -> None:
        gradient, blocks, aim = problem(3)
        assert descend(3, TWO, 1)[0] == pytest.approx(-blocks @ gradient(np.zeros(len(aim))))

    def test_stands_still_at_the_minimum(self) -> None:
        history = History().with_gradient(np.zeros(3))
        shown = history.products(lambda v: v)
        assert not history.direction(shown, lambda v: v).any()
        assert norm(shown) == 0


class TestShown:
    def test_is_as_much_as_is_declared_from_the_first_round_on(self) -> None:
        history = History()
        for _ in range(6):
            history = history.with_gradient(np.ones(3))
            assert history.products(lambda v: v).shape == (SHOWN,)
            history = history.with_step(np.ones(3))

    def test_holds_seven_new_numbers_in_a_round(self) -> None:
        """The others follow from those of the round before, and from the steps made of them."""
        assert NEW == 2 * MEMORY + 1 == 7
        generator = np.random.default_rng(1)
        gradients = list(generator.normal(size=(MEMORY + 1, 5)))
        steps = list(generator.normal(size=(MEMORY, 5)))
        history = History(gradients, steps)
        before = history.products(lambda v: v)
        shown = history.with_gradient(np.ones(5)).products(lambda v: v)
        size = (MEMORY + 1) * (MEMORY + 2) // 2
        square = np.zeros((2, MEMORY + 1, MEMORY + 1))
        for matrix, each in zip(square, (before, shown), strict=True):
            matrix[np.triu_indices(MEMORY + 1)] = each[:size]
        assert square[1][:-1, :-1] == pytest.approx(square[0][1:, 1:])
        mixed = [each[size:].reshape(MEMORY, MEMORY + 1) for each in (before, shown)]
        assert mixed[1][:, :-1] == pytest.approx(mixed[0][:, 1:])

    def test_norm_is_that_of_the_newest_gradient(self) -> None:
        history = History().with_gradient(np.ones(4)).with_gradient(np.full(4, 3.0))
        assert norm(history.products(lambda v: 4 * v)) == pytest.approx(12.0)
