"""IBM model 1: how likely a word is the translation of another, learned from translated texts."""
# scipy's stubs leave the type of an index open:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import numpy as np
from scipy.sparse import coo_array

from isthmus.text.dictionary.cooccurrence import Cooccurrence, Side, Weights

ROUNDS = 5
"""Of expectation and maximisation; more change little that a dictionary shows."""


def probabilities(cells: Cooccurrence, given: Side, said: Side, rounds: int = ROUNDS) -> Weights:
    """Learn t(said | given): the probability that a word is translated by another.

    Each round shares every word of a translation out among all words of its text, in proportion to
    the probabilities of the round before, and counts the shares. Both steps are a product with the
    same sparse matrix, words of translations by pairs. There is no empty word.

    Args:
        cells: Where words occur beside each other.
        given: The side of `cells` that translations are for.
        said: The other side.
        rounds: Of expectation and maximisation.

    Returns:
        For each pair of `cells`; those of a given word sum to 1.

    Source:
        Brown, Della Pietra, Della Pietra, Mercer: The Mathematics of Statistical Machine
        Translation, Computational Linguistics 19 (1993), section 4.1, equations 14 to 17.
    """
    beside = coo_array(
        (given.times[given.cells], (said.cells, cells.pair_of)),
        shape=(len(said.times), len(given.of_pair)),
    ).tocsr()
    learned = np.full(len(given.of_pair), 1.0 / max(1, said.words), np.float32)
    for _ in range(rounds):
        explained = beside @ learned
        # A word whose translation is empty has no cells: nothing explains it.
        each = np.divide(said.times, explained, np.zeros_like(explained), where=explained > 0)
        learned *= beside.T @ each
        total = np.bincount(given.of_pair, learned, minlength=given.words)
        learned /= total[given.of_pair].astype(np.float32)
    return learned
