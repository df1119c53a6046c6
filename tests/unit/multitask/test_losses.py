import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import binary_cross_entropy_with_logits

from isthmus.multitask.network.losses import Losses, chain, log_probabilities, projected
from isthmus.multitask.spec import Conversions, Identifier, Multitask, Task

_LATE = Conversions(
    dataset="buys", key="key", time="time", within_hours=24, until_then="fake_negative"
)


def _spec(**keys: object) -> Multitask:
    tasks = {
        "click": Task(label="click", weight=2),
        "cart": Task(label="cart", given="click"),
        "buy": Task(label="buy", given="cart", conversions=_LATE),
    }
    return Multitask(features={"item": Identifier()}, tasks=tasks, **keys)  # type: ignore[arg-type]


class TestChain:
    def test_is_the_task_alone(self) -> None:
        assert Losses(_spec()).chains == ((0,), (1,), (2,))

    def test_has_all_tasks_before_over_the_entire_space(self) -> None:
        assert Losses(_spec(entire_space=True)).chains == ((0,), (0, 1), (0, 1, 2))

    def test_does_not_depend_on_the_order_of_tasks(self) -> None:
        tasks = {"buy": Task(label="buy", given="click"), "click": Task(label="click")}
        spec = Multitask(features={"item": Identifier()}, tasks=tasks, entire_space=True)
        assert chain(spec, 0) == (1, 0)


class TestOfTask:
    def test_is_weighted_cross_entropy_of_the_labels_that_are_there(self) -> None:
        logit = torch.tensor([0.3, -1.2, 2.0, 4.0])
        label = torch.tensor([1.0, 0.0, math.nan, 1.0])
        weight = torch.tensor([1.0, 2.0, 5.0, 0.5])
        found = Losses(_spec()).of_task(0, [logit], label, weight)
        there = torch.tensor([0, 1, 3])
        due = binary_cross_entropy_with_logits(
            logit[there], label[there], weight[there], reduction="sum"
        )
        torch.testing.assert_close(found, due / 4)

    def test_a_missing_label_has_no_gradient(self) -> None:
        logit = torch.tensor([0.3, -1.2], requires_grad=True)
        loss = Losses(_spec()).of_task(0, [logit], torch.tensor([math.nan, 1.0]), torch.ones(2))
        (gradient,) = torch.autograd.grad(loss, logit)
        assert gradient[0] == 0
        assert gradient[1] != 0

    def test_over_the_entire_space_the_product_is_fitted(self) -> None:
        first, second = torch.tensor([0.3, -0.5]), torch.tensor([1.0, -2.0])
        label = torch.tensor([1.0, 0.0])
        spec = _spec(entire_space=True)
        found = Losses(spec).of_task(1, [first, second], label, torch.ones(2))
        product = first.sigmoid() * second.sigmoid()
        torch.testing.assert_close(found, torch.nn.functional.binary_cross_entropy(product, label))

    def test_fake_negatives_have_the_gradient_of_the_true_labels(self) -> None:
        # Every sample once as a negative, and the share that converts once more as a positive:
        # where the estimate is that share, the gradient is zero (Ktena et al. 2019).
        share = 0.2
        logit = torch.full((120,), math.log(share / (1 - share)), requires_grad=True)
        label = torch.cat([torch.zeros(100), torch.ones(20)])
        loss = Losses(_spec()).of_task(2, [logit], label, torch.ones(120))
        (gradient,) = torch.autograd.grad(loss, logit)
        assert abs(gradient.sum()) < 1e-7
        assert abs(gradient[0]) > 1e-4


class TestLogProbabilities:
    @given(st.lists(st.floats(-40, 40), min_size=1, max_size=4))
    def test_are_exact_near_zero_and_one(self, logits: list[float]) -> None:
        given = [torch.tensor([logit], dtype=torch.float64) for logit in logits]
        positive, negative = log_probabilities(given)
        exact = [-np.log1p(np.exp(np.longdouble(-logit))) for logit in logits]
        assert float(positive) == pytest.approx(float(sum(exact)), rel=1e-9)
        assert float(negative) == pytest.approx(float(np.log(-np.expm1(sum(exact)))), rel=1e-6)

    def test_stay_finite_where_a_probability_is_one(self) -> None:
        logit = torch.tensor([80.0])
        assert all(bool(it.isfinite().all()) for it in log_probabilities([logit, logit]))


class TestBalanced:
    losses = {0: torch.tensor(1.5), 2: torch.tensor(0.5)}

    def test_fixed_weights_are_those_of_the_job(self) -> None:
        assert Losses(_spec()).balanced(self.losses, torch.zeros(3)) == 2 * 1.5 + 0.5

    def test_uncertain_losses_count_less(self) -> None:
        spread = torch.tensor([math.log(4.0), 9.0, 0.0])
        found = Losses(_spec(balance="uncertainty")).balanced(self.losses, spread)
        torch.testing.assert_close(found, torch.tensor(1.5 / 4 + math.log(4) / 2 + 0.5))

    def test_one_loss_alone_is_as_it_is(self) -> None:
        losses = {1: torch.tensor(1.5)}
        assert Losses(_spec(balance="uncertainty")).balanced(losses, torch.ones(3)) == 1.5


class TestProjected:
    def test_gradients_that_agree_are_added(self) -> None:
        found = projected([torch.tensor([1.0, 2.0]), torch.tensor([3.0, 0.0])])
        assert found.tolist() == [4, 2]

    def test_each_loses_what_conflicts_with_the_other(self) -> None:
        mine, other = torch.tensor([1.0, 0.0]), torch.tensor([-1.0, 1.0])
        kept = mine - (mine @ other) / (other @ other) * other
        theirs = other - (mine @ other) / (mine @ mine) * mine
        torch.testing.assert_close(projected([mine, other]), kept + theirs)
        assert kept @ other == 0
        assert theirs @ mine == 0

    def test_a_gradient_of_zeros_takes_nothing_away(self) -> None:
        found = projected([torch.tensor([1.0, 2.0]), torch.zeros(2)])
        assert found.tolist() == [1, 2]
