"""Pairs of translations among texts that are not aligned: one to one, above a threshold."""

from typing import NamedTuple

import msgspec
import numpy as np

from isthmus.core.arrays import Floats, Integers
from isthmus.core.errors import SpecError
from isthmus.evaluation.retrieval.scores import Scores, blocks


class Pairs(NamedTuple):
    """Pairs of texts, the best first."""

    left: Integers
    """Rows of the one side, each at most once."""

    right: Integers
    """Rows of the other side, each at most once."""

    score: Floats
    """How much better each pair is than what else is near its texts."""


class Threshold(msgspec.Struct, frozen=True):
    """The least score of a pair, and how right pairs are then."""

    score: float
    precision: float | None
    """Share of the kept pairs that are true, from 0 to 1; None: there is none, or none known."""

    recall: float | None
    """Share of the true pairs that are kept, from 0 to 1; None: none are known."""

    pairs: int
    """True pairs among the known texts."""


def pairs(scores: Scores, least: float = -np.inf) -> Pairs:
    """Pair texts of both sides, each at most once, the highest scores first.

    Candidates are the best partner of each text of the left, and of each text of the right.

    Args:
        scores: Scores with a margin, as `CslsScores` or a sum with them: else a text that is close
            to all others is paired too often.
        least: Pairs that score less are left out.

    Returns:
        The pairs.

    Source:
        Artetxe, Schwenk: Margin-based Parallel Corpus Mining with Multilingual Sentence Embeddings,
        ACL 2019, section 3 (arXiv 1811.01136): margin "distance", retrieval "max. score".
    """
    left, right, score = _candidates(scores)
    order = np.argsort(-score, kind="stable")
    taken = np.zeros(scores.shape[0], np.bool_), np.zeros(scores.shape[1], np.bool_)
    kept = list[int]()
    high: list[int] = order[score[order] >= least].tolist()
    for each in high:
        if not taken[0][left[each]] and not taken[1][right[each]]:
            taken[0][left[each]] = taken[1][right[each]] = True
            kept.append(each)
    return Pairs(left[kept], right[kept], score[kept])


def threshold(scores: Scores, true: Integers, precision: float | None = None) -> Threshold:
    """Choose from which score on pairs are kept, among texts whose pairs are known.

    Args:
        scores: Scores with a margin.
        true: For each text of the left, its translation on the right, or -1 if it has none. There
            should be texts without: where each text has its translation, any pair may be kept.
        precision: Share of the kept pairs that has to be true, as many as can be kept then. None:
            precision and recall as high as they get together (F1).

    Returns:
        The threshold, the lowest score of a pair that is kept.

    Raises:
        SpecError: No threshold reaches the precision, or there is no pair.
    """
    found = pairs(scores)
    there = int((true >= 0).sum())
    if there == 0 or len(found.score) == 0:
        raise SpecError(
            "there are no held-out pairs of these languages to choose a threshold on. Give one."
        )
    hits, taken = np.cumsum(true[found.left] == found.right), np.arange(1, len(found.score) + 1)
    precisions = hits / taken
    best = int(np.argmax(hits / (taken + there)))  # half of F1
    if precision is not None:
        enough = np.flatnonzero(precisions >= precision)
        if not len(enough):
            raise SpecError(
                f"no threshold keeps pairs of which {precision:.0%} are true: on held-out pairs "
                f"the most is {precisions.max():.0%}. Ask for less, or give a threshold."
            )
        best = int(enough[-1])
    return Threshold(
        score=float(found.score[best]),
        precision=float(precisions[best]),
        recall=float(hits[best]) / there,
        pairs=there,
    )


def at(scores: Scores, true: Integers, least: float) -> Threshold:
    """Tell how right pairs are that are kept from a given score on.

    Args:
        scores: Scores with a margin.
        true: As `threshold` takes it.
        least: The lowest score of a pair that is kept.

    Returns:
        The threshold.
    """
    found, there = pairs(scores, least), int((true >= 0).sum())
    kept, hits = len(found.score), int((true[found.left] == found.right).sum())
    return Threshold(least, hits / kept if kept else None, hits / there if there else None, there)


def _candidates(scores: Scores) -> tuple[Integers, Integers, Floats]:
    rows, columns = scores.shape
    best_row = np.zeros(columns, np.int64)
    best_score = np.full(columns, -np.inf)
    lefts, rights, highest = list[Integers](), list[Integers](), list[Floats]()
    for part, block in blocks(scores):
        if not block.size:
            continue
        lefts.append(np.arange(len(block)) + int(part.start))
        rights.append(np.argmax(block, axis=1))
        highest.append(np.max(block, axis=1).astype(np.float64))
        top = block.max(axis=0)
        better = top > best_score
        best_row[better] = part.start + np.argmax(block, axis=0)[better]
        best_score[better] = top[better]
    if not rows or not columns:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    return (
        np.concatenate([*lefts, best_row]),
        np.concatenate([*rights, np.arange(columns)]),
        np.concatenate([*highest, best_score]),
    )
