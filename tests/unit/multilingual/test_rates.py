"""The learning rate that fits an encoder."""

from isthmus.multilingual.spec import Corpus, Multilingual, Training
from isthmus.text.spec import Encoder, EncoderType


def rate(kind: EncoderType, given: float | None = None) -> float:
    job = Multilingual(
        corpora={"some": Corpus(path="some.tsv")},
        encoder=Encoder(type=kind),
        training=Training(rate=given),
    )
    return job.fitting_training.highest_rate


class TestRate:
    def test_is_lower_where_there_are_layers(self) -> None:
        assert (rate("static"), rate("tiny"), rate("bytes")) == (0.02, 0.001, 0.001)

    def test_is_what_the_job_says(self) -> None:
        assert rate("tiny", 0.5) == rate("static", 0.5) == 0.5
