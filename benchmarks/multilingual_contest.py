"""The texts of a test, and how well encoders and their rivals find translations among them."""

from collections.abc import Callable, Mapping
from itertools import combinations
from pathlib import Path

import numpy as np

from benchmarks.bibles import BIBLE, ENGLISH
from benchmarks.multilingual_training import BASE
from isthmus.evaluation.retrieval.measures import measured
from isthmus.evaluation.retrieval.scores import DenseScores, KeptScores, Scores, dense_scores, unit
from isthmus.multilingual.corpora.texts import Texts
from isthmus.multilingual.run_files import RunFiles
from isthmus.store.runs import Run
from isthmus.text import model_folder
from isthmus.text.dictionary import files as dictionary_files
from isthmus.text.dictionary.dictionary import Dictionary
from isthmus.text.retrieval.lexical import (
    WordedTexts,
    character_scores,
    fused_scores,
    lexical_scores,
)

Figures = Mapping[str, Mapping[str, float]]
"""Mean top-1 in percent, both ways, by method and set."""

COSINE, CSLS, FUSED = "cosine", "csls", "fused"
DICTIONARY, CHARACTERS = "dictionary", "characters"


class _Pair:
    """Texts in two languages, in step; scores without an encoder are computed once."""

    def __init__(self, texts: Texts, languages: tuple[str, str], dictionary: Dictionary) -> None:
        present = [texts.present(each) for each in languages]
        rows = np.flatnonzero(present[0] & present[1])
        self.sides = [
            WordedTexts([text or "" for text in texts.read(each, rows)], each) for each in languages
        ]
        left, right = self.sides
        self.lexical = _whole(lexical_scores(left, right, dictionary))
        self.characters = _whole(character_scores(left, right))


class Contest:
    """All tests of a job that was prepared; of Tatoeba and NTREX the pairs with English."""

    def __init__(self, folder: Path) -> None:
        """Read the tests.

        Args:
            folder: Of the job.
        """
        files = RunFiles(Run(folder / BASE))
        dictionary = dictionary_files.load(files.dictionary)
        self._pairs = dict[str, list[_Pair]]()
        for name, texts in files.corpora.tests.items():
            for pair in combinations(sorted(texts.languages), 2):
                if name == BIBLE or ENGLISH in pair:
                    of = self._pairs.setdefault(name.partition("-")[0], [])
                    of.append(_Pair(texts, pair, dictionary))

    @property
    def texts(self) -> Mapping[str, int]:
        """Texts in one language, in all pairs of each set."""
        return {
            name: sum(len(pair.sides[0]) for pair in pairs) for name, pairs in self._pairs.items()
        }

    def without_encoder(self) -> Figures:
        """Returns figures of the dictionary and of characters."""
        return {
            DICTIONARY: self._mean(lambda pair: pair.lexical),
            CHARACTERS: self._mean(lambda pair: pair.characters),
        }

    def of(self, model: Path) -> Figures:
        """Returns figures of an encoder in a folder, alone and with the dictionary."""
        embed = model_folder.read(model).embed
        found = dict[str, dict[str, float]]()
        for name, pairs in self._pairs.items():
            values = dict[str, list[float]]()
            for pair in pairs:
                left, right = (unit(embed(side.texts)) for side in pair.sides)
                dense = _whole(dense_scores(left, right))
                scores: dict[str, Scores] = {
                    COSINE: DenseScores(left, right),
                    CSLS: dense,
                    FUSED: fused_scores(dense, pair.lexical),
                }
                for method, each in scores.items():
                    values.setdefault(method, []).append(_top1(each))
            for method, several in values.items():
                found.setdefault(method, {})[name] = float(np.mean(several))
        return found

    def _mean(self, scores: Callable[[_Pair], Scores]) -> Mapping[str, float]:
        return {
            name: float(np.mean([_top1(scores(pair)) for pair in pairs]))
            for name, pairs in self._pairs.items()
        }


def _whole(scores: Scores) -> KeptScores:
    return KeptScores(scores.block(0, scores.shape[0]))


def _top1(scores: Scores) -> float:
    return measured(_whole(scores)).top1
