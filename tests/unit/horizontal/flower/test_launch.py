"""What starting an app on a Flower federation says where Flower is not installed."""

import sys
from pathlib import Path

import pytest

from isthmus.core.extras import MissingExtraError
from isthmus.core.telemetry import Telemetry
from isthmus.horizontal.flower.launch import App, launch
from isthmus.horizontal.flower.run_files import RunFiles


class TestLaunch:
    def test_names_the_extra_and_leaves_no_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("FLWR_HOME", str(tmp_path))
        monkeypatch.setitem(sys.modules, "flwr", None)
        with pytest.raises(
            MissingExtraError, match=r"a Flower federation needs the extra `flower`.*'\.\[flower\]'"
        ):
            launch(App("a:server", "a:client"), "here", RunFiles({}), Telemetry())
        assert not list((tmp_path / "isthmus").iterdir())
