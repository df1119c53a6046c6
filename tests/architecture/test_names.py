"""Names can be searched for: terms of the glossary are in the code, and replaced names are not."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import isthmus

SOURCE = Path(isthmus.__file__).parent
ROOT = Path(__file__).parents[2]
PACKAGES = sorted({file.relative_to(SOURCE).parts[0] for file in SOURCE.rglob("*.py")})

OLD_WORDS = frozenset(
    {
        *("begun", "chance", "course", "crew", "desk", "harvest", "hear", "lesson", "plant"),
        *("reception", "refusals", "rehearsal", "rival", "roll", "site", "ticket", "tickets"),
        *("veil", "veiled", "visit", "visiting", "visits", "weighing"),
    }
)
"""Words of names that were replaced: no name may have one of them as a word."""

OLD_NAMES = frozenset(
    {
        *("Blind", "Grown", "Joined", "Parting", "Prepare", "Setting", "Summed", "Taken"),
        *("Way", "deal", "open_", "take_part"),
    }
)
"""Whole names that were replaced; their words may be part of other names."""

RIDDLES = ("What ", "Who ", "How ")
"""The docstring of a module must not begin with these, unless its first line is a question."""


@cache
def modules(package: str) -> dict[Path, ast.Module]:
    """Syntax tree of every file of a package, or of the one module of that name."""
    found = SOURCE / package
    files = sorted(found.rglob("*.py")) if found.is_dir() else [found]
    return {file: ast.parse(file.read_text()) for file in files}


def names(file: Path, tree: ast.Module) -> Iterator[str]:
    """Every name that a module defines, and its own name; not the names of libraries."""
    yield from file.relative_to(SOURCE).with_suffix("").parts
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.ClassDef(name=name) | ast.arg(arg=name):
                yield name
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name


def words(name: str) -> set[str]:
    """The words of a name in `snake_case` or `CamelCase`, in lower case."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", name)}


def terms() -> list[tuple[str, str]]:
    """Each term of the glossary with a name that it says to search for."""
    lines = (ROOT / "docs/glossary.md").read_text().splitlines()
    rows = [line.split("|") for line in lines if line.startswith("| ")]
    return [(row[1].strip(), name) for row in rows for name in re.findall(r"`(\w+)`", row[3])]


class TestNames:
    @pytest.mark.parametrize("package", PACKAGES)
    def test_have_no_word_that_was_replaced(self, package: str) -> None:
        found = [
            f"{file.relative_to(SOURCE)}: {name}"
            for file, tree in modules(package).items()
            for name in sorted(set(names(file, tree)))
            if words(name) & OLD_WORDS or name in OLD_NAMES
        ]
        assert not found

    def test_are_split_into_words(self) -> None:
        assert words("_RunFilesStore") == {"run", "files", "store"}
        assert words("HTTPDesk2") == {"http", "desk2"}
        assert words("MAX_BINS") == {"max", "bins"}


class TestDocstrings:
    @pytest.mark.parametrize("package", PACKAGES)
    def test_of_modules_say_what_is_in_them(self, package: str) -> None:
        first = {file: (ast.get_docstring(tree) or "") for file, tree in modules(package).items()}
        found = [
            f"{file.relative_to(SOURCE)}: {text.splitlines()[0]}"
            for file, text in first.items()
            if text.startswith(RIDDLES) and not text.partition("\n")[0].endswith("?")
        ]
        assert not found


class TestGlossary:
    def test_names_code_that_exists(self) -> None:
        defined = {
            name
            for package in PACKAGES
            for file, tree in modules(package).items()
            for name in names(file, tree)
        }
        missing = [f"{term}: {name}" for term, name in terms() if name not in defined]
        assert not missing

    def test_has_each_term_once(self) -> None:
        rows = re.findall(r"^\| ([^|]+) \|", (ROOT / "docs/glossary.md").read_text(), re.MULTILINE)
        assert len(rows) == len(set(rows))
