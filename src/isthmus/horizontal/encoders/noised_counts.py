"""Counts of words under noise, so that a vocabulary tells little of any one person's texts.

A person with so many documents, of each of which so many words count, changes a count by the number
of documents at most, and all counts of words together, as a vector, by that number times the root
of the number of words; in cells, by that times the root of the number of rows. Noise of this
size, times what epsilon asks for, goes on the cells before they are summed, and on the counts by
which words are named. A word of one person alone is named with a chance below half of delta.

Source:
    The Gaussian mechanism: Dwork and Roth 2014, section 3.5.3 and appendix A. Words that are named
    above a threshold: Korolova et al. 2009 (WWW), "Releasing search queries and clicks privately";
    with Gaussian noise, Wilkins et al. 2024, arXiv 2308.00149, theorem 1, where deltas add up.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np
from scipy.special import ndtri

from isthmus.horizontal.encoders import cells
from isthmus.horizontal.encoders.spec import CountNoise
from isthmus.horizontal.privacy import accounting
from isthmus.horizontal.privacy.noise import gaussian
from isthmus.horizontal.privacy.secure_sum.masking import Words

_RELEASES = 2  # cells, and words by name


def multiplier(asked: CountNoise) -> float:
    """Standard deviation of the noise, in units of the most that one person can change."""
    return accounting.noise_for(asked.epsilon, asked.delta / 2, _RELEASES)


def cell_deviation(asked: CountNoise, words_per_document: int) -> float:
    """Standard deviation of the noise that each child adds to each cell."""
    most = asked.documents * math.sqrt(cells.ROWS * words_per_document)
    return multiplier(asked) * most


def word_deviation(asked: CountNoise, words_per_document: int) -> float:
    """Standard deviation of the noise on each count by which a word is named."""
    return multiplier(asked) * asked.documents * math.sqrt(words_per_document)


def threshold(asked: CountNoise, words_per_document: int) -> float:
    """The least count, with noise, of a word that is named: one person's words are all below."""
    words = asked.documents * words_per_document
    probability = asked.delta / 2 / words
    return asked.documents - word_deviation(asked, words_per_document) * float(ndtri(probability))


def noised_cells(
    documents: Iterable[list[str]], seed: int, words_per_document: int, asked: CountNoise
) -> Words:
    """Count words of documents in cells, and add noise.

    Args:
        documents: The words of each.
        seed: The job's.
        words_per_document: Words of one document that count, the first ones.
        asked: What the job says.

    Returns:
        Shape (cells,), modulo 2^32: below zero is a large number.
    """
    total = np.zeros(cells.SIZE, np.int64)
    for words in documents:
        some = list(dict.fromkeys(words))[:words_per_document]
        # A document counts once in a cell, also where two of its words share it.
        total[np.unique(cells.places(some, seed))] += 1
    noise = gaussian(cells.SIZE, cell_deviation(asked, words_per_document))
    return (total + np.rint(noise).astype(np.int64)).astype(np.uint32)


def noised_words(
    counts: Mapping[str, int], words_per_document: int, own: int, asked: CountNoise
) -> Counter[str]:
    """Words that may be named, with counts under noise.

    Args:
        counts: By word.
        words_per_document: Words of one document that count.
        own: The least count of a word that is named.
        asked: What the job says.

    Returns:
        Counts of words that have enough, with noise.
    """
    words = sorted(counts)
    noise = gaussian(len(words), word_deviation(asked, words_per_document))
    least = max(float(own), threshold(asked, words_per_document))
    noised = {word: counts[word] + by for word, by in zip(words, noise.tolist(), strict=True)}
    return Counter({word: round(it) for word, it in noised.items() if it >= least})
