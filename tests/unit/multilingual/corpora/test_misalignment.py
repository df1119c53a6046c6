"""A line too many in one of two files is found by the lengths of lines."""

import random
from pathlib import Path

import pytest

from isthmus.core.errors import SpecError
from isthmus.multilingual.corpora.checks import check
from tests.unit.multilingual.corpora.prepared import job, prepared, write

ROWS = 1200


def write_pair(folder: Path, **extra: tuple[int, int]) -> dict[str, str]:
    """Write sentences of 1 to 30 words and translations, with lines that one file has alone."""
    numbers = random.Random(1)
    lengths = [numbers.randint(1, 30) for _ in range(ROWS)]
    for language in ("en", "de"):
        lines = [
            " ".join(f"{language}{numbers.randrange(999)}" for _ in range(length))
            for length in lengths
        ]
        at, count = extra.get(language, (0, 0))
        lines[at:at] = [f"{language} alone"] * count
        write(folder / f"a.{language}", "\n".join(lines[:ROWS]))
    return {"en": "a.en", "de": "a.de"}


class TestMisaligned:
    def test_files_in_step_pass(self, tmp_path: Path) -> None:
        spec = job(corpora={"a": {"path": write_pair(tmp_path)}})
        assert prepared(tmp_path, spec).counts.corpora["a"].read == ROWS

    @pytest.mark.parametrize("language", ["en", "de"])
    @pytest.mark.parametrize(("at", "says"), [(0, "1"), (500, "513"), (800, "769")])
    def test_files_with_a_line_too_many_are_refused_with_about_where(
        self, tmp_path: Path, language: str, at: int, says: str
    ) -> None:
        path = write_pair(tmp_path, **{language: (at, 1)})
        other = {"en": "de", "de": "en"}[language]
        says = rf"a\.{language}: about line {says}, it begins to be 1 line behind .*a\.{other}"
        with pytest.raises(SpecError, match=says):
            prepared(tmp_path, job(corpora={"a": {"path": path}}))

    def test_files_with_several_lines_too_many_are_refused_before_a_run(
        self, tmp_path: Path
    ) -> None:
        path = write_pair(tmp_path, de=(256, 3))
        with pytest.raises(SpecError, match=r"a\.de: about line 257, it begins to be 3 lines"):
            check(job(corpora={"a": {"path": path}}), tmp_path)

    def test_is_seen_where_neighbours_are_of_about_one_length(self, tmp_path: Path) -> None:
        numbers, lengths = random.Random(1), [5]
        for _ in range(ROWS):  # half of the lines are as long as the one before
            lengths.append(numbers.choice([lengths[-1], numbers.randint(1, 30)]))
        lines = {it: [" ".join([it] * length) for length in lengths] for it in ("en", "de")}
        for name, each in lines.items():
            write(tmp_path / f"a.{name}", "\n".join(each))
        spec = job(corpora={"a": {"path": {"en": "a.en", "de": "a.de"}}})
        check(spec, tmp_path)
        write(tmp_path / "a.de", "\n".join(["de alone", *lines["de"][:-1]]))
        with pytest.raises(SpecError, match=r"a\.de: about line 1, it begins to be 1 line behind"):
            check(spec, tmp_path)

    def test_lines_of_one_length_tell_nothing(self, tmp_path: Path) -> None:
        write(tmp_path / "a.en", "".join(f"en {n}\n" for n in range(100, 999)))
        write(tmp_path / "a.de", "".join(f"de {n}\n" for n in range(100, 999)))
        spec = job(corpora={"a": {"path": {"en": "a.en", "de": "a.de"}}})
        assert prepared(tmp_path, spec).counts.corpora["a"].empty == 0
