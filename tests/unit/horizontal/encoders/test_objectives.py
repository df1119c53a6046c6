"""What an encoder learns from."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from isthmus.horizontal.encoders.inputs import Inputs, to_inputs
from isthmus.horizontal.encoders.learner import Learner, initial, learner
from isthmus.horizontal.encoders.objectives import contrast, losses, reconstruction, view
from isthmus.horizontal.encoders.spec import Encoders
from isthmus.nn import parameters
from isthmus.nn.spec import Network
from isthmus.nn.text import BYTES, MASK, PADDING, START
from tests.learning import CNN, NETWORKS, TABULAR, TEXT, encoders, samples

OBJECTIVES = "reconstruction", "contrastive", "labels"


class Nothing(nn.Module):
    """An encoder and a decoder that leave everything as it is."""

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs


def generator() -> np.random.Generator:
    return np.random.default_rng(3)


def read(network: Network) -> Inputs:
    return to_inputs(network, samples(network), ("even", "odd"))


def begun(spec: Encoders) -> Learner:
    """A learner as a job begins with it: of arbitrary parameters some reach nothing."""
    module = learner(spec)
    parameters.put(initial(spec, 1), module)
    return module


class TestEveryObjective:
    @pytest.mark.parametrize("objective", OBJECTIVES)
    @pytest.mark.parametrize("network", NETWORKS)
    def test_gives_each_sample_a_loss_that_reaches_the_encoder(
        self, network: Network, objective: str
    ) -> None:
        spec = encoders(network, objective=objective)
        module = begun(spec)
        found = losses(spec, module, read(network), generator())
        assert found.shape == (10,)
        torch.autograd.backward(found.mean())
        assert any(it.grad is not None and it.grad.any() for it in module.encoder.parameters())

    @pytest.mark.parametrize("objective", OBJECTIVES)
    @pytest.mark.parametrize("network", NETWORKS)
    def test_is_the_same_again_by_the_same_generator(
        self, network: Network, objective: str
    ) -> None:
        spec = encoders(network, objective=objective)
        module = begun(spec)
        first, again = (losses(spec, module, read(network), generator()) for _ in range(2))
        assert torch.equal(first, again)


class TestReconstruction:
    def test_of_columns_counts_the_masked_ones_only(self) -> None:
        # What is masked becomes 0, the mean, so that the error there is the value squared.
        inputs = torch.tensor([[2.0, 3.0, 5.0]] * 50)
        module = Learner(Nothing(), Nothing())
        found = reconstruction(TABULAR, module, inputs, 0.4, generator())
        masked = generator().random((50, 3)) < 0.4
        squares = (np.array([4, 9, 25]) * masked).sum(axis=1) / np.maximum(masked.sum(axis=1), 1)
        np.testing.assert_allclose(found.numpy(), squares, rtol=1e-6)

    def test_of_a_sample_without_a_masked_part_is_no_loss(self) -> None:
        module = Learner(Nothing(), Nothing())
        found = reconstruction(TABULAR, module, torch.ones(20, 3), 1e-9, generator())
        assert found.tolist() == [0] * 20

    def test_of_patches_hides_whole_squares(self) -> None:
        seen = list[Tensor]()

        class Watching(Nothing):
            def forward(self, inputs: Tensor) -> Tensor:
                seen.append(inputs)
                return inputs

        images = torch.arange(4 * 84, dtype=torch.float32).view(4, 2, 6, 7)
        reconstruction(CNN, Learner(Watching(), Nothing()), images, 0.5, generator())
        hidden = (seen[0] != images).any(dim=1)
        for square in (hidden[:, :3, :3], hidden[:, 3:, 3:6], hidden[:, :3, 6:]):
            assert torch.equal(square.flatten(1).any(dim=1), square.flatten(1).all(dim=1))
        assert 0 < hidden.float().mean() < 1

    def test_of_bytes_hides_neither_starts_nor_padding(self) -> None:
        numbers = to_inputs(TEXT, samples(TEXT)).values
        hidden = view(TEXT, numbers, 0.9, generator()) == MASK
        assert hidden.any()
        assert (numbers[hidden] < BYTES).all()
        assert not hidden[(numbers == START) | (numbers == PADDING)].any()


class TestContrast:
    def test_equals_the_formula_of_the_paper(self) -> None:
        rng = np.random.default_rng(0)
        first, second = rng.normal(size=(2, 3, 4))
        both = np.concatenate([first, second])
        both /= np.linalg.norm(both, axis=1, keepdims=True)
        likeness = np.exp(both @ both.T / 0.5)
        expected = np.zeros(3)
        for row in range(6):
            others = likeness[row].sum() - likeness[row, row]
            expected[row % 3] -= np.log(likeness[row, (row + 3) % 6] / others) / 2
        found = contrast(torch.tensor(first), torch.tensor(second), 0.5)
        np.testing.assert_allclose(found.numpy(), expected)

    def test_of_a_single_sample_is_no_loss(self) -> None:
        assert contrast(torch.ones(1, 3), -torch.ones(1, 3), 0.1).tolist() == [0]


class TestViews:
    def test_of_rows_hold_values_that_their_column_has(self) -> None:
        inputs = torch.arange(30.0).view(10, 3)
        found = view(TABULAR, inputs, 0.5, generator())
        assert not torch.equal(found, inputs)
        for column in range(3):
            assert set(found[:, column].tolist()) <= set(inputs[:, column].tolist())

    @pytest.mark.parametrize("network", NETWORKS)
    def test_differ_from_each_other(self, network: Network) -> None:
        chance, inputs = generator(), read(network).values
        first, second = (view(network, inputs, 0.3, chance) for _ in range(2))
        assert first.shape == second.shape == inputs.shape
        assert first.dtype == inputs.dtype
        assert not torch.equal(first, second)
