"""IBM model 1 as textbooks write it: loops over texts, words and words of translations."""

from collections import defaultdict
from collections.abc import Sequence

Texts = Sequence[Sequence[str]]


def probabilities(given: Texts, said: Texts, rounds: int) -> dict[tuple[str, str], float]:
    """t(said | given) of all pairs of words that occur beside each other."""
    vocabulary = {word for text in said for word in text}
    learned: dict[tuple[str, str], float] = defaultdict(lambda: 1 / len(vocabulary))
    for _ in range(rounds):
        counts = dict[tuple[str, str], float]()
        total = dict[str, float]()
        for source, target in zip(given, said, strict=True):
            for word in target:
                explained = sum(learned[by, word] for by in source)
                for by in source:
                    share = learned[by, word] / explained
                    counts[by, word] = counts.get((by, word), 0.0) + share
                    total[by] = total.get(by, 0.0) + share
        learned.update({pair: count / total[pair[0]] for pair, count in counts.items()})
    return dict(learned)
