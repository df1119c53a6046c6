"""A reader who does what a page says: writes its files, and types its commands."""

import os
import re
import shlex
import socket
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).parents[2]
PORT = "127.0.0.1:7401"
"""Where the pages let a party listen; another test may be there at the same time."""
PATIENCE = 240.0  # seconds


class Reader:
    """Reads one page and follows it in a folder of its own."""

    def __init__(self, page: str, folder: Path) -> None:
        self.text = (ROOT / page).read_text()
        self.folder = folder
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.address = f"127.0.0.1:{server.getsockname()[1]}"

    def blocks(self, language: str) -> list[str]:
        """The fenced blocks of a language."""
        return re.findall(rf"^```{language}\n(.*?)^```$", self.text, re.DOTALL | re.MULTILINE)

    def write_files(self) -> list[Path]:
        """Write every `toml` block to the file that its first line names."""
        files: list[Path] = []
        for block in self.blocks("toml"):
            file = self.folder / block.splitlines()[0].removeprefix("# ")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block)
            files.append(file)
        return files

    def type_commands(self) -> None:
        """Run every line that starts with `$ ` in the `console` blocks."""
        for block in self.blocks("console"):
            lines = [line.removeprefix("$ ") for line in block.splitlines() if line[:2] == "$ "]
            for step in _steps(lines):
                self._move_to_free_port()
                self._run(step)

    def _move_to_free_port(self) -> None:
        for file in self.folder.rglob("*.toml"):
            file.write_text(file.read_text().replace(PORT, self.address))

    def type_line(self, command: str) -> None:
        """Run one command of a page."""
        self._run([command])

    @contextmanager
    def typing(self, command: str) -> Iterator[subprocess.Popen[str]]:
        """A command of a page that runs beside what else is done with it."""
        with self._start(command) as process:
            try:
                yield process
            finally:
                process.kill()  # does nothing to one that has ended

    def _start(self, command: str) -> subprocess.Popen[str]:
        path = f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}"
        return subprocess.Popen(  # noqa: S603 - our own pages
            shlex.split(command, comments=True),
            cwd=self.folder,
            env=os.environ | {"PATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _run(self, commands: list[str]) -> None:
        processes = [self._start(command) for command in commands]
        try:
            printed = [process.communicate(timeout=PATIENCE)[0] for process in processes]
        finally:
            for process in processes:
                process.kill()
                process.communicate()
        for command, process, text in zip(commands, processes, printed, strict=True):
            assert process.returncode == 0, f"$ {command}\n{text}"


def _steps(commands: list[str]) -> Iterator[list[str]]:
    """Each command by itself, but neighbours that wait for each other as in two terminals."""
    for verb, neighbours in groupby(commands, lambda line: line.split(" ")[:2]):
        if verb in (["isthmus", "align"], ["isthmus", "run"]):
            yield list(neighbours)
        else:
            yield from ([command] for command in neighbours)
