"""Real processes that train one encoder: the same as one, and nothing of them is left."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file

import isthmus as im
from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Event
from isthmus.jobs.check import check
from isthmus.jobs.run import run
from isthmus.multilingual.processes import places
from isthmus.multilingual.processes.places import Place
from isthmus.multilingual.processes.starting import Task, started
from isthmus.store.runs import Run
from tests import commands
from tests.unit.multilingual import small_job

# No pieces are left out: a text with one alone gives that a gradient of 0, and Adam makes a whole
# step of what is rounded there.
SMALL: Mapping[str, Any] = {
    "batch": 45,
    "steps": 24,
    "flat_steps": 5,
    "save_every": 10,
    "left_out": 0.0,
}
# A table so large that it is summed by itself.
STATIC: Mapping[str, Any] = {
    "objectives": {"pairs": 1.0, "switched": 0.5},
    "encoder": {"size": 256, "vocabulary": 512, "length": 32},
}
TINY: Mapping[str, Any] = {
    "objectives": {"pairs": 1.0, "switched": 0.5, "tlm": 0.5, "camlm": 1.0, "btmlm": 1.0},
    "matryoshka": [8],
    "encoder": {"type": "tiny", "size": 16, "vocabulary": 512, "length": 32, "begin": "static"},
}
SHORT: Mapping[str, Any] = {**SMALL, "batch": 21, "steps": 10}


def job(folder: Path, processes: int, keys: Mapping[str, Any], training: Mapping[str, Any]) -> Path:
    return small_job.write(folder, training={**training, "processes": processes}, **keys)


class Watched:
    """Sees losses, and where the processes of a run listen."""

    def __init__(self) -> None:
        self.losses = list[Mapping[str, float]]()
        self.addresses = set[str]()
        self.children = set[Any]()
        self._before = addresses([psutil.Process()])

    def __call__(self, event: Event) -> None:
        if event.stage == "train":
            self.losses.append(
                {name: it for name, it in event.metrics.items() if name.startswith("loss_")}
            )
            ours = helpers()
            self.children.update(ours)
            self.addresses |= addresses([psutil.Process(), *ours]) - self._before


def helpers() -> list[Any]:
    """Our further processes; other tests may have left some of their own, such as of libraries."""
    found = psutil.Process().children(recursive=True)
    return [it for it in found if "isthmus.multilingual.helping" in it.cmdline()]


def addresses(processes: Iterable[Any]) -> set[str]:
    """Where processes take connections, with ports."""
    return {
        f"{place.laddr.ip}:{place.laddr.port}"
        for process in processes
        for place in process.net_connections("inet")
        if place.status == psutil.CONN_LISTEN
    }


def parameters(run: Run) -> Mapping[str, NDArray[np.float32]]:
    return load_file(run.tables / "model.safetensors")


def assert_alike(ours: Run, theirs: Run) -> None:
    mine, others = parameters(ours), parameters(theirs)
    assert mine.keys() == others.keys()
    for name, value in mine.items():
        assert np.abs(value - others[name]).max() < 1e-5, name


def assert_same_losses(ours: Watched, theirs: Watched) -> None:
    assert len(ours.losses) == len(theirs.losses) > 0
    for mine, others in zip(ours.losses, theirs.losses, strict=True):
        assert mine == pytest.approx(dict(others), abs=1e-4)


class TestTwoProcesses:
    def test_train_as_one_does_and_listen_on_this_machine_alone(self, tmp_path: Path) -> None:
        alone, shared = Watched(), Watched()
        one = run(job(tmp_path / "one", 1, STATIC, SMALL), watch=alone)
        two = run(job(tmp_path / "two", 2, STATIC, SMALL), watch=shared)
        assert_alike(one, two)
        assert_same_losses(shared, alone)
        assert not alone.addresses
        assert shared.addresses
        assert all(address.startswith("127.0.0.1:") for address in shared.addresses)
        assert len(shared.children) == 1
        assert not any(child.is_running() for child in shared.children)

    def test_stop_when_one_is_killed(self, tmp_path: Path) -> None:
        children = list[Any]()

        def kill(event: Event) -> None:
            if (event.stage, event.done) == ("train", 12):
                children.extend(helpers())
                children[0].kill()

        file = job(tmp_path, 2, {}, {**SMALL, "flat_below": 0.0, "steps": 200})
        with pytest.raises(SpecError, match=r"process 2 of 2 was ended by SIGKILL.* checkpoint"):
            run(file, into=tmp_path / "run", watch=kill)
        assert not any(child.is_running() for child in children)
        assert Run(tmp_path / "run").checkpoint.exists()

    def test_say_what_one_of_them_is_missing(self, tmp_path: Path) -> None:
        task = Task(run=str(tmp_path), folder=str(tmp_path), seed=1, job="digest")
        with pytest.raises(SpecError, match=r"job\.json: cannot be read"), started(2, "cpu", task):
            pass

    def test_are_told_of_before(self, tmp_path: Path) -> None:
        assert "48 texts each, for 24 steps at most, shared by 2 processes." in " ".join(
            check(job(tmp_path, 2, {}, {**SMALL, "batch": 48})).steps
        )

    def test_are_led_by_the_first(self, tmp_path: Path) -> None:
        file = job(tmp_path, 1, {}, SMALL)
        with places.said(Place(1, 2, 1, 2)), pytest.raises(SpecError, match="as number 2 of 2"):
            run(file)

    def test_are_numbered(self, tmp_path: Path) -> None:
        with pytest.raises(SpecError, match="`rank` is 1 and `size` is None"):
            im.run_process(tmp_path / "job.toml", rank=1)


@pytest.mark.slow
@pytest.mark.long
class TestLayers:
    @pytest.mark.parametrize("processes", [2, 3])
    def test_learn_from_all_objectives_as_in_one_process(
        self, processes: int, tmp_path: Path
    ) -> None:
        alone, shared = Watched(), Watched()
        one = run(job(tmp_path / "one", 1, TINY, SHORT), watch=alone)
        several = run(job(tmp_path / "several", processes, TINY, SHORT), watch=shared)
        assert_alike(one, several)
        assert_same_losses(shared, alone)

    def test_learn_from_a_teacher_as_in_one_process(self, tmp_path: Path) -> None:
        taught = run(job(tmp_path / "teacher", 1, {}, SHORT)).tables
        for size in (16, 32):
            keys: Mapping[str, Any] = {
                "objectives": {"pairs": 0.0, "distillation": 1.0, "teacher": str(taught)},
                "encoder": {"size": size, "vocabulary": 512, "length": 32},
            }
            one = run(job(tmp_path / f"one-{size}", 1, keys, SHORT))
            assert_alike(one, run(job(tmp_path / f"two-{size}", 2, keys, SHORT)))


@pytest.mark.slow
@pytest.mark.long
class TestKilled:
    def test_goes_on_to_the_same_model_to_the_last_bit(self, tmp_path: Path) -> None:
        training = {**SMALL, "steps": 300, "flat_below": 0.0}
        file = job(tmp_path, 2, STATIC, training)
        whole = run(file, into=tmp_path / "whole")
        cut = Run(tmp_path / "cut")
        process = commands.start("run", file, "--into", cut.folder)
        try:
            wait_for(cut.checkpoint)
            helpers = psutil.Process(process.pid).children(recursive=True)
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
        assert len(helpers) == 1
        assert psutil.wait_procs(helpers, timeout=60)[1] == []
        assert not cut.tables.exists()
        commands.isthmus("run", file, "--into", cut.folder)
        ours, theirs = (it.tables / "model.safetensors" for it in (cut, whole))
        assert ours.read_bytes() == theirs.read_bytes()

    def test_of_two_leaves_an_exit_code_and_a_sentence(self, tmp_path: Path) -> None:
        file = job(tmp_path, 2, {}, {**SMALL, "steps": 3000, "flat_below": 0.0})
        ours = Run(tmp_path / "run")
        process = commands.start("run", file, "--into", ours.folder)
        try:
            wait_for(ours.checkpoint)
            helpers = psutil.Process(process.pid).children(recursive=True)
            helpers[0].kill()
            error = commands.ended(process, 2)["error"]
        finally:
            process.kill()
        assert "process 2 of 2 was ended by SIGKILL" in error["message"]
        assert psutil.wait_procs(helpers, timeout=60)[1] == []


TORCHRUN = ("torch.distributed.run", "--nproc-per-node", "2", "--rdzv-backend", "c10d")
ACCELERATE = (
    *("accelerate.commands.launch", "--multi_gpu", "--num_machines", "1", "--num_processes", "2"),
    *("--mixed_precision", "no", "--dynamo_backend", "no"),
)


@pytest.mark.slow
@pytest.mark.long
class TestLaunchers:
    def test_start_the_same_training_and_need_not_listen_to_other_machines(
        self, tmp_path: Path
    ) -> None:
        meeting = ("--rdzv-endpoint", str(tmp_path / "meeting"), "--rdzv-conf", "store_type=file")
        seen = self.assert_trains_as_one((*TORCHRUN, *meeting), tmp_path)
        assert seen
        assert all(address.startswith("127.0.0.1:") for address in seen)

    def test_of_hugging_face_do_so_too(self, tmp_path: Path) -> None:
        self.assert_trains_as_one(ACCELERATE, tmp_path)

    def assert_trains_as_one(self, launcher: tuple[str, ...], folder: Path) -> set[str]:
        """Start a job by a launcher; returns where its processes have listened."""
        one = run(job(folder / "one", 1, STATIC, SMALL))
        file = job(folder / "two", 1, STATIC, SMALL)
        process = psutil.Popen(
            [sys.executable, "-m", *launcher, "-m", "isthmus", "run", str(file), "--json"],
            env={**os.environ, "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"},
            stdout=subprocess.PIPE,
            text=True,
        )
        seen = set[str]()
        while process.poll() is None:
            seen.update(*(addresses([each]) for each in running(process)))
            time.sleep(0.05)
        told, _ = process.communicate()
        assert process.returncode == 0
        assert told.count('{"kind":') == 1  # the first process answers, the other is silent
        [run_of_both] = (folder / "two" / "runs").glob("small-*")
        assert_alike(one, Run(run_of_both))
        return seen


IN_RAY = """
import sys
import ray

job, store = sys.argv[1:]

@ray.remote(num_cpus=1)
def part(rank):
    import isthmus as im

    run = im.run_process(job, rank=rank, size=2, store=store)
    return None if run is None else str(run.folder)

ray.init(num_cpus=2, include_dashboard=False, _node_ip_address="127.0.0.1", log_to_driver=False)
first, second = ray.get([part.remote(rank) for rank in range(2)])
assert second is None
print(first)
"""

CONNECTED = """
import os, subprocess, sys

job, store = sys.argv[1:3]
if len(sys.argv) == 3:
    parts = [subprocess.Popen([sys.executable, *sys.argv, str(rank)]) for rank in range(2)]
    sys.exit(max(part.wait() for part in parts))
import torch.distributed as dist
import isthmus as im

rank = int(sys.argv[3])
os.environ |= {"RANK": str(rank), "WORLD_SIZE": "2", "GLOO_SOCKET_IFNAME": "lo"}
dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
run = im.run_process(job)
assert dist.is_initialized()
if run is not None:
    print(run.folder)
"""


@pytest.mark.slow
@pytest.mark.long
class TestTakePart:
    @pytest.mark.parametrize("script", [IN_RAY, CONNECTED], ids=["Ray", "connected before"])
    def test_is_the_same_training(self, script: str, tmp_path: Path) -> None:
        one = run(job(tmp_path / "one", 1, STATIC, SMALL))
        file, program = job(tmp_path / "two", 1, STATIC, SMALL), tmp_path / "program.py"
        program.write_text(script)
        told = subprocess.run(  # noqa: S603 - our own interpreter and arguments
            [sys.executable, program, file, tmp_path / "store"],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "RAY_USAGE_STATS_ENABLED": "0"},
        )
        assert_alike(one, Run(Path(told.stdout.splitlines()[-1])))


def running(process: Any) -> Iterator[Any]:
    """A process and what it has started, as long as they are there."""
    for each in [process, *process.children(recursive=True)]:
        try:
            each.net_connections("inet")
        except psutil.Error:
            continue
        yield each


def wait_for(path: Path, patience: float = 600.0) -> None:
    end = time.monotonic() + patience
    while not path.exists():
        assert time.monotonic() < end
        time.sleep(0.01)
