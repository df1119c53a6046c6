"""What the model card says."""

import pytest

from isthmus.evaluation.description import Found, LanguagePair, Retrieved
from isthmus.multilingual import card
from isthmus.multilingual.corpora.texts import CorpusCounts, Counts
from isthmus.multilingual.spec import Corpus, Multilingual
from isthmus.text.spec import Encoder

BIBLE = Corpus(path="a.tsv", languages=("de", "en"), source="a | b", licence="CC0-1.0")
NEWS = Corpus(path="b.tsv", languages=("de", "ru"))
FOUND = Found(70.0, 80.0)
PAIRS = [
    LanguagePair(
        data="news",
        left="de",
        right="ru",
        rows=100,
        in_domain=False,
        trained=False,
        methods={"encoder": Retrieved(70.0, 80.0, FOUND, FOUND)},
    )
]


def lines(spec: Multilingual, held_out: int = 0) -> list[str]:
    counts = Counts(
        corpora={"bible": CorpusCounts(read=1200, trained=1000, held_out=held_out)},
        tests={"news": CorpusCounts(read=100)} if spec.tests else {},
    )
    return card.written(spec, counts, PAIRS).splitlines()


class TestCard:
    def test_has_data_with_source_and_licence(self) -> None:
        found = lines(Multilingual(corpora={"bible": BIBLE}, tests={"news": NEWS}))
        assert "| bible | 1,000 | a / b | CC0-1.0 |" in found
        assert "| news | 100 | not stated | not stated |" in found
        assert not any("held out" in line for line in found)

    def test_tells_how_much_is_held_out(self) -> None:
        found = lines(Multilingual(corpora={"bible": BIBLE}), held_out=150)
        assert "150 rows are held out, by whole documents, to measure on." in found

    def test_marks_what_is_zero_shot(self) -> None:
        found = lines(Multilingual(corpora={"bible": BIBLE}))
        assert "| news | de-ru, zero-shot | 100 | 70.0 |" in found

    def test_says_that_training_went_on_from_another_encoder(self) -> None:
        spec = Multilingual(corpora={"bible": BIBLE}, encoder=Encoder(continued="a"))
        assert "Training went on from another encoder, on these corpora:" in lines(spec)

    def test_names_lengths_that_serve_alone(self) -> None:
        spec = Multilingual(corpora={"bible": BIBLE}, matryoshka=(128, 64))
        assert any("The first 64 or 128 numbers" in line for line in lines(spec))

    @pytest.mark.parametrize("held_out", [0, 10])
    def test_has_no_space_at_the_end_of_a_line(self, held_out: int) -> None:
        spec = Multilingual(corpora={"bible": BIBLE}, tests={"news": NEWS}, matryoshka=(64,))
        found = lines(spec, held_out)
        assert found == [line.rstrip() for line in found]
