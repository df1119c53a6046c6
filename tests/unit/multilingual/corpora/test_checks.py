"""A look at the first rows finds what is wrong before a run begins."""

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from isthmus.core.errors import SpecError
from isthmus.multilingual.corpora.checks import CorpusFacts, check
from tests.unit.multilingual.corpora.prepared import job, pairs, tsv, write


class TestCheck:
    def test_tells_languages_files_and_rows_where_they_cost_nothing(self, tmp_path: Path) -> None:
        tsv(tmp_path / "all/a.tsv", ["en", "de", "part"], pairs(30))
        tsv(tmp_path / "all/b.tsv", ["en", "de", "part"], pairs(10))
        parquet.write_table(
            pa.table({"en": ["x"] * 2000, "fr": [f"x {n}" for n in range(2000)]}),
            tmp_path / "t.parquet",
        )
        facts = check(
            job(
                corpora={"a": {"path": "all", "languages": ["en", "de"]}},
                tests={"t": {"path": "t.parquet", "languages": ["en", "fr"]}},
            ),
            tmp_path,
        )
        size = sum(path.stat().st_size for path in (tmp_path / "all").iterdir())
        assert facts.corpora == {
            "a": CorpusFacts(languages=("en", "de"), files=2, bytes=size, rows=None)
        }
        assert (facts.tests["t"].languages, facts.tests["t"].rows) == (("en", "fr"), 2000)

    def test_reads_the_first_rows_alone(self, tmp_path: Path) -> None:
        path = tsv(tmp_path / "a.tsv", ["en", "de", "part"], pairs(2000))
        path.write_bytes(path.read_bytes() + b"\xff")
        spec = job(corpora={"a": {"path": "a.tsv", "languages": ["en", "de"]}})
        assert check(spec, tmp_path).corpora["a"].files == 1

    def test_looks_into_every_file(self, tmp_path: Path) -> None:
        tsv(tmp_path / "all/a.tsv", ["en", "de", "part"], pairs(30))
        tsv(tmp_path / "all/b.tsv", ["en", "fr", "part"], pairs(30))
        with pytest.raises(SpecError, match=r"b\.tsv: has no column 'de' among its 3"):
            check(job(corpora={"a": {"path": "all", "languages": ["en", "de"]}}), tmp_path)

    def test_refuses_an_empty_corpus(self, tmp_path: Path) -> None:
        write(tmp_path / "a.txt", "")
        spec = job(corpora={"a": {"path": "a.txt", "languages": ["en"]}}, objectives={"pairs": 0})
        with pytest.raises(SpecError, match=r"a\.txt: there are no rows"):
            check(spec, tmp_path)

    def test_refuses_one_text_given_as_two_languages(self, tmp_path: Path) -> None:
        write(tmp_path / "a.txt", "".join(f"{en}\n" for en, _, _ in pairs(30)))
        spec = job(corpora={"a": {"path": {"en": "a.txt", "de": "a.txt"}}})
        with pytest.raises(SpecError, match="one text seems to be given as two languages"):
            check(spec, tmp_path)

    def test_refuses_two_corpora_that_give_one_text_as_two_languages(self, tmp_path: Path) -> None:
        tsv(tmp_path / "a.tsv", ["en", "de", "part"], pairs(30))
        write(tmp_path / "b.txt", "".join(f"{en}\n" for en, _, _ in pairs(30)))
        spec = job(
            corpora={
                "a": {"path": "a.tsv", "languages": ["en", "de"]},
                "b": {"path": "b.txt", "languages": ["fr"]},
            }
        )
        with pytest.raises(SpecError, match=r"`multilingual\.corpora\.a` in 'en' and .*in 'fr'"):
            check(spec, tmp_path)

    def test_refuses_a_catalogue_without_a_sure_translation(self, tmp_path: Path) -> None:
        messages = "".join(f'#, fuzzy\nmsgid "text {n}"\nmsgstr "Text {n}"\n\n' for n in range(9))
        write(tmp_path / "de.po", messages)
        spec = job(corpora={"a": {"path": "de.po", "languages": ["en", "de"]}})
        with pytest.raises(SpecError, match=r"none of its 9 rows .* marked as fuzzy do not count"):
            check(spec, tmp_path)
