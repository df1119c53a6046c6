"""The training loop, on a network of one number."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Event, Telemetry
from isthmus.multilingual.spec import Training
from isthmus.multilingual.training import loop
from isthmus.multilingual.training.checkpoints import Checkpoints
from isthmus.multilingual.training.flatness import Losses
from isthmus.multilingual.training.loop import Trained, Weighted
from isthmus.multilingual.training.task import TaskLoss

SPEC = Training(steps=40, rate=0.1, flat_steps=4, flat_below=0.01, save_every=10)


class Number(nn.Module):
    """A single parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.tensor([2.0, -1.0]))


class Toward:
    """A task whose loss is the square of the distance from a goal, and noise of the step."""

    def __init__(
        self,
        module: Number,
        name: str = "pairs",
        goal: float = 0.0,
        wrong: Callable[[int], float] = lambda _: 0.0,
    ) -> None:
        self.name = name
        self.bilingual = True
        self.steps = list[int]()
        self._module = module
        self._goal = goal
        self._wrong = wrong

    def loss(self, step: int) -> TaskLoss:
        self.steps.append(step)
        value = (self._module.value - self._goal).square().sum() + self._wrong(step)
        return TaskLoss(value, 7, "xa-xb")


def trained(
    module: Number,
    *tasks: Weighted,
    path: Path,
    spec: Training = SPEC,
    told: Callable[[Event], None] = lambda _: None,
) -> Trained:
    return loop.train(module, tasks, spec, Checkpoints(path / "c.npz", "job"), Telemetry(told))


class TestTrain:
    def test_goes_until_the_loss_is_flat(self, tmp_path: Path) -> None:
        module = Number()
        spec = Training(steps=400, rate=0.3, flat_steps=4, flat_below=0.5)
        found = trained(
            module, Weighted(Toward(module, wrong=lambda _: 1.0), 1.0), path=tmp_path, spec=spec
        )
        assert found.steps < 400
        assert found.flat == {"pairs": True}
        assert found.converged

    def test_ends_with_the_steps_of_the_job(self, tmp_path: Path) -> None:
        module = Number()
        task = Toward(module, wrong=lambda step: 100.0 * 0.7**step)
        found = trained(module, Weighted(task, 1.0), path=tmp_path)
        assert (found.steps, found.tokens, found.converged) == (40, 280, False)
        assert task.steps == list(range(40))

    def test_sums_the_weighted_losses_of_all_tasks_in_each_step(self, tmp_path: Path) -> None:
        module = Number()
        tasks = [Weighted(Toward(module, "pairs", 1.0), 3.0), Weighted(Toward(module, "mlm"), 1.0)]
        trained(module, *tasks, path=tmp_path, spec=Training(steps=500, rate=0.1, flat_below=0))
        assert module.value.tolist() == pytest.approx([0.75, 0.75], abs=0.02)

    def test_begins_the_second_task_when_the_first_is_flat(self, tmp_path: Path) -> None:
        module = Number()
        first = Toward(module, "camlm", wrong=lambda step: 10.0 if step < 6 else 8.0)
        second = Toward(module, "btmlm", wrong=lambda step: 1000.0 * 0.5**step)
        tasks = Weighted(first, 1.0), Weighted(second, 1.0, second=True)
        spec = Training(steps=100, rate=0.001, flat_steps=4, flat_below=0.01)
        found = trained(module, *tasks, path=tmp_path, spec=spec)
        assert found.second is not None
        assert 8 <= found.second < 50
        assert second.steps[0] == found.second

    def test_begins_the_second_task_at_half_of_the_steps_at_the_latest(
        self, tmp_path: Path
    ) -> None:
        module = Number()
        first = Toward(module, "camlm", wrong=lambda step: 100.0 * 0.7**step)
        tasks = Weighted(first, 1.0), Weighted(Toward(module, "btmlm"), 1.0, second=True)
        assert trained(module, *tasks, path=tmp_path).second == 20

    def test_tells_losses_by_task_and_language(self, tmp_path: Path) -> None:
        module, events = Number(), list[Event]()
        trained(module, Weighted(Toward(module), 1.0), path=tmp_path, told=events.append)
        assert events[0].metrics.keys() == {"loss_pairs", "loss_pairs/xa-xb", "tokens_per_s"}
        assert events[0].metrics["loss_pairs"] == pytest.approx(5.0)

    def test_stops_at_a_loss_that_is_not_finite_and_keeps_the_last_good_state(
        self, tmp_path: Path
    ) -> None:
        module = Number()
        task = Toward(module, wrong=lambda step: float("nan") if step == 15 else 0.0)
        with pytest.raises(SpecError, match=r"The loss of `pairs` is not finite .* after 15 steps"):
            trained(module, Weighted(task, 1.0), path=tmp_path)
        again = Number()
        good = trained(again, Weighted(Toward(again), 1.0), path=tmp_path)
        assert good.steps == 40
        assert good.tokens == 280

    def test_stops_before_it_keeps_parameters_that_are_not_finite(self, tmp_path: Path) -> None:
        module = Number()

        def spoil(step: int) -> float:
            if step == 9:
                module.value.data[0] = torch.inf
            return 0.0

        with pytest.raises(SpecError, match="not finite any more"):
            trained(module, Weighted(Toward(module, wrong=spoil), 1.0), path=tmp_path)
        assert not (tmp_path / "c.npz").exists()


class TestCheckpoints:
    def test_go_on_as_if_nothing_had_happened(self, tmp_path: Path) -> None:
        whole, cut = Number(), Number()
        (tmp_path / "a").mkdir()
        wrong = {step: 100.0 * 0.7**step for step in range(40)}.__getitem__
        trained(whole, Weighted(Toward(whole, wrong=wrong), 1.0), path=tmp_path / "a")

        def stop(event: Event) -> None:
            if event.done == 27:
                raise KeyboardInterrupt

        (tmp_path / "b").mkdir()
        first = Weighted(Toward(cut, wrong=wrong), 1.0)
        with pytest.raises(KeyboardInterrupt):
            trained(cut, first, path=tmp_path / "b", told=stop)
        again = Number()
        task = Weighted(Toward(again, wrong=wrong), 1.0)
        trained(again, task, path=tmp_path / "b")
        assert isinstance(task.task, Toward)
        assert task.task.steps[0] == 20
        assert torch.equal(whole.value, again.value)

    def test_of_another_encoder_are_refused(self, tmp_path: Path) -> None:
        module = Number()
        trained(module, Weighted(Toward(module), 1.0), path=tmp_path)
        other = Number()
        other.value = nn.Parameter(torch.zeros(3))
        with pytest.raises(SpecError, match="of an encoder of another form"):
            trained(other, Weighted(Toward(other), 1.0), path=tmp_path)


class TestFlatness:
    def test_takes_two_whole_averages(self) -> None:
        losses = Losses(SPEC)
        for _ in range(7):
            losses.add(1.0)
        assert not losses.flat
        losses.add(1.0)
        assert losses.flat

    def test_is_over_when_the_average_falls_by_the_share(self) -> None:
        losses = Losses(SPEC, [1.0] * 4 + [0.98] * 4)
        assert not losses.flat
        assert Losses(SPEC, [1.0] * 4 + [0.995] * 4).flat

    def test_looks_at_the_last_losses_alone(self) -> None:
        losses = Losses(SPEC)
        for step in range(100):
            losses.add(1.0 / (step + 1))
        assert len(losses.last) == 8
        assert losses.average == pytest.approx(1 / 98.5, abs=1e-4)


class TestRate:
    def test_rises_then_falls_to_a_small_share(self) -> None:
        rates = [loop.rate(SPEC, step) for step in range(40)]
        assert max(rates) <= SPEC.highest_rate
        assert rates.index(max(rates)) == 3
        assert 0 < rates[-1] < 0.1 * SPEC.highest_rate
