import numpy as np
import pytest
import torch

from isthmus.multitask.network.sharing import Layers, TaskLayers, experts
from isthmus.multitask.spec import Identifier, Multitask, Task
from isthmus.nn import parameters

_INPUTS, _BATCH = 6, 5


def _spec(**keys: object) -> Multitask:
    return Multitask(
        features={"item": Identifier()},
        tasks={"click": Task(label="click"), "buy": Task(label="buy")},
        hidden=(4, 3),
        tower=(2,),
        **keys,  # type: ignore[arg-type]
    )


def _drawn(spec: Multitask, interactions: int = 0) -> tuple[torch.nn.ModuleList, TaskLayers]:
    shared, task = experts(spec, _INPUTS), TaskLayers(spec, _INPUTS, interactions)
    generator = np.random.default_rng(3)
    parameters.draw(shared, generator)
    parameters.draw(task, generator)
    return shared, task


class TestShared:
    def test_bottom_is_one_expert_and_no_gate(self) -> None:
        shared, task = _drawn(_spec(sharing="bottom"))
        assert len(shared) == 1
        assert task.gate is None
        assert len(task.experts) == 0

    def test_mmoe_has_shared_experts_alone(self) -> None:
        shared, task = _drawn(_spec(sharing="mmoe", experts=3))
        assert (len(shared), len(task.experts)) == (3, 0)

    def test_ple_has_both(self) -> None:
        shared, task = _drawn(_spec(sharing="ple", experts=3, own_experts=2))
        assert (len(shared), len(task.experts)) == (3, 2)

    def test_layers_without_units_pass_their_inputs_on(self) -> None:
        layers = Layers(_INPUTS, ())
        inputs = torch.randn(_BATCH, _INPUTS)
        assert layers.outputs == _INPUTS
        assert layers(inputs).equal(inputs)


class TestTaskLayers:
    @pytest.mark.parametrize("sharing", ["mmoe", "ple"])
    def test_mixes_experts_by_the_softmax_of_the_gate(self, sharing: str) -> None:
        shared, task = _drawn(_spec(sharing=sharing))
        inputs = torch.randn(_BATCH, _INPUTS)
        outputs = [expert(inputs) for expert in (*task.experts, *shared)]
        assert task.gate is not None
        shares = task.gate(inputs).softmax(1)
        mixed = sum(share[:, None] * it for share, it in zip(shares.T, outputs, strict=True))
        due = task.last(task.tower(mixed))
        found = task(inputs, [expert(inputs) for expert in shared], inputs)
        torch.testing.assert_close(found, due)

    def test_adds_what_a_factorization_machine_says(self) -> None:
        shared, task = _drawn(_spec(), interactions=4)
        inputs, terms = torch.randn(_BATCH, _INPUTS), torch.randn(_BATCH, 4)
        outputs = [expert(inputs) for expert in shared]
        assert task.interactions is not None
        added = task(inputs, outputs, terms) - task(inputs, outputs, torch.zeros(_BATCH, 4))
        torch.testing.assert_close(added[:, 0], terms @ task.interactions.weight[0])
