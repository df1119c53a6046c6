"""The floor plan, held by tools: who imports whom, and what loads when."""

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import isthmus
from isthmus.jobs import registry
from isthmus.transport.message import Message

SOURCE = Path(isthmus.__file__).parent
ENGINES = ("grpc", "gmpy2", "rbcl", "torch", "ray", "flwr", "sklearn", "pyarrow", "numpy")


HEAVY = (*ENGINES, "scipy", "cryptography", "transformers", "matplotlib", "jinja2")
LIGHT = ("core.errors", "crypto.encryption", "ledger.policy", "tee.policy")
"""Modules beside `spec.py` files that a job file or a party file needs to be read."""


def specs() -> list[str]:
    files = [file.relative_to(SOURCE) for file in sorted(SOURCE.rglob("spec.py"))]
    found = [".".join(file.with_suffix("").parts) for file in files]
    return [f"isthmus.{name}" for name in (*found, *LIGHT)]


def packages() -> list[Path]:
    return sorted(SOURCE.rglob("*/__init__.py"))


def loaded(code: str) -> set[str]:
    """Modules that Python has loaded after some code, in a process of its own."""
    ended = subprocess.run(  # noqa: S603
        [sys.executable, "-c", f"import sys; {code}; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(ended.stdout.split())


def modules() -> list[str]:
    found = pkgutil.walk_packages([str(SOURCE)], "isthmus.")
    return [module.name for module in found if not module.name.endswith("__main__")]


def messages() -> list[type[Message]]:
    """Every message class, in whatever module it is."""
    for name in modules():
        importlib.import_module(name)
    return [kind for kind in Message.__subclasses__() if kind.__module__.startswith("isthmus")]


class TestEncryption:
    def test_needs_no_heu_by_default(self) -> None:
        encrypts = "keys.generate('okamoto-uchiyama', 'auto', 2048).public.encrypt([1])"
        assert "heu" not in loaded(f"from isthmus.crypto import keys; {encrypts}")


class TestImports:
    def test_go_down_only_and_each_engine_has_one_door(self) -> None:
        command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
        ended = subprocess.run(  # noqa: S603
            command, cwd=SOURCE.parents[1], capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stdout

    def test_of_the_package_loads_no_engine(self) -> None:
        assert not loaded("import isthmus") & set(ENGINES)

    def test_of_what_checks_and_explains_a_job_load_nothing_that_draws(self) -> None:
        jobs = "check", "connection", "consent", "explain", "load", "plan", "registry", "result"
        code = (
            f"from isthmus.jobs import {', '.join(jobs)}; "
            "[registry.load_family(it.name) for it in registry.FAMILIES]; "
            "[registry.load_system(it) for it in registry.ROWS]"
        )
        found = loaded(code)
        assert {row.module for row in registry.ROWS} <= found
        assert not {"matplotlib", "jinja2"} & found

    def test_of_the_program_in_an_enclave_load_no_engine_but_numpy(self) -> None:
        # All that runs there has to be measured, trusted, and held in little memory.
        engines = {*ENGINES, "scipy", "matplotlib", "jinja2", "typer"}
        assert loaded("import isthmus.alignment.attested.__main__") & engines == {"numpy"}


class TestSpecs:
    """What a job file or a party file needs to be read is loaded in a blink."""

    def test_load_no_engine(self) -> None:
        assert not loaded(f"import {', '.join(specs())}") & set(HEAVY)


class TestPackages:
    @pytest.mark.parametrize("package", packages())
    def test_hold_a_docstring_only(self, package: Path) -> None:
        [docstring] = ast.parse(package.read_text()).body
        assert isinstance(docstring, ast.Expr)
        assert isinstance(docstring.value, ast.Constant)

    @pytest.mark.parametrize(
        ("system", "roles"),
        [
            ("alignment/attested", ["party", "enclave"]),
            ("alignment/cryptographic", ["receiver", "sender"]),
            ("vertical/boosting", ["active", "passive"]),
            ("vertical/regression/encrypted", ["active", "passive"]),
            ("vertical/regression/shared", ["active", "passive"]),
        ],
    )
    def test_of_a_system_have_spec_messages_and_one_file_per_role(
        self, system: str, roles: list[str]
    ) -> None:
        folder = SOURCE / system
        assert {"messages.py", *(f"{role}.py" for role in roles)} <= {
            file.name for file in folder.iterdir()
        }
        assert (folder / "spec.py").exists() or (folder.parent / "spec.py").exists()


class TestMessages:
    def test_each_say_why_they_are_sent_and_what_they_tell_and_live_in_messages_py(self) -> None:
        kinds = messages()
        assert len(kinds) > 10
        for kind in kinds:
            assert kind.__module__.endswith(".messages"), kind
            assert kind.purpose, kind
            assert kind.reveals, kind

    def test_have_names_that_no_other_message_has(self) -> None:
        names = [kind.__name__ for kind in messages()]
        assert len(names) == len(set(names))

    def test_are_declared_in_modules_that_the_registry_names(self) -> None:
        named = {module.__name__ for module in registry.message_modules()}
        assert {kind.__module__ for kind in messages()} == named
