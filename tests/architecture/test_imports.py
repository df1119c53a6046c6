"""The floor plan, held by tools: who imports whom, what is exported, what loads when."""

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import isthmus
from isthmus.transport.message import Message

SOURCE = Path(isthmus.__file__).parent
ENGINES = ("grpc", "heu", "gmpy2", "rbcl", "torch", "ray", "flwr", "sklearn", "pyarrow", "numpy")


def modules() -> list[str]:
    found = pkgutil.walk_packages([str(SOURCE)], "isthmus.")
    return [module.name for module in found if not module.name.endswith("__main__")]


class TestImports:
    @pytest.mark.timeout(120)
    def test_go_down_only_and_each_engine_has_one_door(self) -> None:
        command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
        ended = subprocess.run(  # noqa: S603
            command, cwd=SOURCE.parents[1], capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stdout

    def test_of_the_package_loads_no_engine(self) -> None:
        code = f"import sys, isthmus; print([m for m in {ENGINES} if m in sys.modules])"
        ended = subprocess.run(  # noqa: S603
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert ended.stdout.strip() == "[]"

    def test_of_what_checks_and_explains_a_job_load_nothing_that_draws(self) -> None:
        jobs = "connection", "consent", "explain", "outcome", "plan", "result", "systems"
        code = f"import sys; from isthmus.jobs import {', '.join(jobs)}; print(*sys.modules)"
        ended = subprocess.run(  # noqa: S603
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert not {"matplotlib", "jinja2"} & set(ended.stdout.split())

    def test_of_the_program_in_an_enclave_load_no_engine_but_numpy(self) -> None:
        # All that runs there has to be measured, trusted, and held in little memory.
        engines = (*ENGINES, "scipy", "matplotlib", "jinja2", "typer")
        code = (
            "import sys, isthmus.alignment.attested.__main__; "
            f"print([m for m in {engines} if m in sys.modules])"
        )
        ended = subprocess.run(  # noqa: S603
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert ended.stdout.strip() == "['numpy']"


class TestExports:
    def test_are_roles_and_spec_of_each_system(self) -> None:
        exported = {
            "isthmus": ["__version__"],
            "isthmus.alignment.attested": [
                "AttestedAlignment",
                "Found",
                "Terms",
                "Trust",
                "party",
            ],
            "isthmus.alignment.cryptographic": ["CryptographicAlignment", "receiver", "sender"],
            "isthmus.vertical.boosting": ["Boosting", "Chance", "Rows", "active", "passive"],
            "isthmus.vertical.regression": ["Regression", "active", "passive"],
        }
        for name, names in exported.items():
            assert sorted(importlib.import_module(name).__all__) == names

    @pytest.mark.parametrize(
        "system",
        [
            "alignment/attested",
            "alignment/cryptographic",
            "vertical/boosting",
            "vertical/regression",
        ],
    )
    def test_every_system_folder_has_spec_messages_and_one_file_per_role(self, system: str) -> None:
        package = importlib.import_module(f"isthmus.{system.replace('/', '.')}")
        roles = [name for name in package.__all__ if name.islower()]
        assert {"spec.py", "messages.py", *(f"{role}.py" for role in roles)} <= {
            file.name for file in (SOURCE / system).iterdir()
        }


class TestMessages:
    def test_each_say_why_they_are_sent_and_what_they_tell_and_live_in_messages_py(self) -> None:
        for name in modules():
            importlib.import_module(name)
        kinds = [kind for kind in Message.__subclasses__() if kind.__module__.startswith("isthmus")]
        assert len(kinds) > 10
        for kind in kinds:
            assert kind.__module__.endswith(".messages"), kind
            assert kind.purpose, kind
            assert kind.reveals, kind

    def test_have_names_that_no_other_message_has(self) -> None:
        names = [
            kind.__name__
            for kind in Message.__subclasses__()
            if kind.__module__.startswith("isthmus")
        ]
        assert len(names) == len(set(names))
