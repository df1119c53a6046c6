"""Differential privacy of single samples. Bounds are six standard deviations wide."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from isthmus.horizontal.privacy.sample_level import SPENT, PrivateDescent, epsilon
from isthmus.horizontal.privacy.spec import SampleLevel
from isthmus.nn import build
from isthmus.nn.spec import Image, Network, Tabular, Text
from isthmus.store.checkpoint import Arrays

torch.set_num_threads(1)
ALMOST_NO_NOISE = 1e-7

TABULAR = Tabular(columns=("a", "b", "c"), hidden=(4,), size=4)
CNN = Image(height=8, width=8, kind="cnn", size=4)
VIT = Image(height=8, width=8, kind="vit", size=4)
TEXT = Text(length=6, layers=1, heads=2, size=4)


def model(network: Network) -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(build.encoder(network), build.head(network, 3))


def inputs(network: Network, batch: int) -> Tensor:
    generator = torch.Generator().manual_seed(4)
    match network:
        case Tabular():
            return torch.randn(batch, 3, generator=generator)
        case Image():
            return torch.rand(batch, 1, 8, 8, generator=generator)
        case Text():
            return torch.randint(0, 256, (batch, 7), generator=generator)


def losses(module: nn.Module, x: Tensor) -> Tensor:
    return functional.cross_entropy(module(x), torch.arange(len(x)) % 3, reduction="none")


def descent(module: nn.Module, asked: SampleLevel, samples: int, batch: int) -> PrivateDescent:
    optimiser = torch.optim.SGD(module.parameters(), lr=1.0)
    return PrivateDescent(module, optimiser, asked, samples, batch)


def vector(module: nn.Module) -> Tensor:
    return nn.utils.parameters_to_vector(module.parameters()).detach()


class TestStep:
    @pytest.mark.parametrize(
        "network", [TABULAR, CNN, VIT, TEXT], ids=["rows", "cnn", "vit", "text"]
    )
    def test_follows_the_gradient_of_each_sample_scaled_down(self, network: Network) -> None:
        module, x, norm = model(network), inputs(network, 5), 0.5
        gradients = []
        for loss in losses(module, x):
            found = torch.autograd.grad(loss, list(module.parameters()), retain_graph=True)
            gradients.append(torch.cat([it.flatten() for it in found]))
        clipped = [it * min(1.0, norm / float(it.norm())) for it in gradients]
        due = torch.stack(clipped).sum(dim=0) / 8
        before = vector(module)
        asked = SampleLevel(noise=ALMOST_NO_NOISE, largest_norm=norm)
        with descent(module, asked, samples=20, batch=8) as steps:
            steps.step(losses(module, x))
        assert (before - vector(module)).numpy() == pytest.approx(due.numpy(), abs=1e-5)
        assert max(float(it.norm()) for it in gradients) > norm

    @pytest.mark.parametrize("batch", [0, 5])
    def test_has_noise_in_proportion_to_what_one_sample_can_change(self, batch: int) -> None:
        module = nn.Linear(100, 300)
        before = vector(module)
        asked = SampleLevel(noise=3.0, largest_norm=2.0)
        with descent(module, asked, samples=40, batch=10) as steps:
            steps.step(0 * module(torch.ones(batch, 100)).sum(dim=1))
        moved = before - vector(module)
        assert float(moved.std()) == pytest.approx(3.0 * 2.0 / 10, rel=0.03)

    def test_leaves_the_module_as_it_was(self) -> None:
        module = model(TABULAR)
        with descent(module, SampleLevel(), samples=20, batch=8) as steps:
            steps.step(losses(module, inputs(TABULAR, 5)))
        torch.autograd.backward(losses(module, inputs(TABULAR, 5)).sum())
        assert not any(hasattr(it, "grad_sample") for it in module.parameters())

    def test_learns(self) -> None:
        module, x = nn.Linear(2, 3), torch.eye(3)[:, :2].repeat(40, 1) * 3
        asked, state = SampleLevel(noise=0.5), Arrays()
        first = float(losses(module, x).mean().detach())
        with descent(module, asked, samples=120, batch=60) as steps:
            for rows in steps.batches(60, state):
                taken = torch.arange(120)[torch.as_tensor(rows)]
                logits = module(x[taken])
                steps.step(functional.cross_entropy(logits, taken % 3, reduction="none"))
        assert float(losses(module, x).mean().detach()) < 0.7 * first


class TestBatches:
    def test_are_counted_in_what_was_spent(self) -> None:
        state: Arrays = {}
        with descent(model(TABULAR), SampleLevel(), samples=20, batch=4) as steps:
            assert len(list(steps.batches(3, state))) == 3
            assert len(list(steps.batches(2, state))) == 2
        assert state[SPENT].tolist() == [[1.0, 0.2, 5.0]]
        assert epsilon(SampleLevel(), state) > 0

    def test_end_before_the_limit_is_passed_also_when_training_is_taken_up_again(self) -> None:
        asked, state = SampleLevel(epsilon=3.0), Arrays()
        taken = 0
        for _ in range(5):
            with descent(model(TABULAR), asked, samples=20, batch=2) as steps:
                taken += len(list(steps.batches(10, state)))
        assert 0 < taken < 50
        assert state[SPENT][0, 2] == taken
        assert epsilon(asked, state) <= 3.0
        with descent(model(TABULAR), asked, samples=20, batch=2) as steps:
            assert not list(steps.batches(1, state))

    def test_that_are_larger_than_all_samples_are_all_samples(self) -> None:
        with descent(model(TABULAR), SampleLevel(), samples=5, batch=50) as steps:
            (rows,) = steps.batches(1, {})
        assert rows.tolist() == [0, 1, 2, 3, 4]
