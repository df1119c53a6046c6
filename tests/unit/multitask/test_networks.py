from itertools import combinations
from typing import Literal

import numpy as np
import pytest
import torch
from torch import Tensor

from isthmus.multitask.network import networks
from isthmus.multitask.network.sharing import TaskLayers
from isthmus.multitask.spec import (
    Amount,
    Bucketed,
    Feature,
    Identifier,
    Multitask,
    Task,
    sparse_features,
)

_BATCH = 5


def _spec(model: Literal["mlp", "deepfm", "dcn"], **keys: object) -> Multitask:
    features: dict[str, Feature] = {
        "user": Identifier(),
        "price": Amount(),
        "tags": Identifier(many="mean"),
        "hour": Bucketed(boundaries=(6.0, 12.0)),
        "size": Amount(),
    }
    tasks = {"click": Task(label="click"), "buy": Task(label="buy")}
    settings = {"dimension": 3, "hidden": (4,), "tower": (2,)} | keys
    return Multitask(features=features, tasks=tasks, model=model, **settings)  # type: ignore[arg-type]


def _drawn(spec: Multitask) -> networks.Network:
    network = networks.Network(spec)
    networks.draw(network, np.random.default_rng(3))
    return network


def _inputs(spec: Multitask) -> tuple[Tensor, Tensor]:
    vectors = torch.randn(_BATCH, 3, networks.row_dimension(spec), dtype=torch.float32)
    return vectors, torch.randn(_BATCH, 2)


class TestFeatureOrder:
    def test_features_with_one_id_come_before_lists(self) -> None:
        order = networks.order_of(_spec("mlp"))
        assert order.single == ("user", "hour")
        assert order.lists == ("tags",)
        assert order.amounts == ("price", "size")
        assert order.vectors == 3

    def test_numbers_of_features_follow_the_job(self) -> None:
        assert list(sparse_features(_spec("mlp"))) == ["user", "tags", "hour"]


class TestNetwork:
    def test_mlp_is_layers_over_vectors_and_amounts(self) -> None:
        spec = _spec("mlp")
        network, (vectors, numbers) = _drawn(spec), _inputs(spec)
        inputs = torch.cat([vectors.reshape(_BATCH, -1), numbers], 1)
        shared = [network.experts[0](inputs)]
        due = torch.cat([task(inputs, shared, inputs) for task in network.tasks], 1)
        torch.testing.assert_close(network(vectors, numbers), due)

    def test_deepfm_adds_first_order_weights_and_products_of_all_pairs(self) -> None:
        spec = _spec("deepfm")
        network, (vectors, numbers) = _drawn(spec), _inputs(spec)
        inputs = torch.cat([vectors[..., :3].reshape(_BATCH, -1), numbers], 1)
        pairs = combinations(vectors[..., :3].unbind(1), 2)
        machine = torch.stack([(a * b).sum(1) for a, b in pairs]).sum(0) + vectors[..., 3].sum(1)
        shared = [network.experts[0](inputs)]
        nothing = torch.zeros(_BATCH, 4)
        due = torch.cat([task(inputs, shared, nothing) for task in network.tasks], 1)
        torch.testing.assert_close(network(vectors, numbers), due + machine[:, None])

    def test_dcn_multiplies_by_its_first_inputs(self) -> None:
        spec = _spec("dcn", cross_layers=2)
        network, (vectors, numbers) = _drawn(spec), _inputs(spec)
        first = torch.cat([vectors.reshape(_BATCH, -1), numbers], 1)
        inputs = first
        for layer in network.cross:
            inputs = first * layer(inputs) + inputs
        shared = [network.experts[0](inputs)]
        due = torch.cat([task(inputs, shared, inputs) for task in network.tasks], 1)
        torch.testing.assert_close(network(vectors, numbers), due)

    @pytest.mark.parametrize("model", ["mlp", "deepfm", "dcn"])
    @pytest.mark.parametrize("sharing", ["bottom", "mmoe", "ple"])
    def test_one_task_alone_has_the_same_logit(
        self, model: Literal["mlp", "deepfm", "dcn"], sharing: str
    ) -> None:
        spec = _spec(model, sharing=sharing)
        network, inputs = _drawn(spec), _inputs(spec)
        torch.testing.assert_close(network(*inputs, [1]), network(*inputs)[:, 1:])


class TestFactorize:
    def test_its_gradient_is_that_of_autograd(self) -> None:
        vectors = torch.randn(4, 3, 5, dtype=torch.float64, requires_grad=True)
        numbers = torch.randn(4, 2, dtype=torch.float64)

        def factorized(vectors: Tensor) -> tuple[Tensor, Tensor]:
            return networks.factorize(vectors, numbers)

        assert torch.autograd.gradcheck(factorized, vectors)

    def test_is_the_same_without_gradients(self) -> None:
        vectors, numbers = torch.randn(4, 3, 5), torch.randn(4, 2)
        with torch.no_grad():
            plain = networks.factorize(vectors, numbers)
        for found, due in zip(networks.factorize(vectors, numbers), plain, strict=True):
            torch.testing.assert_close(found, due)


class TestParts:
    def test_cover_every_parameter_in_order(self) -> None:
        network = networks.Network(_spec("deepfm", sharing="ple"))
        parts = networks.parts_of(network)
        ends = [0]
        for part in (parts.shared, *parts.tasks, parts.balance):
            assert part.start == ends[-1]
            ends.append(part.stop)
        assert parts.size == sum(it.numel() for it in network.parameters())
        names = [name.split(".")[0] for name, _ in network.named_parameters()]
        assert list(dict.fromkeys(names)) == ["experts", "tasks", "balance"]


class TestDraw:
    def test_weights_of_the_factorization_machine_begin_as_one(self) -> None:
        for task in _drawn(_spec("deepfm")).tasks:
            assert isinstance(task, TaskLayers)
            assert task.interactions is not None
            assert task.interactions.weight.eq(1).all()


class TestPool:
    def test_sums_or_averages_each_cell(self) -> None:
        vectors = torch.tensor([[1.0, 2], [3, 4], [5, 6]])
        lengths = torch.tensor([2, 0, 1], dtype=torch.int32)
        sums = networks.pool(vectors, lengths, "sum")
        assert sums.tolist() == [[4, 6], [0, 0], [5, 6]]
        means = networks.pool(vectors, lengths, "mean")
        assert means.tolist() == [[2, 3], [0, 0], [5, 6]]
