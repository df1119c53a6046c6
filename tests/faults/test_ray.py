"""The engine `ray` with real processes: where they listen, what remains when they are killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from isthmus.paramserver.distributed import processes
from tests import ray_run
from tests.tiers import LinearFeeder, Model, make_data, run, same, trained

pytestmark = pytest.mark.slow

NAMESPACE = """
ip link set lo up && ip link add eth9 type veth peer name eth8 && ip addr add 10.9.9.9/24 dev eth9
ip link set eth9 up && ip link set eth8 up && ip route add default dev eth9 && exec "$@"
"""
SHARD, WORKER = b"ray::Shard", b"ray::Worker"


class Run:
    """A run on Ray, in a process of its own."""

    def __init__(
        self,
        folder: Path,
        case: str,
        before: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.lines: list[dict[str, Any]] = []
        self.process = subprocess.Popen(  # noqa: S603
            [*before, sys.executable, "-m", "tests.ray_run", str(folder), case],
            env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def until(self, key: str) -> Any:
        """What the next line with this key says."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(json.loads(line))
            if key in self.lines[-1]:
                return self.lines[-1][key]
        pytest.fail(f"ended without {key}: {self.lines[-3:]}")

    def end(self) -> int:
        """Let it go on to its end; returns its exit code."""
        out, _ = self.process.communicate(timeout=300)
        self.lines += [json.loads(line) for line in out.splitlines()]
        return self.process.returncode

    def said(self, key: str) -> list[Any]:
        """What it has said of this, in order."""
        return [line[key] for line in self.lines if key in line]


class TestListeners:
    def test_elsewhere_end_the_start_with_a_sentence(
        self, tmp_path: Path, namespace: Sequence[str]
    ) -> None:
        with running(tmp_path, "open_to_others", namespace) as each:
            assert each.end() == 2
            assert "take connections from other machines" in each.said("error")[0]


class TestDeaths:
    def test_of_shards_and_workers_that_listen_on_loopback_alone_change_no_number(
        self, tmp_path: Path, network: Sequence[str]
    ) -> None:
        with running(tmp_path, "slow", network) as each:
            found = each.until("listeners")
            assert len(found) >= 8  # head, two of raylet, agent, two shards, two workers, ourselves
            assert {address for address, _ in found} == {"127.0.0.1"}
            own = Path(each.said("folder")[0])
            each.until("stage")
            for title in (SHARD, WORKER):
                kill(own, title)
                each.until("stage")
                each.until("stage")
                assert "recover" not in each.said("stage")  # the others went on
            assert each.end() == 0
            assert same(trained(tmp_path, ray_run.SERVER), undisturbed())
            assert_nothing_left(own)

    @pytest.mark.long
    def test_of_a_shard_and_a_worker_go_back_to_the_last_snapshot(self, tmp_path: Path) -> None:
        with running(tmp_path, "slow") as each:
            own = Path(each.until("folder"))
            each.until("stage")
            each.until("stage")
            kill(own, SHARD, WORKER)
            assert each.end() == 0
            assert "recover" in each.said("stage")
            assert same(trained(tmp_path, ray_run.SERVER), undisturbed())
            assert_nothing_left(own)

    @pytest.mark.long
    def test_of_the_run_leaves_nothing_and_the_same_command_goes_on(self, tmp_path: Path) -> None:
        with running(tmp_path, "slow") as each:
            own = Path(each.until("folder"))
            assert within(60, (tmp_path / "snapshots" / "000002").exists)
            each.process.kill()
            each.process.wait()
            assert within(10, lambda: not own.exists())
            assert_nothing_left(own)
        with running(tmp_path, "plain") as again:
            assert again.end() == 0
            assert again.said("samples")[0] > 64
            assert same(trained(tmp_path, ray_run.SERVER), undisturbed())


class TestGivenCluster:
    def test_refuses_those_without_its_token_with_a_sentence(self, tmp_path: Path) -> None:
        (tmp_path / "token").touch(mode=0o600)
        (tmp_path / "token").write_text("0" * 64)
        with running(tmp_path, "host") as host:
            given = {"ADDRESS": host.until("address")}
            with running(tmp_path, "joined", environment=given) as each:
                assert each.end() == 2
                # Our own question was answered: Ray itself would say nothing of a token.
                assert "refuses this token" in each.said("error")[0]
                assert "000" not in each.said("error")[0]
            assert host.end() == 0

    @pytest.mark.long
    def test_takes_those_with_its_token(self, tmp_path: Path) -> None:
        (tmp_path / "token").touch(mode=0o600)
        with running(tmp_path, "host") as host:
            given = {"ADDRESS": host.until("address")}
            (tmp_path / "token").write_text(host.said("token")[0])
            with running(tmp_path, "joined", environment=given) as each:
                assert each.end() == 0
                assert same(trained(tmp_path, ray_run.SERVER), undisturbed())
            assert host.end() == 0


@pytest.fixture
def network() -> list[str]:
    """What begins a command in a network where this machine has an address of its own.

    Empty where nobody may make one: what listens elsewhere than on loopback shows there too.
    """
    unshare, shell = shutil.which("unshare"), shutil.which("sh")
    if unshare is None or shell is None or shutil.which("ip") is None:
        return []
    before = [unshare, "--net", shell, "-ec", NAMESPACE, "sh"]
    tried = subprocess.run([*before, "true"], capture_output=True, check=False)  # noqa: S603
    return [] if tried.returncode else before


@pytest.fixture
def namespace(network: list[str]) -> list[str]:
    """The same, where nothing is proved without."""
    if not network:
        pytest.skip("may not make a network of its own, or needs unshare and ip for it")
    return network


@contextmanager
def running(
    folder: Path,
    case: str,
    before: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Iterator[Run]:
    each = Run(folder, case, before, environment)
    try:
        yield each
    finally:
        each.process.kill()
        each.process.communicate()


def kill(own: Path, *titles: bytes) -> None:
    """End one process of each title."""
    for title in titles:
        process = next(each for each in sorted(processes.of_folder(own)) if title in name(each))
        os.kill(process, signal.SIGKILL)


def name(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


def assert_nothing_left(own: Path) -> None:
    """No process of this Ray runs, and its folder is gone."""
    assert not processes.of_folder(own)
    assert not own.exists()


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    """Whether it comes true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def undisturbed() -> Model:
    """The model of the local engine."""
    with TemporaryDirectory() as folder:
        run(Path(folder), LinearFeeder(make_data(ray_run.SAMPLES)), ray_run.SERVER)
        return trained(Path(folder), ray_run.SERVER)
