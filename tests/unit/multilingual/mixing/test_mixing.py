"""Words of a text are replaced by translations, and all else stays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.core.arrays import Floats
from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Telemetry
from isthmus.multilingual.mixing.making import Sources, originals, provider_of, ratio_at, shown
from isthmus.multilingual.spec import Mixing
from isthmus.text.dictionary.dictionary import Dictionary, of_rows
from isthmus.text.dictionary.from_texts import mined
from isthmus.text.languages import spans
from isthmus.text.mixing.mixing import DRAWS, Mixed, Mixer, mix
from isthmus.text.mixing.providers import (
    DictionaryProvider,
    FirstProvider,
    Original,
    PairProvider,
    Provider,
    TableProvider,
)
from tests.unit.multilingual.made_texts import Lines, meant, parallel

WORDS = of_rows(
    iter(
        [
            ("en", "the", "de", "das", 0.5),
            ("en", "king", "de", "könig", 0.9),
            ("en", "king", "ru", "царь", 0.9),
            ("en", "sees", "de", "sieht", 0.5),
            ("en", "house", "de", "haus", 0.6),
            ("en", "house", "de", "heim", 0.01),
            ("en", "abraham", "de", "abraham", 1.0),
            ("zh", "水", "en", "water", 0.9),
            ("en", "water", "zh", "水", 0.9),
        ]
    )
)
GERMAN = DictionaryProvider(WORDS, ["de"])


def drawn(text: Original, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).random((len(text.words), DRAWS))


def mixed(
    text: str, language: str = "en", provider: Provider = GERMAN, ratio: float = 1.0, seed: int = 0
) -> Mixed | None:
    original = Original(text, language)
    return mix(original, provider, ratio, drawn(original, seed))


def told(found: Mixed | None) -> str:
    assert found is not None
    return found.text


class TestMix:
    def test_replaces_words_and_keeps_what_is_between_them(self) -> None:
        assert told(mixed("(sees): house -- horse!")) == "(sieht): haus -- horse!"

    def test_keeps_the_case_of_the_first_letter(self) -> None:
        assert told(mixed("The King of HOUSE")) == "Das König of Haus"

    def test_replaces_whole_words_only(self) -> None:
        assert told(mixed("housekeeper house")) == "housekeeper haus"

    def test_leaves_at_least_one_word(self) -> None:
        found = mixed("king sees house")
        assert found is not None
        assert found.replaced == 2
        assert found.languages == ("en", "de")
        assert len({"king", "sees", "house"} & set(found.text.split())) == 1

    def test_replaces_at_least_one_word(self) -> None:
        found = mixed("the king sees the house of the king", ratio=0.01)
        assert found is not None
        assert found.replaced == 1

    @pytest.mark.parametrize("text", ["", "king", "...", "a horse runs", "abraham runs"])
    def test_of_no_second_language_is_none(self, text: str) -> None:
        assert mixed(text) is None

    def test_replaces_the_share_that_is_asked_for(self) -> None:
        found = mixed("king sees house " * 20, ratio=0.3)
        assert found is not None
        assert found.replaced == 18

    def test_draws_the_language_and_the_translation(self) -> None:
        both = DictionaryProvider(WORDS, ["de", "ru"])
        texts = {told(mixed("a king", provider=both, seed=seed)) for seed in range(30)}
        assert texts == {"a könig", "a царь"}

    def test_of_a_dictionary_leaves_out_what_is_not_sure(self) -> None:
        texts = {told(mixed("a house", seed=seed)) for seed in range(50)}
        assert texts == {"a haus"}

    def test_puts_spaces_where_one_language_has_none(self) -> None:
        english, chinese = DictionaryProvider(WORDS, ["en"]), DictionaryProvider(WORDS, ["zh"])
        assert told(mixed("喝水吧。", "zh", english)) == "喝 water 吧。"
        assert told(mixed("喝水", "zh", english)) == "喝 water"
        assert told(mixed("the water flows", provider=chinese)) == "the 水 flows"

    @given(st.text(st.sampled_from("akingseHouTh .,!-'"), max_size=30), st.integers(0, 99))
    def test_changes_no_word_but_by_the_dictionary(self, text: str, seed: int) -> None:
        found = mixed(text, seed=seed, ratio=0.5)
        if found is None:
            return
        theirs = {"das", "könig", "sieht", "haus"}
        before = [text[begin:end] for begin, end in spans(text, "en")]
        after = [found.text[begin:end] for begin, end in spans(found.text, "en")]
        pairs = list(zip(before, after, strict=True))
        changed = [new for old, new in pairs if new != old]
        assert len(changed) == found.replaced
        assert {new.lower() for new in changed} <= theirs
        assert all(old[0].isupper() == new[0].isupper() for old, new in pairs)


class TestPairProvider:
    def test_takes_the_word_of_the_text_s_own_translation(self) -> None:
        provider = PairProvider(WORDS)
        original = Original("a house", "en", {"de": "ein Heim", "ru": "дом"})
        assert told(mix(original, provider, 1.0, drawn(original))) == "a heim"
        other = Original("a house", "en", {"de": "ein Bau"})
        assert mix(other, provider, 1.0, drawn(other)) is None

    def test_is_right_where_a_dictionary_can_but_guess(self) -> None:
        lines = parallel(["xa", "xb"], 200, seed=3)
        corpora = {"all": Lines(lines)}
        provider = PairProvider(mined(corpora, Telemetry()))
        for original in originals(corpora["all"], "xa", np.arange(200)):
            found = mix(original, provider, 0.5, drawn(original))
            assert sorted(meant(told(found))) == sorted(meant(original.text))


class TestTableProvider:
    TABLE = of_rows(
        iter(
            [
                ("en", "new york", "de", "Neu-York", 1.0),
                ("en", "new", "de", "neu", 1.0),
                ("zh", "你好", "en", "hello", 1.0),
            ]
        )
    )

    def test_prefers_the_longest_phrase(self) -> None:
        provider = TableProvider(self.TABLE)
        found = {told(mixed("In New York now", provider=provider, seed=seed)) for seed in range(9)}
        assert found == {"In Neu-York now"}
        assert told(mixed("a new dog", provider=provider)) == "a neu dog"

    def test_knows_words_of_several_characters(self) -> None:
        assert told(mixed("你好吗", "zh", TableProvider(self.TABLE))) == "hello 吗"

    def test_leaves_a_text_that_is_one_phrase(self) -> None:
        table = of_rows(iter([("en", "new york", "de", "Neu-York", 1.0)]))
        assert mixed("New York", provider=TableProvider(table)) is None


class TestProviders:
    def test_are_asked_in_turn(self) -> None:
        own = TableProvider(of_rows(iter([("en", "king", "fr", "roi", 1.0)])))
        assert told(mixed("a king", provider=FirstProvider([own, GERMAN]))) == "a roi"
        assert told(mixed("a house", provider=FirstProvider([own, GERMAN]))) == "a haus"

    def test_come_in_the_order_of_the_job(self) -> None:
        table = of_rows(iter([("en", "king", "fr", "roi", 1.0)]))
        sources = Sources(WORDS, ["de"], table)
        first = provider_of(Mixing(providers=("table", "dictionary")), sources)
        second = provider_of(Mixing(providers=("dictionary", "table")), sources)
        assert told(mixed("a king", provider=first)) == "a roi"
        assert told(mixed("a king", provider=second)) == "a könig"

    @pytest.mark.parametrize("name", ["table", "model"])
    def test_without_a_source_are_refused(self, name: str) -> None:
        with pytest.raises(SpecError, match=f"the provider `{name}` needs"):
            provider_of(Mixing(providers=(name,)), Sources(Dictionary({}), []))  # type: ignore[arg-type]


LINES = Lines(parallel(["xa", "xb"], 50, seed=7))


@pytest.fixture(scope="module")
def mixer() -> Mixer:
    provider = DictionaryProvider(mined({"all": LINES}, Telemetry()), ["xa", "xb"])
    return Mixer(provider, seed=3)


class TestMixer:
    def mix(self, mixer: Mixer, rows: list[int], epoch: int = 0) -> list[Mixed | None]:
        numbers = np.array(rows)
        return mixer.mix(originals(LINES, "xa", numbers), numbers, "all", epoch, 0.5)

    def test_depends_on_the_row_and_not_on_those_beside_it(self, mixer: Mixer) -> None:
        together = self.mix(mixer, [3, 8, 20])
        assert [self.mix(mixer, [row])[0] for row in (3, 8, 20)] == together

    def test_differs_between_epochs_and_seeds(self, mixer: Mixer) -> None:
        rows = list(range(50))
        first, second = self.mix(mixer, rows), self.mix(mixer, rows, epoch=1)
        assert sum(one != two for one, two in zip(first, second, strict=True)) > 30
        again = Mixer(mixer.provider, seed=4)
        assert sum(one != two for one, two in zip(first, self.mix(again, rows), strict=True)) > 30

    def test_has_two_languages_in_every_text(self, mixer: Mixer) -> None:
        for each in self.mix(mixer, list(range(50))):
            assert each is not None
            assert each.languages == ("xa", "xb")
            assert 0 < each.replaced < len(each.text.split())

    def test_of_no_texts_is_nothing(self, mixer: Mixer) -> None:
        assert self.mix(mixer, []) == []

    def test_is_shown_in_turn_of_languages(self, mixer: Mixer) -> None:
        found = shown({"all": LINES}, mixer, Mixing(), 4)
        assert [each.language for each in found] == ["xa", "xb", "xa", "xb"]
        assert all(meant(each.original) == meant(each.mixed.text) for each in found)
        assert all(each.original != each.mixed.text for each in found)


class TestSchedule:
    def test_goes_from_the_first_ratio_to_the_last(self) -> None:
        mixing = Mixing(first_ratio=0.1, ratio=0.5)
        assert [ratio_at(mixing, done) for done in (0, 0.5, 1)] == pytest.approx([0.1, 0.3, 0.5])
