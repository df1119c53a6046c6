from pathlib import Path

import pytest

from isthmus.cli.main import execute


class TestRefusals:
    """What `run`, `simulate` and `report` do is in tests/e2e; here is what they refuse."""

    def test_run_misses_the_party_file(
        self, trial: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert execute(["run", str(trial / "job.toml"), "--party", "no.toml"]) == 2
        assert capsys.readouterr().err.startswith("isthmus: no.toml: there is no such file.")

    def test_simulate_misses_the_job(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert execute(["simulate", "no.toml"]) == 2
        assert capsys.readouterr().err.startswith("isthmus: no.toml: there is no such file.")

    def test_report_misses_the_run(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert execute(["report", str(tmp_path)]) == 2
        assert "holds no run" in capsys.readouterr().err
