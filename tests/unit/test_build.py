"""A wheel holds compiled code where there is a compiler, and is pure elsewhere: both install."""

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from types import ModuleType
from zipfile import ZipFile

import pytest

from isthmus.crypto.kernel import library

ROOT = Path(__file__).parents[2]
LIBRARY = "isthmus/crypto/kernel/compiled/kernel.so"


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    """The build hook, which is no part of the package."""
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def wheel(folder: Path, **environment: str) -> Path:
    """Build a wheel as pip does, with the build tools that are installed here."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(  # noqa: S603 - our own
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


class TestWheel:
    def test_is_pure_without_a_compiler(self, tmp_path: Path) -> None:
        built = wheel(tmp_path, CC="no-such-compiler")
        assert built.name.endswith("-py3-none-any.whl")
        with ZipFile(built) as files:
            names = files.namelist()
        assert LIBRARY not in names
        assert "isthmus/crypto/kernel/source/kernel.c" in names

    def test_is_pure_where_the_compiler_fails(self, tmp_path: Path) -> None:
        failing = tmp_path / "cc"
        failing.write_text("#!/bin/sh\nexit 1\n", "utf-8")
        failing.chmod(0o755)
        assert wheel(tmp_path / "dist", CC=str(failing)).name.endswith("-py3-none-any.whl")

    @pytest.mark.long
    @pytest.mark.parametrize("compiler", ["cc", "clang"])
    def test_has_the_compiled_code_with_one(self, tmp_path: Path, compiler: str) -> None:
        if shutil.which(compiler) is None:
            pytest.skip("this compiler is not installed")
        built = wheel(tmp_path, CC=compiler)
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        assert built.name.endswith(f"-py3-none-{platform}.whl")
        with ZipFile(built) as files:
            files.extract(LIBRARY, tmp_path)
            assert not library.is_stale(tmp_path / LIBRARY)
            assert b"Root-Is-Purelib: false" in next(
                files.read(name) for name in files.namelist() if name.endswith("/WHEEL")
            )
        check = [sys.executable, "-m", "tests.unit.crypto.kernel.cases", str(tmp_path / LIBRARY)]
        subprocess.run([*check, "700"], cwd=ROOT, check=True)  # noqa: S603 - our own


class TestCompiled:
    """By itself, where a test of the whole build would take long."""

    @pytest.mark.parametrize("other", ["aarch64", "arm64"])
    def test_asks_for_no_compiler_on_another_processor(
        self, hook: ModuleType, other: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr("platform.machine", lambda: other)
        assert not hook.compiled(ROOT / hook.SOURCE, tmp_path / "kernel.so")
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize(
        ("named", "there", "chosen"),
        [
            ("", ["gcc", "cc"], "/usr/bin/gcc"),
            ("", ["cc"], "/usr/bin/cc"),
            ("clang", ["gcc", "clang"], "/usr/bin/clang"),
        ],
    )
    def test_takes_the_fastest_compiler_unless_one_is_named(
        self,
        hook: ModuleType,
        named: str,
        there: list[str],
        chosen: str,
        monkeypatch: pytest.MonkeyPatch,
        tmp_path: Path,
    ) -> None:
        ran = list[list[str]]()

        def run(command: list[str], *, check: bool) -> subprocess.CompletedProcess[bytes]:
            ran.append(command)
            return subprocess.CompletedProcess(command, int(check))

        monkeypatch.setenv("CC", named)
        monkeypatch.setattr("platform.machine", lambda: "x86_64")
        monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}" * (name in there))
        monkeypatch.setattr("subprocess.run", run)
        assert hook.compiled(ROOT / hook.SOURCE, tmp_path / "kernel.so")
        assert [command[0] for command in ran] == [chosen]

    def test_stamps_the_code_with_its_source(self, hook: ModuleType) -> None:
        assert hook.digest(library.SOURCE) == library.source_digest()

    def test_says_so_where_the_compiler_fails(self, hook: ModuleType, tmp_path: Path) -> None:
        source = tmp_path / "kernel.c"
        source.write_text("no C at all", "utf-8")
        assert not hook.compiled(source, tmp_path / "kernel.so")
