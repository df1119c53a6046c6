"""What each process computes on, on machines with some GPUs."""

import pytest
import torch

from isthmus.core.errors import SpecError
from isthmus.multilingual.processes import devices
from isthmus.multilingual.processes.places import Place


def gpus(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)


class TestChosen:
    def test_is_the_processor_unless_the_job_says_more(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gpus(2, monkeypatch)
        assert devices.chosen("cpu", None) == torch.device("cpu")

    def test_is_a_gpu_for_each_process(self, monkeypatch: pytest.MonkeyPatch) -> None:
        gpus(2, monkeypatch)
        assert devices.chosen("cuda", None) == torch.device("cuda", 0)
        assert devices.chosen("cuda", Place(3, 4, 1, 2)) == torch.device("cuda", 1)

    def test_is_the_only_gpu_that_a_launcher_shows(self, monkeypatch: pytest.MonkeyPatch) -> None:
        gpus(1, monkeypatch)
        assert devices.chosen("cuda", Place(1, 2, 1, 2)) == torch.device("cuda", 0)

    def test_is_refused_without_a_gpu(self, monkeypatch: pytest.MonkeyPatch) -> None:
        gpus(0, monkeypatch)
        with pytest.raises(SpecError, match="PyTorch finds no GPU here"):
            devices.chosen("cuda", None)

    @pytest.mark.parametrize("place", [Place(0, 3, 0, 3), Place(0, 2, 0, 2, "/store")])
    def test_is_refused_without_a_gpu_for_each(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gpus(place.size - 1, monkeypatch)
        with pytest.raises(SpecError, match="processes on this machine take a GPU each"):
            devices.chosen("cuda", place)


class TestThreads:
    def test_are_shared_and_each_process_has_one(self) -> None:
        assert devices.threads(1) >= devices.threads(2) >= devices.threads(10**6) == 1
