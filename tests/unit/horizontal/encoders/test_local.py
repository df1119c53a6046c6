"""Training of one learner in one round."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from isthmus.core import seeds
from isthmus.horizontal.encoders.inputs import Inputs
from isthmus.horizontal.encoders.learner import Learner
from isthmus.horizontal.encoders.local import batches, steps_of, train_round
from isthmus.horizontal.spec import LocalTraining
from tests.learning import encoders


def plan(training: LocalTraining, samples: int) -> list[list[int]]:
    return [rows.tolist() for rows in batches(training, samples, seeds.generator(1, "order"))]


class TestBatches:
    def test_of_an_epoch_hold_every_sample_once(self) -> None:
        found = plan(LocalTraining(epochs=1, batch=4), 10)
        assert [len(rows) for rows in found] == [4, 4, 2]
        assert sorted(row for rows in found for row in rows) == list(range(10))

    def test_of_a_second_epoch_come_in_another_order(self) -> None:
        found = plan(LocalTraining(epochs=2, batch=10), 10)
        assert sorted(found[0]) == sorted(found[1])
        assert found[0] != found[1]

    @pytest.mark.parametrize("steps", [1, 3, 7])
    def test_are_as_many_as_the_job_has_steps(self, steps: int) -> None:
        training = LocalTraining(epochs=5, steps=steps, batch=4)
        assert len(plan(training, 10)) == steps_of(training, 10) == steps

    def test_are_counted_before_they_are_made(self) -> None:
        training = LocalTraining(epochs=3, batch=4)
        assert steps_of(training, 10) == len(plan(training, 10)) == 9


class TestTrainRound:
    """A learner of one weight per class: every step can be followed by hand."""

    def test_is_plain_descent(self) -> None:
        spec = encoders(training=LocalTraining(steps=2, batch=9, rate=0.5))
        layer = nn.Linear(3, 2)
        inputs, classes = torch.eye(3), torch.tensor([0, 1, 1])
        weight, bias = (it.detach().clone().requires_grad_() for it in layer.parameters())
        for _ in range(2):
            loss = functional.cross_entropy(inputs @ weight.T + bias, classes)
            slopes = torch.autograd.grad(loss, (weight, bias))
            weight = (weight - 0.5 * slopes[0]).detach().requires_grad_()
            bias = (bias - 0.5 * slopes[1]).detach().requires_grad_()
        module = Learner(nn.Identity(), layer)
        metrics = train_round(spec, module, Inputs(inputs, classes), np.random.default_rng(0))
        torch.testing.assert_close(layer.weight, weight)
        torch.testing.assert_close(layer.bias, bias)
        assert metrics["loss"] < metrics["first_loss"]

    @pytest.mark.parametrize("optimiser", ["sgd", "adam"])
    def test_makes_the_loss_smaller(self, optimiser: str) -> None:
        training = LocalTraining(steps=50, batch=2, optimiser=optimiser, rate=0.1)  # type: ignore[arg-type]
        module = Learner(nn.Identity(), nn.Linear(3, 2))
        inputs = Inputs(torch.eye(3), torch.tensor([0, 1, 1]))
        spec = encoders(training=training)
        first = train_round(spec, module, inputs, np.random.default_rng(0))
        assert train_round(spec, module, inputs, np.random.default_rng(0))["loss"] < first["loss"]

    def test_descends_by_a_corrected_gradient(self) -> None:
        spec = encoders(training=LocalTraining(steps=1, rate=0.5))
        layer = nn.Linear(3, 2)
        before = layer.weight.detach().clone()
        inputs = Inputs(torch.eye(3), torch.tensor([0, 1, 1]))
        module = Learner(nn.Identity(), layer)
        train_round(spec, module, inputs, np.random.default_rng(0), lambda _, at: 2 * at)
        torch.testing.assert_close(layer.weight, torch.zeros_like(before))
