"""Uses the encoder of a run: vectors of the texts of a file, and pairs of translations."""
# pyarrow has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from isthmus.core.arrays import Integers
from isthmus.core.errors import SpecError
from isthmus.evaluation.retrieval.scores import Scores, dense_scores, kept
from isthmus.multilingual.corpora.files import form_of, plain_name
from isthmus.multilingual.corpora.texts import Texts
from isthmus.multilingual.given_texts import blocks_of, texts_of
from isthmus.multilingual.retrieval.pairs import Threshold, at, pairs, threshold
from isthmus.multilingual.run_files import RunFiles
from isthmus.outcomes import Embedded, MinedPairs, Score
from isthmus.store.runs import Run
from isthmus.text import model_folder
from isthmus.text.dictionary import files as dictionary_files
from isthmus.text.dictionary.dictionary import Dictionary
from isthmus.text.languages import words
from isthmus.text.model_folder import Embedder
from isthmus.text.retrieval.lexical import WordedTexts, fused_scores, lexical_scores

_CHOICE_ROWS = 1000
"""Held-out rows that a threshold is chosen on."""

_GUESS_TEXTS = 200
"""Texts that the language of a file is guessed from."""

_LEAST_KNOWN = 0.1
"""Share of the words of a file that a dictionary of its language knows."""


def embed(run: Run, file: Path, out: IO[bytes]) -> Embedded:
    """Write the vector of each text of a file, in order.

    Args:
        run: The run.
        file: The texts.
        out: Takes a Parquet file with a column `vector`.

    Returns:
        How many there are.

    Raises:
        SpecError: The file cannot be read, or the encoder is damaged.
    """
    encoder = model_folder.read(run.tables)
    schema = pa.schema([("vector", pa.list_(pa.float32(), encoder.size))])
    count = 0
    with parquet.ParquetWriter(out, schema) as writer:
        for block in blocks_of(file):
            vectors = pa.array(encoder.embed(block).reshape(-1), pa.float32())
            column = pa.FixedSizeListArray.from_arrays(vectors, encoder.size)
            writer.write_table(pa.table([column], schema=schema))
            count += len(block)
    return Embedded(count, encoder.size)


def mine(
    run: Run, files: tuple[Path, Path], out: IO[bytes], score: Score, least: float | None
) -> MinedPairs:
    """Write the texts of two files that are translations of each other.

    Args:
        run: The run.
        files: Texts in one language, and in another.
        out: Takes a line for each pair: its score, the number of each text in its file, both texts.
        score: What the likeness of two texts is told by.
        least: The margin that a pair has to have. None: it is chosen on held-out texts.

    Returns:
        How many pairs there are, and how sure they are.

    Raises:
        SpecError: A file cannot be read, or the run has nothing to tell the likeness by, or no
            text to choose the margin on.
    """
    miner = _Miner(RunFiles(run), score)
    (left_lines, left), (right_lines, right) = map(texts_of, files)
    languages = miner.language_of(files[0], left), miner.language_of(files[1], right)
    if languages[0] == languages[1]:
        raise SpecError(
            f"{files[0]} and {files[1]} are both in {languages[0]!r}, as it seems. Give texts in "
            "two languages, or name the files like left.en.txt and right.de.txt."
        )
    chosen = miner.threshold(*languages, least)
    sides = WordedTexts(left, languages[0]), WordedTexts(right, languages[1])
    found = pairs(miner.scores(*sides), chosen.score)
    out.write(b"score\tleft_line\tright_line\tleft\tright\n")
    for ours, theirs, margin in zip(found.left, found.right, found.score, strict=True):
        lines = f"{left_lines[ours]}\t{right_lines[theirs]}"
        out.write(f"{margin:.4f}\t{lines}\t{left[ours]}\t{right[theirs]}\n".encode())
    return MinedPairs(
        pairs=len(found.left),
        texts=(len(left), len(right)),
        languages=languages,
        threshold=chosen.score,
        precision=chosen.precision,
        recall=chosen.recall,
    )


class _Miner:
    """Tells how alike texts of two languages are, by what a run has learned."""

    def __init__(self, files: RunFiles, score: Score) -> None:
        self._files = files
        self._score = score
        self._encoder: Embedder = model_folder.read(files.model)
        self._dictionary: Dictionary = dictionary_files.load(files.dictionary)
        if score != "dense" and not len(self._dictionary):
            raise SpecError(
                f"{files.run.folder}: no corpus of this run has texts in two languages, so there "
                "is no dictionary: use `--score dense`."
            )

    def scores(self, left: WordedTexts, right: WordedTexts) -> Scores:
        """Returns how alike each text of one side is to each of the other, with margins."""
        if self._score == "lexical":
            return kept(lexical_scores(left, right, self._dictionary))
        ours, theirs = self._encoder.embed(left.texts), self._encoder.embed(right.texts)
        dense = kept(dense_scores(ours, theirs))
        if self._score == "dense":
            return dense
        return kept(fused_scores(dense, kept(lexical_scores(left, right, self._dictionary))))

    def language_of(self, path: Path, texts: Sequence[str]) -> str:
        """Find the language of a file: by its name, or by the words that the dictionary knows.

        Args:
            path: The file.
            texts: Its texts.

        Returns:
            One of the languages of the run.

        Raises:
            SpecError: Neither tells it.
        """
        named = plain_name(path).removesuffix(form_of(path) or "").rpartition(".")[2]
        languages = self._files.corpora.languages
        if named in languages:
            return named
        known = {
            language: {
                word for into in languages for word in self._dictionary.table(language, into)
            }
            for language in languages
        }
        some = texts[:_GUESS_TEXTS]
        shares = {language: _known_share(some, language, known[language]) for language in languages}
        found = max(shares, key=lambda language: shares[language])
        if shares[found] < _LEAST_KNOWN:
            raise SpecError(
                f"{path}: its language cannot be told: the dictionary of the run knows less than "
                f"{_LEAST_KNOWN:.0%} of its words. Name it like left.en.txt, with one of "
                f"{', '.join(languages)}."
            )
        return found

    def threshold(self, left: str, right: str, least: float | None) -> Threshold:
        """Choose the margin of pairs on held-out texts of both languages.

        Args:
            left: One language.
            right: The other.
            least: The margin, if somebody has chosen it.

        Returns:
            The threshold; how right pairs are with it is told where texts are held out.

        Raises:
            SpecError: No text of both is held out, and no margin is given.
        """
        for texts in _apart(self._files):
            if left in texts.languages and right in texts.languages:
                both = np.flatnonzero(texts.present(left) & texts.present(right))[:_CHOICE_ROWS]
                if len(both) >= _FEWEST:
                    return self._chosen(texts, left, right, both, least)
        if least is not None:
            return Threshold(least, None, None, 0)
        raise SpecError(
            f"{self._files.run.folder}: no texts in both {left!r} and {right!r} are held out, to "
            "choose on them which pairs are sure. Name such texts in [multilingual.tests], or "
            "raise `multilingual.held_out`, and run the job again; or choose the least margin "
            "yourself by `--threshold`."
        )

    def _chosen(
        self, texts: Texts, left: str, right: str, rows: Integers, least: float | None
    ) -> Threshold:
        # A third of each side has no translation on the other: in use, most have none.
        third = len(rows) // 3
        ours = [text or "" for text in texts.read(left, rows[: 2 * third])]
        theirs = [text or "" for text in texts.read(right, rows[third:])]
        true = np.arange(2 * third) - third
        true[true < 0] = -1
        scores = self.scores(WordedTexts(ours, left), WordedTexts(theirs, right))
        return threshold(scores, true) if least is None else at(scores, true, least)


_FEWEST = 30
"""Held-out rows: fewer tell too little."""


def _apart(files: RunFiles) -> Iterator[Texts]:
    found: Mapping[str, Texts] = files.corpora.held_out
    yield from found.values()
    yield from files.corpora.tests.values()


def _known_share(texts: Sequence[str], language: str, known: set[str]) -> float:
    found = [word for text in texts for word in words(text, language)]
    return sum(word in known for word in found) / max(1, len(found))
