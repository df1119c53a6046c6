import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from isthmus.core.errors import SpecError
from isthmus.paramserver.distributed import cluster, processes
from isthmus.paramserver.spec import Cluster

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/net/tcp").exists(), reason="only Linux tells who listens where"
)

SLEEPS = "import sys, time; print('begun', flush=True); time.sleep(600)"
RUN = """
import os, signal, subprocess, sys, time
from isthmus.paramserver.distributed import cluster
signal.signal(signal.SIGINT, signal.default_int_handler)  # else ignored in the background
with cluster.own_ray() as own:
    helper = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"],
        env={**os.environ, **own.environment},
        start_new_session=True,
    )
    print(own.folder, helper.pid, flush=True)
    time.sleep(600)
"""


class TestListeners:
    @pytest.mark.parametrize(
        ("address", "local"),
        [
            ("127.0.0.1", True),
            ("127.8.8.8", True),
            ("::1", True),
            ("::ffff:127.0.0.1", True),
            ("0.0.0.0", False),  # noqa: S104
            ("::", False),
        ],
    )
    def test_of_a_process_are_found(self, address: str, *, local: bool) -> None:
        with listening(address) as port:
            mine = processes.listeners({os.getpid()})
            found = [each for each in mine if each.port == port]
        assert [each.local for each in found] == [local]

    def test_of_other_processes_are_not(self) -> None:
        with listening("127.0.0.1") as port, sleeping() as other:
            found = processes.listeners({other.pid})
        assert port not in {each.port for each in found}

    def test_on_loopback_pass(self, tmp_path: Path) -> None:
        with listening("127.0.0.1"):
            cluster.check_listeners(tmp_path, set())

    def test_elsewhere_stop_the_start_with_a_sentence(self, tmp_path: Path) -> None:
        mine = processes.listeners({os.getpid()})
        with listening("0.0.0.0"), pytest.raises(SpecError, match="1 of 1 ports of Ray"):  # noqa: S104
            cluster.check_listeners(tmp_path, mine)

    def test_from_before_are_not_of_ray(self, tmp_path: Path) -> None:
        with listening("0.0.0.0"):  # noqa: S104
            cluster.check_listeners(tmp_path, processes.listeners({os.getpid()}))


class TestOwnRay:
    def test_has_a_private_folder_with_a_fresh_token(self) -> None:
        tokens = set()
        for _ in range(2):
            with cluster.own_ray() as own:
                token = Path(own.environment["RAY_AUTH_TOKEN_PATH"])
                assert own.folder.stat().st_mode & 0o777 == 0o700
                assert token.stat().st_mode & 0o777 == 0o600
                tokens.add(token.read_text())
            assert not own.folder.exists()
        assert {len(token) for token in tokens} == {64}
        assert len(tokens) == 2

    def test_is_told_to_keep_to_this_machine_and_to_itself(self) -> None:
        with cluster.own_ray() as own:
            assert own.environment["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] == "0"
            assert own.environment["RAY_AUTH_MODE"] == "token"
            assert own.environment["RAY_USAGE_STATS_ENABLED"] == "0"

    def test_leaves_no_process_and_no_file(self) -> None:
        with ExitStack() as stack:
            with cluster.own_ray() as own:
                left = stack.enter_context(sleeping(own.environment))
                assert processes.of_folder(own.folder) >= {left.pid}
                (own.folder / "r").mkdir()
                (own.folder / "r" / "log").write_text("a line")
            code = left.wait(5)
        assert code == -signal.SIGKILL
        assert not own.folder.exists()

    @pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
    def test_leaves_none_if_the_run_is_ended(self, sign: signal.Signals) -> None:
        command = [sys.executable, "-c", RUN]
        run = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603
        assert run.stdout is not None
        folder, helper = run.stdout.readline().split()
        run.send_signal(sign)
        run.communicate()
        assert within(10, lambda: not Path(folder).exists())
        assert not alive(int(helper))

    def test_does_not_touch_processes_of_another_run(self) -> None:
        with cluster.own_ray() as other, sleeping(other.environment) as process:
            with cluster.own_ray():
                pass
            assert process.poll() is None

    def test_finds_a_short_place_for_its_sockets(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        deep = tmp_path / ("d" * 60)
        deep.mkdir()
        monkeypatch.setattr("tempfile.tempdir", str(deep))
        with cluster.own_ray() as own:
            assert len(str(own.folder)) <= 40
        assert not list(deep.iterdir())

    def test_says_so_if_there_is_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cluster, "_LONGEST_FOLDER", 5)
        with pytest.raises(SpecError, match="set TMPDIR"), cluster.own_ray():
            pass


class TestEnvironment:
    def test_replaces_all_settings_of_ray_for_a_while(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
        monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
        with cluster.environment({"RAY_AUTH_MODE": "token", "ISTHMUS_RAY": "here"}):
            assert "RAY_ADDRESS" not in os.environ
            assert os.environ["RAY_AUTH_MODE"] == "token"
        assert os.environ["RAY_ADDRESS"] == "10.0.0.1:6379"
        assert os.environ["RAY_AUTH_MODE"] == "disabled"
        assert "ISTHMUS_RAY" not in os.environ


class TestGivenCluster:
    def test_is_joined_with_the_token_of_the_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("RAY_AUTH_TOKEN", "another")
        with listening("127.0.0.1") as port:
            found = cluster.given_environment(given(tmp_path, port), tmp_path)
        assert Path(found["RAY_AUTH_TOKEN_PATH"]).read_text() == "a-token\n"
        assert "RAY_AUTH_TOKEN" not in found
        assert found["RAY_AUTH_MODE"] == "token"

    @pytest.mark.parametrize(("address", "switch"), [("127.0.0.1", "0"), ("10.9.9.9", None)])
    def test_of_one_machine_is_looked_for_there(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, switch: str | None
    ) -> None:
        monkeypatch.setattr(socket, "create_connection", lambda *_, **__: socket.socket())
        monkeypatch.delenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", raising=False)
        table = Cluster(f"{address}:6379", given(tmp_path, 1).token, "not_encrypted")
        found = cluster.given_environment(table, tmp_path)
        assert found.get("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER") == switch

    @pytest.mark.parametrize(
        ("text", "mode", "says"),
        [
            (None, 0, "cannot be read; `cluster.token` names this file"),
            ("", 0o600, "holds one word, not 0"),
            ("two words", 0o600, "holds one word, not 2"),
            ("word", 0o644, "Run `chmod 600`"),
        ],
    )
    def test_needs_a_private_token(
        self, tmp_path: Path, text: str | None, mode: int, says: str
    ) -> None:
        table = given(tmp_path, 1)
        token = tmp_path / "token"
        token.unlink()
        if text is not None:
            token.write_text(text)
            token.chmod(mode)
        with pytest.raises(SpecError, match=says) as caught:
            cluster.given_environment(table, tmp_path)
        assert "word" not in str(caught.value).replace("one word", "")

    def test_that_nobody_answers_for_is_said(self, tmp_path: Path) -> None:
        with listening("127.0.0.1") as port:
            pass
        with pytest.raises(SpecError, match=f"nothing answers at 127.0.0.1:{port}"):
            cluster.given_environment(given(tmp_path, port), tmp_path)

    @pytest.mark.parametrize("address", ["head", "head:", ":6379", "ray://head:10001", "a:99999"])
    def test_has_an_address_with_a_port(self, tmp_path: Path, address: str) -> None:
        table = Cluster(address, given(tmp_path, 1).token, "not_encrypted")
        with pytest.raises(SpecError, match=r"cluster\.address"):
            cluster.given_environment(table, tmp_path)

    def test_with_tls_needs_the_certificates_of_its_processes(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        table = given(tmp_path, 1, line="tls")
        with pytest.raises(SpecError, match="RAY_USE_TLS is not 1"):
            cluster.given_environment(table, tmp_path)
        monkeypatch.setenv("RAY_USE_TLS", "1")
        with pytest.raises(SpecError, match=r"RAY_TLS_SERVER_CERT .* names no file"):
            cluster.given_environment(table, tmp_path)

    def test_without_tls_says_so_in_the_job(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("RAY_USE_TLS", "1")
        with pytest.raises(SpecError, match=r"cluster\.line is not_encrypted, but"):
            cluster.given_environment(given(tmp_path, 1), tmp_path)


def given(folder: Path, port: int, line: str = "not_encrypted") -> Cluster:
    """The table of a cluster on this machine."""
    token = folder / "token"
    token.touch(mode=0o600)
    token.write_text("a-token\n")
    assert line in {"tls", "not_encrypted"}
    return Cluster(f"127.0.0.1:{port}", "token", "tls" if line == "tls" else "not_encrypted")


@contextmanager
def listening(address: str) -> Iterator[int]:
    """A port of this process."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        server = socket.create_server((address, 0), family=family)
    except OSError:
        pytest.skip(f"{address} is no address of this machine")
    with server:
        yield server.getsockname()[1]


@contextmanager
def sleeping(environment: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """Another process."""
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", SLEEPS],
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.communicate()


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    """Whether it comes true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def alive(process: int) -> bool:
    """Whether it runs; a process that has ended may still be listed."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
