"""Jobs on a Flower federation: real processes, TLS, and nodes that prove who they are."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from isthmus.core.errors import ChannelError, IsthmusError
from isthmus.core.telemetry import Telemetry
from isthmus.horizontal.flower.launch import App, SuperLink, launch, serve
from isthmus.horizontal.flower.run_files import RunFiles, Settings
from isthmus.horizontal.parameters import digest
from tests.federation import INITIAL
from tests.flower_federation import (
    CONNECTION,
    Federation,
    deployed,
    environment,
    listeners,
    make_node_key,
    simulated,
)

pytestmark = [pytest.mark.slow, pytest.mark.long]

APP = App("tests.flower_app:server", "tests.flower_app:client")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "flower"
    for name, value in environment(folder).items():
        monkeypatch.setenv(name, value)
    return folder


@pytest.fixture
def federation(home: Path, free_port: int) -> Iterator[Federation]:
    with deployed(home, free_port) as link:
        yield link


def moved(by: float) -> str:
    """Digest of the parameters of most tests, moved."""
    return digest({name: it + it.dtype.type(by) for name, it in INITIAL.items()})


def master(folder: Path, children: str, **changes: object) -> Settings:
    settings = {
        "result": folder / "result.json",
        "children": children,
        "rounds": 3,
        "quorum": len(children.split()),
        "deadline": 120,
    }
    return {name: str(value) for name, value in (settings | changes).items()}


def child(folder: Path, by: float, fault: str = "") -> Settings:
    return {"folder": str(folder), "by": str(by), "fault": fault}


def result(settings: Settings) -> Any:
    return msgspec.json.decode(Path(settings["result"]).read_bytes())


class Node(threading.Thread):
    """A SuperNode that serves until it hears that the run is over."""

    def __init__(self, link: Federation, key: Path, settings: Settings) -> None:
        super().__init__()
        self._line = SuperLink(link.address, link.folder / "authority.pem", key)
        self._settings = settings
        self.log = link.folder / f"{key.name}.log"
        self.error: IsthmusError | None = None
        self.start()

    def run(self) -> None:
        try:
            serve(self._line, self._settings, self.log, 280)
        except IsthmusError as error:
            self.error = error


class Ears(threading.Thread):
    """Watches on which addresses a process and all below it listen."""

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self._process = process
        self._enough = threading.Event()
        self._found = set[str]()
        self.start()

    def run(self) -> None:
        while not self._enough.wait(0.5):
            self._found |= listeners(self._process)

    def heard(self) -> set[str]:
        self._enough.set()
        self.join()
        return self._found


class TestFederation:
    def test_two_nodes_train_a_model_over_tls(self, federation: Federation, tmp_path: Path) -> None:
        clinic, insurer = child(tmp_path / "clinic", 1.0), child(tmp_path / "insurer", 2.0)
        nodes = [
            Node(federation, federation.register("clinic"), clinic),
            Node(federation, federation.register("insurer"), insurer),
        ]
        ours = master(tmp_path, "clinic insurer")
        ears = Ears(os.getpid())
        launch(APP, CONNECTION, RunFiles(ours), Telemetry())
        assert ears.heard() == {"127.0.0.1"}
        for node in nodes:
            node.join()
            assert node.error is None
        assert result(ours)["model"] == moved(3 * 1.5)
        assert result(ours)["holders"] == ["clinic", "insurer"]
        assert (tmp_path / "clinic" / "model").read_text() == moved(3 * 1.5)
        assert str(tmp_path) not in nodes[0].log.read_text()
        assert not list((federation.folder / "isthmus").iterdir())

    def test_a_node_whose_key_is_not_registered_is_sent_away(
        self, federation: Federation, tmp_path: Path
    ) -> None:
        key = make_node_key(federation.folder, "stranger")
        node = Node(federation, key, child(tmp_path / "stranger", 1.0))
        node.join()
        assert isinstance(node.error, ChannelError)
        assert "Is its key registered" in str(node.error)

    def test_a_child_that_is_killed_in_a_round_goes_on(
        self, federation: Federation, tmp_path: Path
    ) -> None:
        fragile = child(tmp_path / "clinic", 1.0, "killed")
        node = Node(federation, federation.register("clinic"), fragile)
        ours = master(tmp_path, "clinic", deadline=200)  # Flower notices it after a minute
        launch(APP, CONNECTION, RunFiles(ours), Telemetry())
        node.join()
        assert (tmp_path / "clinic" / "killed").exists()
        assert result(ours)["model"] == moved(3.0)

    def test_the_text_of_a_child_s_error_stays_with_the_child(
        self, federation: Federation, tmp_path: Path
    ) -> None:
        faulty = child(tmp_path / "clinic", 1.0, "error")
        node = Node(federation, federation.register("clinic"), faulty)
        with pytest.raises(ChannelError) as caught:
            launch(APP, CONNECTION, RunFiles(master(tmp_path, "clinic", deadline=30)), Telemetry())
        node.join()
        assert "refused: 'clinic' stopped: it failed (ValueError)" in str(caught.value)
        assert "gout" not in federation.log
        assert "gout" in node.log.read_text()


class TestSimulation:
    def test_ray_plays_every_child(self, home: Path, free_port: int, tmp_path: Path) -> None:
        children = {f"child-{n}": child(tmp_path / f"child-{n}", n) for n in range(4)}
        ours = master(tmp_path, " ".join(children))
        with simulated(home, free_port) as link:
            options = ["client-resources-num-cpus=1", "init-args-num-cpus=2"]
            ears = Ears(link.process.pid)
            launch(APP, CONNECTION, RunFiles(ours, children), Telemetry(), options)
            assert ears.heard() == {"127.0.0.1", "::ffff:127.0.0.1"}
            assert result(ours)["model"] == moved(3 * 1.5)


class TestLaunch:
    def test_a_connection_that_flower_does_not_know_is_refused(self, home: Path) -> None:
        home.mkdir()
        with pytest.raises(ChannelError, match=r"`flwr run` failed: .*nowhere"):
            launch(APP, "nowhere", RunFiles({}), Telemetry())
        assert not list((home / "isthmus").iterdir())
