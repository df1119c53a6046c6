"""What `import isthmus` hands out, and that it loads nothing before it is asked."""

import ast
import subprocess
import sys
from pathlib import Path

import isthmus as im
from isthmus.jobs.registry import tables

NAMES = {
    *("simulate", "run", "check", "explain", "load", "frame", "Job", "Party", "Run"),
    *("Regression", "Boosting", "Encoders", "Weighting", "RegressionBaseline", "BoostingBaseline"),
    *("Multilingual", "Multitask", "Prediction", "IsthmusError", "run_process"),
    *("evaluate", "mine", "mix"),
}


def printed(code: str) -> str:
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603


class TestNames:
    def test_are_these_and_each_is_there(self) -> None:
        assert set(im.__all__) == NAMES
        assert all(getattr(im, name).__name__ == name for name in NAMES)
        assert dir(im) == sorted([*NAMES, "__version__"])

    def test_have_the_spec_of_every_system(self) -> None:
        assert tables().keys() <= NAMES
        assert all(getattr(im, name) is kind for name, kind in tables().items())

    def test_are_seen_by_type_checkers_where_they_come_from(self) -> None:
        [block] = [each for each in ast.parse(SOURCE.read_text()).body if isinstance(each, ast.If)]
        seen = {
            alias.name: line.module
            for line in block.body
            if isinstance(line, ast.ImportFrom)
            for alias in line.names
        }
        named = {name: f"isthmus.{module}" for name, module in im._MODULES.items()}  # noqa: SLF001
        assert seen == named | {name: kind.__module__ for name, kind in tables().items()}

    def test_are_listed_without_being_loaded(self) -> None:
        loaded = "[name for name in ('msgspec', 'numpy', 'pyarrow', 'rich') if name in sys.modules]"
        assert printed(f"import sys, isthmus; dir(isthmus); print({loaded})") == "[]"

    def test_of_jobs_and_systems_load_no_engine(self) -> None:
        loaded = "[name for name in ('numpy', 'pyarrow', 'cryptography') if name in sys.modules]"
        code = f"import sys, isthmus as im; im.Job, im.Regression, im.Encoders; print({loaded})"
        assert printed(code) == "[]"


SOURCE = Path(im.__file__)
