"""Words with how often each occurs, as a vocabulary is trained on."""

from collections import Counter
from collections.abc import Iterable, Iterator

_MOST_DISTINCT = 2**20  # words that are counted at a time
_MOST_WORDS = 2**20  # words of all lines
_LINE = 4096  # words


def counted(texts: Iterable[str]) -> Counter[str]:
    """Count words.

    Args:
        texts: The texts, which are read once.

    Returns:
        How often each word occurs; of too many words, without those that seem to be rare.
    """
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(text.split(" "))
        if len(counts) > _MOST_DISTINCT:
            counts = Counter(dict(counts.most_common(_MOST_DISTINCT // 2)))
    return counts


def common_signs(counts: Counter[str], most: int) -> list[str]:
    """Choose signs; which of equally common ones the library would choose varies.

    Args:
        counts: How often each word occurs.
        most: Most signs.

    Returns:
        The commonest first. Of many, those that occur once are left out.
    """
    signs: Counter[str] = Counter()
    for word, count in counts.items():
        for sign in word:
            signs[sign] += count
    least = 1 if len(signs) <= most // 2 else 2
    common = sorted((it for it in signs if signs[it] >= least), key=lambda it: (-signs[it], it))
    return common[:most]


def lines(counts: Counter[str]) -> Iterator[str]:
    """Make lines of words for a trainer that takes no counts.

    Args:
        counts: How often each word occurs.

    Yields:
        Lines in which each word stands so often; in proportion, if they are many.
    """
    share = min(1.0, _MOST_WORDS / counts.total())
    line: list[str] = []
    words = 0
    for word in sorted(counts):
        times = round(counts[word] * share)
        while times:
            now = min(times, _LINE)
            line.append(f"{word} " * now)
            times, words = times - now, words + now
            if words >= _LINE:
                yield "".join(line)
                line, words = [], 0
    yield "".join(line)
