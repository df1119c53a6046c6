"""Compiles the C code of `isthmus.crypto.kernel` where there is a compiler for it.

Without one, or on another processor, the wheel is pure: gmpy2 computes the same, more slowly. So an
installation never fails for want of a compiler.
"""

import hashlib
import os
import platform
import shutil
import subprocess
import sysconfig
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = "src/isthmus/crypto/kernel/source/kernel.c"
LIBRARY = "isthmus/crypto/kernel/compiled/kernel.so"
COMPILERS = ("gcc", "cc")
"""Looked for in this order; $CC comes before them. clang's code is right too, but takes 1.6 times
as long."""

FLAGS = (
    "-std=c11",
    "-O2",
    "-mavx512f",
    "-mavx512ifma",
    "-fPIC",
    "-fvisibility=hidden",
    "-shared",
)


class CompiledKernel(BuildHookInterface[Any]):
    """Puts the compiled code into a wheel, or, for an editable one, beside the source."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, before files are collected."""
        self._folder = Path(mkdtemp())
        fresh = self._folder / "kernel.so"
        done = self.target_name == "wheel" and compiled(Path(self.root) / SOURCE, fresh)
        if version == "editable":
            beside = Path(self.root) / "src" / LIBRARY
            beside.unlink(missing_ok=True)  # a process that has it loaded keeps it
            if done:
                beside.parent.mkdir(exist_ok=True)
                shutil.copy(fresh, beside)
        elif done:
            platform_tag = sysconfig.get_platform().replace("-", "_").replace(".", "_")
            build_data["tag"], build_data["pure_python"] = f"py3-none-{platform_tag}", False
            build_data["force_include"][str(fresh)] = LIBRARY

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Remove what was compiled, after the wheel is written."""
        shutil.rmtree(self._folder)


def compiled(source: Path, library: Path) -> bool:
    """Compile the code, if this machine can.

    Args:
        source: The C file.
        library: Where the result goes.

    Returns:
        Whether it could.
    """
    named = os.environ.get("CC")
    compilers = map(shutil.which, (named,) if named else COMPILERS)
    compiler = next((each for each in compilers if each), None)
    if compiler is None or platform.machine() != "x86_64" or os.name != "posix":
        return False
    stamp = f'-DSOURCE_DIGEST="{digest(source.parent)}"'
    command = [compiler, *FLAGS, stamp, "-o", str(library), str(source)]
    return subprocess.run(command, check=False).returncode == 0  # noqa: S603 - the user's compiler


def digest(folder: Path) -> str:
    """Returns a digest of the C code, by which a library of another revision is told."""
    found = hashlib.sha256()
    for file in sorted(folder.iterdir()):
        if file.suffix in {".c", ".h", ".inc"}:
            found.update(file.read_bytes())
    return found.hexdigest()
