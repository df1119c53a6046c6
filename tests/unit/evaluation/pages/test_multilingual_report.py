"""The page about an encoder of texts in several languages."""

import msgspec

from isthmus.evaluation.comparison import pairs_table
from isthmus.evaluation.description import Found, LanguagePair, Retrieved
from isthmus.evaluation.pages.language_figures import matrix_figure
from isthmus.evaluation.pages.multilingual_report import (
    LossHistory,
    MultilingualReport,
    headline,
    render,
    sets,
)
from tests.unit.evaluation.pages.reading import Page, parse

TOP1 = {
    "encoder": 80.0,
    "fused": 90.0,
    "dictionary_tfidf": 85.0,
    "char_tfidf": 40.0,
    "untrained": 10.0,
    "encoder_cosine": 70.0,
    "encoder_centred": 75.0,
}


def retrieved(top1: float, mrr: float) -> Retrieved:
    """Three points apart both ways."""
    ways = Found(top1 + 1.5, mrr + 1.5), Found(top1 - 1.5, mrr - 1.5)
    return Retrieved(top1, mrr, *ways)


def pair(
    data: str, left: str, right: str, *, trained: bool = True, less: float = 0
) -> LanguagePair:
    methods = {name: retrieved(value - less, value) for name, value in TOP1.items()}
    return LanguagePair(
        data=data,
        left=left,
        right=right,
        rows=1000,
        in_domain=data == "bible",
        trained=trained,
        methods=methods,
    )


REPORT = MultilingualReport(
    job="words",
    digest="5f2b" * 16,
    version="0.1.0",
    started=1_767_225_600.0,
    seconds=40.0,
    stages={"train": 20.0, "measure": 18.0},
    encoder="a static encoder",
    languages=["de", "en", "ru"],
    pairs=[
        pair("bible", "de", "en"),
        pair("bible", "en", "ru", less=10),
        pair("bible", "de", "ru", trained=False, less=30),
        pair("news", "de", "en", less=40),
    ],
    train=26_000,
    test=2_000,
    ending="200 steps, all that the job allows; still falling: pairs",
    converged={"bilingual": False, "monolingual": None},
    tokens_per_s=123_456.7,
    memory=700_000_000,
    pieces=16_384,
    unknown={"de": 0.0, "ru": 0.0123},
    cut=0.004,
    history=LossHistory([1, 2, 3], {"pairs": [7.0, 3.0, 1.0]}, [1e4, 2e4, 2e4]),
)


class TestHeadline:
    def test_says_how_many_find_their_translation_beside_the_dictionary(self) -> None:
        assert headline(REPORT) == (
            "A static encoder, de, en and ru: 60.0% of 2,000 texts find their translation, with "
            "the dictionary 70.0%; the dictionary alone has 65.0%."
        )

    def test_says_that_nothing_is_measured(self) -> None:
        bare = msgspec.structs.replace(REPORT, pairs=[])
        assert "Nothing is measured" in headline(bare)


class TestSets:
    def test_keep_zero_shot_pairs_apart(self) -> None:
        found = [(it.name, it.in_domain, it.trained, it.pairs) for it in sets(REPORT.pairs)]
        assert found == [
            ("bible", True, True, 2),
            ("bible", True, False, 1),
            ("news", False, True, 1),
        ]

    def test_average_over_pairs(self) -> None:
        first = sets(REPORT.pairs)[0]
        assert (first.means["encoder"], first.mrr) == (75.0, 80.0)


class TestPage:
    def test_has_losses_matrices_and_tables(self) -> None:
        page = Page(render(REPORT))
        assert page.figures == [
            "bible (held out): all together",
            "bible (held out): encoder",
            "news (other texts): all together",
            "news (other texts): encoder",
            "Losses",
            "Seconds by stage",
        ]
        assert page.headings == [
            "Texts that find their translation, in %",
            "Training",
            "Pairs of languages",
            "Data and vocabulary",
        ]

    def test_says_what_is_zero_shot_and_what_the_vocabulary_lacks(self) -> None:
        html = render(REPORT)
        assert "in, held out, zero-shot" in html
        assert "ru 1.23%" in html
        assert "bilingual losses" in html
        assert "monolingual losses" not in html

    def test_has_a_column_for_each_layer(self) -> None:
        layers = [retrieved(value, value) for value in (20.0, 60.0, 80.0)]
        pairs = [msgspec.structs.replace(each, layers=layers) for each in REPORT.pairs]
        assert [it.layers for it in sets(pairs)] == [[20.0, 60.0, 80.0]] * 3
        html = render(msgspec.structs.replace(REPORT, pairs=pairs))
        assert "The encoder after each layer" in html
        assert "The encoder after each layer" not in render(REPORT)

    def test_says_which_rows_were_left_out(self) -> None:
        left_out = {"bible": {"that were there before": 1200}}
        html = render(msgspec.structs.replace(REPORT, left_out=left_out))
        assert "rows left out of bible" in html
        assert "1,200 that were there before" in html

    def test_loads_nothing(self) -> None:
        references = Page(render(REPORT)).references
        assert all(it.startswith("#") for it in references)

    def test_does_without_figures_where_nothing_was_measured(self) -> None:
        bare = msgspec.structs.replace(REPORT, pairs=[], history=LossHistory(), stages={})
        assert not Page(render(bare)).figures


class TestMatrix:
    def test_has_a_number_for_each_way_between_two_languages(self) -> None:
        values = {("de", "en"): 91.0, ("en", "de"): 63.0, ("de", "ru"): 72.0}
        svg = matrix_figure("news", values)
        texts = [text for it in parse(svg).iter() if (text := (it.text or "").strip())]
        assert {"91", "72", "63", "de", "en", "ru"} <= set(texts)
        assert "from 63.0% of en in de to 91.0% of de in en" in svg


class TestTable:
    def test_has_a_line_for_each_pair(self) -> None:
        headings, lines = pairs_table(REPORT.pairs)
        assert headings[:4] == ("of", "languages", "texts #", "encoder #")
        assert tuple(lines[1][:4]) == ("bible", "en-ru", "1,000", "70.0")
        assert lines[2][1] == "de-ru, zero-shot"
