"""Corpora are read once: what is held out is new, and nothing is learned twice."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from isthmus.core.errors import DiskError, SpecError
from isthmus.core.telemetry import Event, Telemetry
from isthmus.multilingual.corpora import preparation
from isthmus.multilingual.corpora.preparation import prepare
from isthmus.multilingual.corpora.texts import Corpora, CorpusCounts
from tests.unit.multilingual.corpora.prepared import (
    Lines,
    job,
    pairs,
    prepared,
    rows_of,
    tsv,
    write,
)

NAMES = ["en", "de", "part"]


def corpus(folder: Path, name: str, lines: Lines, **keys: Any) -> dict[str, Any]:
    """Write a table of English and German, and say so."""
    tsv(folder / f"{name}.tsv", NAMES, lines)
    return {"path": f"{name}.tsv", "languages": ["en", "de"], "documents": "part", **keys}


def english(corpora: Corpora, part: str, name: str = "a") -> list[str | None]:
    """The English texts of a corpus."""
    return [row["en"] for row in rows_of(getattr(corpora, part)[name])]


def all_texts(rows: Sequence[Any]) -> set[str]:
    return {text.lower() for row in rows for text in row.values() if text is not None}


class TestPrepared:
    def test_texts_are_normalised_and_keep_their_order(self, tmp_path: Path) -> None:
        lines = [("  \uff21\u00a0b ", "e\u0301", "x"), ("two", "zwei", "x"), ("three", "drei", "y")]
        corpora = prepared(tmp_path, job(corpora={"a": corpus(tmp_path, "a", lines)}, held_out=0))
        assert rows_of(corpora.trained["a"]) == [
            {"en": "A b", "de": "\u00e9"},
            {"en": "two", "de": "zwei"},
            {"en": "three", "de": "drei"},
        ]
        assert not corpora.held_out
        assert corpora.languages == ("de", "en")

    def test_rows_without_translation_are_left_out_and_counted(self, tmp_path: Path) -> None:
        lines = [*pairs(3), ("alone", " ", "z"), ("", "allein", "z"), ("", "", "z")]
        corpora = prepared(tmp_path, job(corpora={"a": corpus(tmp_path, "a", lines)}, held_out=0))
        assert corpora.counts.corpora["a"] == CorpusCounts(
            read=6, empty=3, trained=3, documents=1, texts={"en": 3, "de": 3}
        )
        assert corpora.counts.trained == 3

    def test_rows_of_three_languages_need_two(self, tmp_path: Path) -> None:
        tsv(tmp_path / "a.tsv", ["en", "de", "fr"], [("a", "b", ""), ("", "c", "d"), ("e", "", "")])
        several = {"path": "a.tsv", "languages": ["en", "de", "fr"]}
        corpora = prepared(tmp_path, job(corpora={"a": several}, held_out=0))
        assert rows_of(corpora.trained["a"]) == [
            {"en": "a", "de": "b", "fr": None},
            {"en": None, "de": "c", "fr": "d"},
        ]
        assert corpora.counts.corpora["a"].texts == {"en": 1, "de": 2, "fr": 1}

    def test_texts_of_one_language_need_no_other(self, tmp_path: Path) -> None:
        write(tmp_path / "a.txt", "one\n\ntwo\n")
        alone = {"path": "a.txt", "languages": ["en"]}
        spec = job(corpora={"a": alone}, held_out=0, objectives={"pairs": 0, "mlm": 1})
        corpora = prepared(tmp_path, spec)
        assert english(corpora, "trained") == ["one", "two"]
        assert corpora.counts.corpora["a"].empty == 1

    def test_progress_tells_corpora_and_rows_and_no_text(self, tmp_path: Path) -> None:
        events = list[Event]()
        spec = job(corpora={"a": corpus(tmp_path, "a", pairs(30))})
        prepare(spec, tmp_path, 7, tmp_path / "corpora", Telemetry(events.append))
        assert [(each.stage, each.note, each.done) for each in events] == [("read", "a", 30)]

    def test_files_can_be_read_by_their_owner_alone(self, tmp_path: Path) -> None:
        prepared(tmp_path, job(corpora={"a": corpus(tmp_path, "a", pairs(30))}))
        files = list((tmp_path / "run" / "corpora").rglob("*"))
        assert {path.suffix for path in files} == {"", ".arrow", ".hashes", ".json"}
        assert not any(path.stat().st_mode & 0o077 for path in files)


class TestHeldOut:
    def test_are_whole_documents(self, tmp_path: Path) -> None:
        spec = job(corpora={"a": corpus(tmp_path, "a", pairs(500))}, held_out=0.2)
        corpora = prepared(tmp_path, spec)
        held = {int(str(text).split()[1]) // 10 for text in english(corpora, "held_out")}
        trained = {int(str(text).split()[1]) // 10 for text in english(corpora, "trained")}
        assert not held & trained
        assert held | trained == set(range(50))
        assert 4 <= len(held) <= 20
        counts = corpora.counts.corpora["a"]
        assert (counts.documents, counts.held_out_documents) == (50, len(held))
        assert (counts.held_out, counts.trained) == (len(held) * 10, len(trained) * 10)

    def test_follow_from_the_seed(self, tmp_path: Path) -> None:
        spec = job(corpora={"a": corpus(tmp_path, "a", pairs(500))}, held_out=0.2)
        found = [
            english(prepared(tmp_path / name, spec, seed), "held_out")
            for name, seed in [("one", 7), ("two", 7), ("three", 8)]
            if not tsv(tmp_path / name / "a.tsv", NAMES, pairs(500)).is_dir()
        ]
        assert found[0] == found[1] != found[2]

    def test_are_the_same_documents_in_all_corpora(self, tmp_path: Path) -> None:
        other = [(f"other {n}", f"anderer {n}", part) for n, (_, _, part) in enumerate(pairs(500))]
        both = {
            name: corpus(tmp_path, name, lines) for name, lines in [("a", pairs(500)), ("b", other)]
        }
        corpora = prepared(tmp_path, job(corpora=both, held_out=0.2))
        numbers = [
            [str(text).split()[1] for text in english(corpora, "held_out", name)] for name in "ab"
        ]
        assert numbers[0] == numbers[1]

    @pytest.mark.parametrize("share", [0.001, 0.999])
    def test_leave_something_on_both_sides(self, tmp_path: Path, share: float) -> None:
        spec = job(corpora={"a": corpus(tmp_path, "a", pairs(400))}, held_out=share)
        if share < 0.5:
            assert len(english(prepared(tmp_path, spec), "held_out")) == 10
        else:
            with pytest.raises(SpecError, match="all its 40 documents are held out"):
                prepared(tmp_path, spec)

    def test_hold_each_text_once(self, tmp_path: Path) -> None:
        lines = [
            (f"text {n // 2}", f"anders {n}", part) for n, (_, _, part) in enumerate(pairs(100))
        ]
        corpora = prepared(tmp_path, job(corpora={"a": corpus(tmp_path, "a", lines)}, held_out=0.3))
        found = rows_of(corpora.held_out["a"])
        assert len(found) == len({row["en"] for row in found}) == len(all_texts(found)) / 2
        assert len(english(corpora, "trained")) == 100 - 2 * len(found)
        assert corpora.counts.corpora["a"].duplicates == len(found)

    def test_have_no_text_that_is_trained_on(self, tmp_path: Path) -> None:
        lines = [
            *pairs(200),
            *((en.upper(), f"neu {n}", "new") for n, (en, _, _) in enumerate(pairs(200))),
        ]
        corpora = prepared(tmp_path, job(corpora={"a": corpus(tmp_path, "a", lines)}, held_out=0.2))
        held = all_texts(rows_of(corpora.held_out["a"]))
        assert not held & all_texts(rows_of(corpora.trained["a"]))
        assert corpora.counts.corpora["a"].found_in_tests > 0

    def test_need_a_second_document(self, tmp_path: Path) -> None:
        one = [(en, de, "the only one") for en, de, _ in pairs(50)]
        spec = job(corpora={"a": corpus(tmp_path, "a", one)})
        with pytest.raises(SpecError, match=r"corpora\.a`: its 50 rows are one document, so none"):
            prepared(tmp_path, spec)


class TestDuplicates:
    def test_are_left_out_within_a_corpus(self, tmp_path: Path) -> None:
        lines = [*pairs(20), *((en.upper(), de, part) for en, de, part in pairs(5))]
        corpora = prepared(tmp_path, job(corpora={"a": corpus(tmp_path, "a", lines)}, held_out=0))
        assert english(corpora, "trained") == [en for en, _, _ in pairs(20)]
        assert corpora.counts.corpora["a"].duplicates == 5

    def test_are_left_out_across_corpora_whatever_the_order_of_languages(
        self, tmp_path: Path
    ) -> None:
        first = corpus(tmp_path, "a", pairs(20))
        second = corpus(tmp_path, "b", pairs(30), languages=["de", "en"])
        corpora = prepared(tmp_path, job(corpora={"a": first, "b": second}, held_out=0))
        assert len(english(corpora, "trained", "a")) == 20
        assert english(corpora, "trained", "b") == [en for en, _, _ in pairs(30)[20:]]

    def test_are_rows_and_not_texts(self, tmp_path: Path) -> None:
        lines = [("same", f"anders {n}", "x") for n in range(5)]
        corpora = prepared(tmp_path, job(corpora={"a": corpus(tmp_path, "a", lines)}, held_out=0))
        assert len(english(corpora, "trained")) == 5

    def test_that_leave_nothing_of_a_corpus_are_refused(self, tmp_path: Path) -> None:
        both = {name: corpus(tmp_path, name, pairs(20)) for name in "ab"}
        says = (
            r"corpora\.b`: nothing is left .* its 20 rows: 20 are in it twice or in other corpora"
        )
        with pytest.raises(SpecError, match=says):
            prepared(tmp_path, job(corpora=both, held_out=0))


class TestTests:
    def test_are_kept_whole_and_in_order(self, tmp_path: Path) -> None:
        twice = [*pairs(5, "new"), *pairs(5, "new")]
        tests = {"t": corpus(tmp_path, "t", twice)}
        trained = {"a": corpus(tmp_path, "a", pairs(50))}
        corpora = prepared(tmp_path, job(corpora=trained, tests=tests))
        assert english(corpora, "tests", "t") == [en for en, _, _ in twice]
        assert corpora.counts.tests["t"].texts == {"en": 10, "de": 10}

    def test_have_no_text_that_is_trained_on_in_any_language(self, tmp_path: Path) -> None:
        lines = [*pairs(5, "new"), ("x", "TEXT 3", "t"), ("text 4", "y", "t")]
        trained = {"a": corpus(tmp_path, "a", pairs(50))}
        tests = {"t": corpus(tmp_path, "t", lines)}
        corpora = prepared(tmp_path, job(corpora=trained, tests=tests, held_out=0))
        assert corpora.counts.corpora["a"].found_in_tests == 2
        assert not {"text 3", "text 4"} & set(map(str, english(corpora, "trained")))
        assert len(english(corpora, "trained")) == 48

    def test_that_are_all_in_what_is_trained_on_are_refused(self, tmp_path: Path) -> None:
        trained = {"a": corpus(tmp_path, "a", pairs(50))}
        tests = {"t": corpus(tmp_path, "t", pairs(50)[20:30])}
        says = r"tests\.t`: all its 20 texts are in the corpora to train on too"
        with pytest.raises(SpecError, match=says):
            prepared(tmp_path, job(corpora=trained, tests=tests, held_out=0))

    def test_may_have_the_name_of_a_corpus(self, tmp_path: Path) -> None:
        tests = {"a": corpus(tmp_path, "t", pairs(5, "new"))}
        trained = {"a": corpus(tmp_path, "a", pairs(50))}
        corpora = prepared(tmp_path, job(corpora=trained, tests=tests))
        assert len(english(corpora, "tests")) == 5


class TestBadInput:
    def test_without_rows_is_refused(self, tmp_path: Path) -> None:
        spec = job(corpora={"a": corpus(tmp_path, "a", [])})
        with pytest.raises(SpecError, match=r"a\.tsv: there are no rows"):
            prepared(tmp_path, spec)

    def test_with_texts_in_one_language_alone_is_refused(self, tmp_path: Path) -> None:
        spec = job(
            corpora={"a": corpus(tmp_path, "a", [(en, "", part) for en, _, part in pairs(9)])}
        )
        with pytest.raises(SpecError, match="none of its 9 rows has a text in 'en' and one in ano"):
            prepared(tmp_path, spec)

    def test_without_texts_in_one_of_three_languages_is_refused(self, tmp_path: Path) -> None:
        tsv(tmp_path / "a.tsv", ["en", "de", "fr"], [(en, de, "") for en, de, _ in pairs(9)])
        several = {"path": "a.tsv", "languages": ["en", "de", "fr"]}
        with pytest.raises(SpecError, match="none of its 9 rows has a text in 'fr'"):
            prepared(tmp_path, job(corpora={"a": several}))

    def test_that_gives_one_text_as_two_languages_is_refused(self, tmp_path: Path) -> None:
        lines = [
            (en, en.upper() if n % 3 else de, part) for n, (en, de, part) in enumerate(pairs(30))
        ]
        spec = job(corpora={"a": corpus(tmp_path, "a", lines)})
        with pytest.raises(SpecError, match=r"67% of 30 rows .* same text in 'en' and 'de'"):
            prepared(tmp_path, spec)

    def test_that_gives_one_text_as_two_corpora_is_refused(self, tmp_path: Path) -> None:
        write(tmp_path / "a.txt", "".join(f"{en}\n" for en, _, _ in pairs(30)))
        alone = {name: {"path": "a.txt", "languages": [name]} for name in ("en", "de")}
        spec = job(corpora=alone, objectives={"pairs": 0})
        says = r"corpora\.en` in 'en' and .*corpora\.de` in 'de' begin with the same texts \(100%"
        with pytest.raises(SpecError, match=says):
            prepared(tmp_path, spec)

    def test_leaves_nothing_that_looks_whole(self, tmp_path: Path) -> None:
        spec = job(corpora={"a": corpus(tmp_path, "a", []), "b": corpus(tmp_path, "b", pairs(30))})
        with pytest.raises(SpecError):
            prepared(tmp_path, spec)
        assert not (tmp_path / "run" / "corpora").exists()


class TestAgain:
    def test_is_not_needed_where_it_is_whole(self, tmp_path: Path) -> None:
        spec = job(corpora={"a": corpus(tmp_path, "a", pairs(30))})
        before = rows_of(prepared(tmp_path, spec).trained["a"])
        (tmp_path / "a.tsv").unlink()
        assert rows_of(prepared(tmp_path, spec).trained["a"]) == before

    def test_begins_anew_where_it_was_interrupted(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        spec = job(corpora={"a": corpus(tmp_path, "a", pairs(30))})

        def killed(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(preparation, "copy", killed)
            with pytest.raises(KeyboardInterrupt):
                prepared(tmp_path, spec)
        assert not (tmp_path / "run" / "corpora").exists()
        assert prepared(tmp_path, spec).counts.corpora["a"].read == 30
        assert [path.name for path in (tmp_path / "run").iterdir()] == ["corpora"]

    def test_is_told_where_the_disk_is_full(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(preparation, "copy", full)
        spec = job(corpora={"a": corpus(tmp_path, "a", pairs(30))})
        with pytest.raises(DiskError, match="no space left"):
            prepared(tmp_path, spec)
