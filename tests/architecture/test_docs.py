"""What the documentation names is there: code, messages, commands, exit codes, pages."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command

from isthmus.cli.failures import EXIT_CODES
from isthmus.cli.main import app
from isthmus.jobs import registry
from isthmus.transport.message import Message

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src/isthmus"
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/*/*.md")])
SYSTEMS = {
    "s1.md": SOURCE / "vertical/regression",
    "s2.md": SOURCE / "multilingual",
    "s3.md": SOURCE / "horizontal",
    "s4.md": SOURCE / "paramserver",
    "s5.md": SOURCE / "multitask",
    "s6.md": SOURCE / "horizontal/actor_critic",
    "s8.md": SOURCE / "multilingual",
    "s9.md": SOURCE / "vertical/boosting",
}
"""The folder that the page of a system is about."""

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


class TestPages:
    @each_page
    def test_name_code_that_exists(self, page: Path) -> None:
        for path, name in re.findall(r"`([\w/.-]+\.py):([\w.]+)`", page.read_text()):
            assert name in set(defined(resolve(path, page))), f"{path}:{name}"

    @each_page
    def test_name_files_that_exist(self, page: Path) -> None:
        for path in re.findall(r"`([\w.-]+/[\w/.-]+\.\w+)`", page.read_text()):
            if not path.startswith(
                ("mytrial/", "myads/", "words/", "bank/", "shop/", "peers/", "network/")
            ):  # a reader's own
                resolve(path, page)

    @each_page
    def test_link_to_pages_and_headings_that_exist(self, page: Path) -> None:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
            if target.startswith("https://"):
                continue
            path, _, heading = target.partition("#")
            linked = page.parent / path if path else page
            assert linked.exists(), target
            assert not heading or heading in headings(linked), target

    @each_page
    def test_name_commands_that_exist(self, page: Path) -> None:
        known = set(commands())
        groups = {command.partition(" ")[0] for command in known if " " in command}
        for verb, second in re.findall(r"[`$] ?isthmus ([a-z]+)(?: ([a-z]+))?", page.read_text()):
            command = f"{verb} {second}" if verb in groups and second else verb
            assert command in known | groups, f"isthmus {command}"


class TestArchitecture:
    @pytest.mark.parametrize("folder", [init.parent.name for init in SOURCE.glob("*/__init__.py")])
    def test_describes_every_folder(self, folder: str) -> None:
        text = (ROOT / "ARCHITECTURE.md").read_text()
        assert re.search(rf"^  {folder}/\s", text, re.MULTILINE)


class TestSecurity:
    def test_lists_every_message_with_its_direction_and_whether_it_must_be_disclosed(self) -> None:
        listed = {
            name: (direction, disclosed == "yes")
            for name, direction, _, disclosed in rows(ROOT / "docs/security.md", columns=4)
            if name != "message"
        }
        assert listed == {
            kind.__name__: (directions(kind)[kind.__name__], kind.discloses) for kind in messages()
        }


class TestFirstJob:
    def test_lists_every_exit_code(self) -> None:
        page = ROOT / "docs/guides/first-job.md"
        listed = {code: meaning for code, meaning in rows(page, columns=2) if code.isdigit()}
        assert listed == {str(code): meaning for code, meaning in EXIT_CODES.items()}


def resolve(path: str, page: Path) -> Path:
    """A file, as its path in a page means it."""
    folders = [SOURCE, ROOT, page.parent, *([SYSTEMS[page.name]] if page.name in SYSTEMS else [])]
    found = [folder / path for folder in folders if (folder / path).exists()]
    assert found, path
    return found[0]


def defined(file: Path) -> Iterator[str]:
    """Functions, classes, `Class.method` and variables of a module."""
    for node in ast.parse(file.read_text()).body:
        match node:
            case ast.ClassDef(name=name, body=body):
                yield name
                yield from (
                    f"{name}.{each.name}" for each in body if isinstance(each, ast.FunctionDef)
                )
            case ast.FunctionDef(name=name) | ast.AnnAssign(target=ast.Name(id=name)):
                yield name
            case ast.Assign(targets=[ast.Name(id=name)]):
                yield name


def headings(page: Path) -> set[str]:
    """Anchors of the headings of a page."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def rows(page: Path, columns: int) -> list[list[str]]:
    """Rows of all tables with so many columns."""
    lines = [line for line in page.read_text().splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if len(row) == columns]


def commands() -> Iterator[str]:
    """Every command, those of groups with the group's name before them."""
    for verb, command in vars(get_command(app))["commands"].items():
        inner = vars(command).get("commands")
        yield from (f"{verb} {name}" for name in inner) if inner else (verb,)


def messages() -> list[type[Message]]:
    """Every message class; `test_imports` sees to it that the registry names all their modules."""
    return [
        kind
        for module in registry.message_modules()
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Message) and kind is not Message
    ]


def directions(kind: type[Message]) -> dict[str, str]:
    """The first two columns of the table that the message's own module begins with."""
    table = str(importlib.import_module(kind.__module__).__doc__)
    return dict(re.findall(r"^\| (\w+) +\| ([\w >-]+?) +\|", table, re.MULTILINE))
