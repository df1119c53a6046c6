from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from isthmus.core.errors import SpecError
from isthmus.multitask.network import networks, trainer
from isthmus.multitask.network.losses import projected
from isthmus.multitask.network.trainer import Description, TorchTrainer
from isthmus.multitask.samples import ALL, TaskBatch
from isthmus.multitask.spec import Amount, Feature, Hashed, Identifier, Multitask, Task
from isthmus.paramserver.spec import Server
from isthmus.paramserver.window import Float32s

_SAMPLES = 6


def _spec(**keys: object) -> Multitask:
    features: dict[str, Feature] = {
        "user": Identifier(),
        "tags": Hashed(many="mean"),
        "price": Amount(),
        "hour": Identifier(),
    }
    tasks = {"click": Task(label="click"), "buy": Task(label="buy", given="click")}
    settings = {"dimension": 3, "hidden": (4,), "tower": (2,)} | keys
    return Multitask(features=features, tasks=tasks, **settings)  # type: ignore[arg-type]


def _batch(task: int = ALL) -> TaskBatch:
    generator = np.random.default_rng(1)
    lengths = np.array([2, 0, 1, 3, 1, 1], np.int32)
    slots = np.arange(2 * _SAMPLES + lengths.sum(), dtype=np.int32)
    labels = generator.integers(0, 2, (_SAMPLES, 2)).astype(np.float32)
    labels[0, 1] = np.nan
    numbers = generator.normal(size=(_SAMPLES, 1)).astype(np.float32)
    return TaskBatch(task, slots, (lengths,), numbers, labels, np.ones_like(labels))


def _vectors(made: TorchTrainer, batch: TaskBatch) -> Float32s:
    shape = (len(batch.slots), made.dimension)
    return np.random.default_rng(2).normal(size=shape).astype(np.float32)


def _mask(size: int, slices: Sequence[slice]) -> list[bool]:
    mask = np.zeros(size, bool)
    for part in slices:
        mask[part] = True
    return mask.tolist()


class TestMake:
    def test_makes_the_trainer_that_was_described(self, tmp_path: Path) -> None:
        path = tmp_path / "trainer.json"
        trainer.write(path, Description(_spec(), seed=5))
        made = trainer.make(path)
        assert made.dimension == 4
        assert made.first().tolist() == TorchTrainer(Description(_spec(), 5)).first().tolist()

    def test_the_seed_decides_the_first_numbers(self) -> None:
        one, other = (TorchTrainer(Description(_spec(), seed)).first() for seed in (5, 6))
        assert len(one) == TorchTrainer(Description(_spec(), 5)).size
        assert not np.array_equal(one, other)

    @pytest.mark.skipif(torch.cuda.is_available(), reason="there is a device of CUDA")
    def test_a_device_that_is_not_there_is_a_sentence(self) -> None:
        spec = _spec(server=Server(device="cuda"))
        with pytest.raises(SpecError, match="finds no such device"):
            TorchTrainer(Description(spec, 5))


class TestGradients:
    @pytest.mark.parametrize("model", ["mlp", "deepfm", "dcn"])
    @pytest.mark.parametrize("sharing", ["bottom", "mmoe", "ple"])
    def test_are_the_slope_of_the_loss(self, model: str, sharing: str) -> None:
        spec = _spec(model=model, sharing=sharing, hidden=(16,), tower=(16,))
        made = TorchTrainer(Description(spec, 1))
        batch, dense = _batch(), made.first()
        vectors = _vectors(made, batch)
        found = made.gradients(batch, vectors, dense)
        for values, slope in ((vectors, found.vectors), (dense, found.dense)):
            step = 1e-2 * slope / np.linalg.norm(slope)
            ends = [values - step, values + step]
            losses = [
                made.gradients(batch, *pair).loss
                for pair in (((it, dense) if values is vectors else (vectors, it)) for it in ends)
            ]
            assert losses[1] - losses[0] == pytest.approx(2e-2 * np.linalg.norm(slope), rel=0.05)

    def test_repeat_bit_by_bit(self) -> None:
        batches = []
        for _ in range(2):
            made = TorchTrainer(Description(_spec(sharing="ple"), 1))
            batches.append(made.gradients(_batch(), _vectors(made, _batch()), made.first()))
        one, other = batches
        assert one.vectors.tobytes() == other.vectors.tobytes()
        assert one.dense.tobytes() == other.dense.tobytes()
        assert one.loss == other.loss

    def test_are_the_same_in_every_thread(self) -> None:
        made = TorchTrainer(Description(_spec(), 1))
        vectors, dense = _vectors(made, _batch()), made.first()
        with ThreadPoolExecutor(4) as pool:
            jobs = [pool.submit(made.gradients, _batch(), vectors, dense) for _ in range(8)]
        due = made.gradients(_batch(), vectors, dense).dense.tobytes()
        assert {job.result().dense.tobytes() for job in jobs} == {due}

    def test_change_nothing(self) -> None:
        made = TorchTrainer(Description(_spec(), 1))
        batch, dense = _batch(), made.first()
        vectors = _vectors(made, batch)
        before = vectors.tobytes(), dense.tobytes()
        found = made.gradients(batch, vectors, dense)
        made.first()
        kept = found.dense.tobytes()
        made.gradients(batch, vectors, 2 * dense)
        assert (vectors.tobytes(), dense.tobytes()) == before
        assert found.dense.tobytes() == kept

    def test_read_only_arrays_serve(self) -> None:
        made = TorchTrainer(Description(_spec(), 1))
        batch, dense = _batch(), made.first()
        vectors = _vectors(made, batch)
        due = made.gradients(batch, vectors, dense)
        for array in (vectors, dense, batch.labels, batch.numbers, *batch.lengths):
            array.setflags(write=False)
        assert made.gradients(batch, vectors, dense).dense.tobytes() == due.dense.tobytes()

    def test_one_task_trains_shared_layers_and_its_own(self) -> None:
        spec = _spec(sharing="ple")
        made = TorchTrainer(Description(spec, 1))
        parts = networks.parts_of(networks.Network(spec))
        batch = _batch(task=1)
        found = made.gradients(batch, _vectors(made, batch), made.first())
        assert list(found.trained) == [parts.shared, parts.tasks[1]]
        outside = ~np.array(_mask(made.size, found.trained))
        assert not found.dense[outside].any()

    def test_all_tasks_train_all_towers(self) -> None:
        spec = _spec(balance="uncertainty")
        made = TorchTrainer(Description(spec, 1))
        found = made.gradients(_batch(), _vectors(made, _batch()), made.first())
        assert all(_mask(made.size, found.trained))

    def test_over_the_entire_space_the_towers_before_learn_too(self) -> None:
        spec = _spec(entire_space=True)
        made = TorchTrainer(Description(spec, 1))
        parts = networks.parts_of(networks.Network(spec))
        batch = _batch(task=1)
        found = made.gradients(batch, _vectors(made, batch), made.first())
        assert list(found.trained) == [parts.shared, *parts.tasks]

    def test_a_label_that_the_batch_lacks_trains_nothing(self) -> None:
        made = TorchTrainer(Description(_spec(), 1))
        parts = networks.parts_of(networks.Network(_spec()))
        batch = _batch()
        batch.labels[:, 1] = np.nan
        found = made.gradients(batch, _vectors(made, batch), made.first())
        assert list(found.trained) == [parts.shared, parts.tasks[0]]
        batch.labels[:] = np.nan
        found = made.gradients(batch, _vectors(made, batch), made.first())
        assert list(found.trained) == []
        assert found.loss == 0
        assert not found.vectors.any()

    def test_the_loss_of_all_tasks_is_the_sum(self) -> None:
        made = TorchTrainer(Description(_spec(), 1))
        batches = [_batch(task) for task in (ALL, 0, 1)]
        vectors, dense = _vectors(made, batches[0]), made.first()
        both, click, buy = (made.gradients(batch, vectors, dense) for batch in batches)
        assert both.loss == pytest.approx(click.loss + buy.loss, rel=1e-6)
        np.testing.assert_allclose(both.dense, click.dense + buy.dense, atol=1e-6)

    def test_pcgrad_projects_shared_layers_and_vectors(self) -> None:
        fixed, project = (
            TorchTrainer(Description(_spec(balance=balance), 1)) for balance in ("fixed", "pcgrad")
        )
        batch, dense = _batch(), fixed.first()
        vectors = _vectors(fixed, batch)
        parts = networks.parts_of(networks.Network(_spec()))
        alone = [fixed.gradients(_batch(task), vectors, dense) for task in (0, 1)]
        shared = [
            torch.from_numpy(np.concatenate([it.vectors.ravel(), it.dense[parts.shared]]))
            for it in alone
        ]
        found = project.gradients(batch, vectors, dense)
        together = np.concatenate([found.vectors.ravel(), found.dense[parts.shared]])
        np.testing.assert_allclose(together, projected(shared).numpy(), atol=1e-6)
        np.testing.assert_allclose(
            found.dense[parts.tasks[0]], alone[0].dense[parts.tasks[0]], atol=1e-6
        )


class TestPredict:
    def test_is_the_probability_of_every_task(self) -> None:
        spec = _spec(model="mlp")
        made = TorchTrainer(Description(spec, 1))
        batch, dense = _batch(task=0), made.first()
        vectors = _vectors(made, batch)
        found = made.predict(batch, vectors, dense)
        network = networks.Network(spec)
        networks.draw(network, np.random.default_rng())
        cut = 0
        for parameter in network.parameters():
            part = dense[cut : cut + parameter.numel()]
            parameter.data = torch.from_numpy(part.copy()).view(parameter.shape)
            cut += parameter.numel()
        cells = np.split(vectors[12:], np.cumsum(batch.lengths[0])[:-1])
        pooled = np.array([it.mean(0) if len(it) else np.zeros(3) for it in cells], np.float32)
        wide = np.concatenate([vectors[:12].reshape(6, 2, 3), pooled[:, None]], axis=1)
        due = network(torch.from_numpy(wide), torch.from_numpy(batch.numbers)).sigmoid()
        np.testing.assert_allclose(found, due.detach().numpy(), atol=1e-6)

    def test_no_samples_have_no_predictions(self) -> None:
        made = TorchTrainer(Description(_spec(), 1))
        empty = np.zeros((0, 2), np.float32)
        batch = TaskBatch(
            ALL, np.zeros(0, np.int32), (np.zeros(0, np.int32),), empty[:, :1], empty, empty
        )
        vectors = np.zeros((0, made.dimension), np.float32)
        assert made.predict(batch, vectors, made.first()).shape == (0, 2)


class TestWithoutVectors:
    def test_amounts_alone_are_enough(self) -> None:
        spec = Multitask(features={"price": Amount()}, tasks={"click": Task(label="click")})
        made = TorchTrainer(Description(spec, 1))
        ones = np.ones((3, 1), np.float32)
        batch = TaskBatch(ALL, np.zeros(0, np.int32), (), ones, ones, ones)
        vectors = np.zeros((0, made.dimension), np.float32)
        assert made.gradients(batch, vectors, made.first()).loss > 0
        assert made.predict(batch, vectors, made.first()).shape == (3, 1)
