"""The pages about Python are followed cell by cell, each in one process."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from isthmus.store.runs import Run, find
from tests.docs.reader import PORT, ROOT, Reader

GUIDE = "docs/guides/python.md"
NOTEBOOK = "docs/tutorials/bank-and-shop.ipynb"

SHELL = """\
import shlex, subprocess, sys

waiting = []

def shell(line):
    words = shlex.split(line)
    command = [sys.executable, "-m", *words] if words[0] == "isthmus" else words
    process = subprocess.Popen(command)
    if words[:2] == ["isthmus", "run"]:
        waiting.append(process)  # for the other party, which comes further down
    else:
        assert process.wait() == 0, line
"""
LAST = "assert [process.wait() for process in waiting] == [0]"


class TestGuide:
    def test_shows_python_that_can_be_read(self, tmp_path: Path) -> None:
        for block in Reader(GUIDE, tmp_path).blocks("python"):
            compile(block, GUIDE, "exec")

    @pytest.mark.slow
    @pytest.mark.long  # the notebook is followed in the gate
    def test_leads_from_data_frames_to_a_run_for_real(self, tmp_path: Path) -> None:
        reader = Reader(GUIDE, tmp_path)
        blocks = re.findall(r"^```(python|console)\n(.*?)^```$", reader.text, re.DOTALL | re.M)
        cells = [body if kind == "python" else typed(body) for kind, body in blocks]
        printed = follow([SHELL, *cells, LAST], tmp_path, reader.address)
        joint = find(tmp_path / "clinic/runs").read_json("result.json", dict[str, Any])["metrics"]
        folder = sorted((tmp_path / "runs").glob("doctor-visits-2*"))[-1]
        tried = Run(folder).read_json("result.json", dict[str, Any])["metrics"]
        assert joint["auc"]["joint"] == tried["auc"]["joint"]
        assert "insurer (passive) would send " in printed
        assert "clinic sent " in printed
        assert find(tmp_path / "insurer/runs").report.exists()
        assert (
            "job: `regression.passive_columns` is 0, and must be a whole number from 1 to 100,000."
            in printed
        )


class TestNotebook:
    def test_is_kept_without_outputs(self) -> None:
        cells = json.loads((ROOT / NOTEBOOK).read_text())["cells"]
        for cell in cells:
            if cell["cell_type"] == "code":
                assert (cell["outputs"], cell["execution_count"]) == ([], None)
        assert len({cell["id"] for cell in cells}) == len(cells)

    @pytest.mark.slow
    def test_leads_to_a_model_that_is_better_than_that_of_the_bank_alone(
        self, tmp_path: Path
    ) -> None:
        cells = json.loads((ROOT / NOTEBOOK).read_text())["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        follow(code, tmp_path)
        metrics = find(tmp_path / "runs").read_json("result.json", dict[str, Any])["metrics"]
        assert metrics["auc"]["joint"] > metrics["auc"]["active_only"] + 0.05
        assert (tmp_path / "agreed/shop/customers.parquet").exists()


def typed(console: str) -> str:
    """Python that types the commands of a block."""
    lines = [line.removeprefix("$ ") for line in console.splitlines() if line[:2] == "$ "]
    return "\n".join(f"shell({line!r})" for line in lines)


def follow(cells: Sequence[str], folder: Path, address: str = PORT) -> str:
    """Run cells one after the other, in one namespace of a fresh process, and return what it says.

    What a notebook would show of the last line of a cell is asked for too.
    """
    code = "\n".join(
        f"exec(compile({shown(cell.replace(PORT, address))!r}, 'cell {number}', 'exec'))"
        for number, cell in enumerate(cells)
    )
    ended = subprocess.run(  # noqa: S603 - our own pages
        [sys.executable, "-W", "error", "-c", code],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def shown(cell: str) -> str:
    """The cell; its last line is drawn as a notebook draws it, where it is an expression."""
    *before, last = ast.parse(cell).body
    if not isinstance(last, ast.Expr):
        return cell
    drawn = f"print(getattr(_it := {ast.unparse(last)}, '_repr_html_', _it.__repr__)())"
    return "\n".join([*map(ast.unparse, before), drawn])
