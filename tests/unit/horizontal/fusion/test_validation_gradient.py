import numpy as np
import pytest

from isthmus.core.arrays import Floats
from isthmus.horizontal.fusion.spec import ValidationGradient
from isthmus.horizontal.fusion.validation_gradient import descend, softmax_weights
from isthmus.horizontal.parameters import Vector

ONE = ValidationGradient(iterations=1, step=0.6, prior_strength=0.0)


class Towards:
    """Gradient of half the squared distance from a target."""

    def __init__(self, target: Vector) -> None:
        self.target = target
        self.asked = list[Vector]()

    def __call__(self, update: Vector) -> Vector:
        self.asked.append(update)
        return update - self.target


class TestDescend:
    def test_steps_down_the_gradient_by_the_weights(self) -> None:
        # Weights 1/2 each, fused (0, 0), gradient (-1, 0); by weight (-1, 1), by logit (-.5, .5):
        # a step of .6 along (1, -1) / sqrt 2.
        updates = np.array([[1, 0], [-1, 0]], np.float32)
        prior = np.array([0.5, 0.5])
        logits = descend(updates, prior, np.zeros(2), Towards(np.array([1, 0], np.float32)), ONE)
        assert logits == pytest.approx([0.6 / np.sqrt(2), -0.6 / np.sqrt(2)])

    def test_is_the_slope_of_the_loss_and_the_divergence(self) -> None:
        generator = np.random.default_rng(0)
        updates = generator.normal(size=(4, 6)).astype(np.float32)
        target = generator.normal(size=6).astype(np.float32)
        prior, logits = np.array([0.1, 0.2, 0.3, 0.4]), generator.normal(size=4)

        def objective(logits: Floats) -> float:
            weights = softmax_weights(prior, logits)
            distance = weights @ updates.astype(np.float64) - target
            divergence = float(weights @ np.log(weights / prior))
            return float(distance @ distance) / 2 + 0.7 * divergence

        slope = np.array(
            [
                objective(logits + 1e-6 * each) - objective(logits - 1e-6 * each)
                for each in np.eye(4)
            ]
        )
        rule = ValidationGradient(iterations=1, step=1, prior_strength=0.7)
        step = descend(updates, prior, logits, Towards(target), rule) - logits
        assert step == pytest.approx(-slope / np.linalg.norm(slope), abs=1e-4)

    def test_takes_the_weight_from_a_child_that_flips_its_sign(self) -> None:
        good = np.array([1, 2, 3], np.float32)
        updates = np.array([good, -good, 0.9 * good])
        prior = np.full(3, 1 / 3)
        logits = descend(updates, prior, np.zeros(3), Towards(good), ValidationGradient())
        weights = softmax_weights(prior, logits)
        assert weights[1] < 0.05 < weights.min(initial=1, where=[True, False, True])

    def test_asks_for_one_gradient_an_iteration(self) -> None:
        gradient = Towards(np.zeros(2, np.float32))
        rule = ValidationGradient(iterations=7)
        descend(np.eye(2, dtype=np.float32), np.array([0.4, 0.6]), np.zeros(2), gradient, rule)
        assert len(gradient.asked) == 7

    def test_leaves_logits_alone_where_children_do_not_differ(self) -> None:
        updates = np.ones((3, 2), np.float32)
        logits = descend(
            updates, np.full(3, 1 / 3), np.zeros(3), Towards(np.zeros(2, np.float32)), ONE
        )
        assert logits.tolist() == [0, 0, 0]
