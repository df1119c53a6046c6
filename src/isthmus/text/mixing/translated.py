"""Texts whose known words are all in another language, to train on beside the texts themselves."""

import numpy as np

from isthmus.text.mixing.providers import Choice, Original, Provider


def translated(
    original: Original, provider: Provider, kept: float, generator: np.random.Generator
) -> str | None:
    """Translate all words of a text that are known, in one language as far as possible.

    Words without a translation stay by chance. The fewer stay, the more each of them is learned
    from what stands around it, as whoever reads the translation would guess it.

    Args:
        original: The text.
        provider: Translates single words.
        kept: The odds of a word without a translation to stay.
        generator: Draws the language, the translations, and which words stay.

    Returns:
        The translations and what stays, in the order of the text; None if no word is known.
    """
    found, into, known = list[str](), "", False
    drawn: list[list[float]] = generator.random((len(original.words), 2)).tolist()
    for place, word in enumerate(original.words):
        # Names are often their own translation: that would be no other language.
        choices = [it for it in provider.choices(original, place) if it.translation != word]
        if not choices:
            if drawn[place][0] < kept:
                found.append(word)
            continue
        if not known:
            into, known = choices[int(drawn[place][0] * len(choices))].into, True
        found.append(_drawn(choices, into, drawn[place][1]))
    return " ".join(found) if known else None


def _drawn(choices: list[Choice], into: str, number: float) -> str:
    """Returns a translation, into this language if there is one, in proportion to their scores."""
    among = [it for it in choices if it.into == into] or choices
    left = number * sum(it.score for it in among)
    for choice in among:
        left -= choice.score
        if left < 0:
            return choice.translation
    return among[-1].translation
