"""Parameters of a module, out and in, and the first ones."""

import numpy as np
import pytest
import torch
from torch import nn

from isthmus.nn import build, parameters
from isthmus.nn.spec import Network
from tests.learning import NETWORKS, TEXT


def drawn(network: Network, seed: int) -> parameters.Arrays:
    module = build.encoder(network)
    parameters.draw(module, np.random.default_rng(seed))
    return parameters.arrays_of(module)


class TestFirstParameters:
    @pytest.mark.parametrize("network", NETWORKS)
    def test_follow_from_the_generator_alone(self, network: Network) -> None:
        first, again, other = drawn(network, 1), drawn(network, 1), drawn(network, 2)
        assert all(np.array_equal(first[name], again[name]) for name in first)
        assert any(not np.array_equal(first[name], other[name]) for name in first)

    def test_leave_the_generator_of_torch_alone(self) -> None:
        module = build.encoder(TEXT)
        before = torch.get_rng_state()
        parameters.draw(module, np.random.default_rng(1))
        assert torch.equal(before, torch.get_rng_state())

    def test_of_a_norm_change_nothing(self) -> None:
        module = nn.GroupNorm(1, 2)
        nn.init.zeros_(module.weight)
        parameters.draw(module, np.random.default_rng(1))
        assert (module.weight.tolist(), module.bias.tolist()) == ([1, 1], [0, 0])

    def test_of_a_wide_layer_are_smaller(self) -> None:
        module = nn.Linear(100, 50)
        parameters.draw(module, np.random.default_rng(1))
        assert 0.09 < module.weight.abs().max() <= 0.1

    def test_of_a_module_that_nobody_thought_of_are_refused(self) -> None:
        with pytest.raises(TypeError, match="PReLU"):
            parameters.draw(nn.PReLU(), np.random.default_rng(1))


class TestArrays:
    def test_go_out_and_in_again(self) -> None:
        module, other = build.encoder(TEXT), build.encoder(TEXT)
        parameters.put(parameters.arrays_of(module), other)
        wanted = module.state_dict()
        assert all(torch.equal(it, wanted[name]) for name, it in other.state_dict().items())

    def test_are_copies(self) -> None:
        module = nn.Linear(1, 1)
        parameters.arrays_of(module)["bias"][:] = 7
        assert module.bias.item() != 7

    def test_of_gradients_are_zero_where_nothing_came_back(self) -> None:
        module = nn.Linear(2, 1)
        torch.autograd.backward(module.weight.sum())
        found = parameters.gradients_of(module)
        assert found["weight"].tolist() == [[1, 1]]
        assert found["bias"].tolist() == [0]
