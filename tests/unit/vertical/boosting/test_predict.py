"""Scores from what all owners say of their own splits."""

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest

from isthmus.core.errors import SpecError
from isthmus.vertical.boosting import coding, model
from isthmus.vertical.boosting.model import ActivePart, Part
from isthmus.vertical.boosting.pooled import Pooled, train_pooled
from isthmus.vertical.boosting.predict import Decider, Scorer, together
from isthmus.vertical.boosting.trees import boost
from tests.coded import INSURER, PHARMACY, RANDOMNESS, Run, a_data, a_spec

PARTIES = {"insurer": INSURER, "pharmacy": PHARMACY}


def whole(**changes: Any) -> tuple[Run, Pooled]:
    spec = a_spec(trees=4, **changes)
    run = Run(spec, a_data(spec.objective), PARTIES)
    return run, train_pooled(run.rows(), run.spec, RANDOMNESS)


def parts(run: Run, found: Pooled) -> tuple[ActivePart, dict[str, Part]]:
    """The parts of the model that parties would have."""
    bins = [coding.columns(rows.train, run.spec, RANDOMNESS.job).binnings for rows in run.rows()]
    columns = [model.columns(*each) for each in zip(bins, found.assigned.codes, strict=True)]
    codes = dict(zip(PARTIES, found.assigned.codes[1:], strict=True))
    kept = boost.ensemble(found.state, run.spec)
    ours = model.active_part("run", run.spec, columns[0], codes, found.assigned.book.bins, kept)
    theirs = {
        party: Part("run", len(kept.trees), own, ours.splits_on(ours.passives[party]))
        for party, own in zip(PARTIES, columns[1:], strict=True)
    }
    return ours, theirs


class TestScorer:
    @pytest.mark.parametrize(
        "changes",
        [{}, {"forest": True, "row_share": 0.5}, {"objective": "multiclass", "classes": 3}],
    )
    def test_finds_the_leaf_of_every_row(self, changes: dict[str, Any]) -> None:
        run, found = whole(**changes)
        ours, theirs = parts(run, found)
        tests = [rows.test for rows in run.rows()]
        scores = together(ours, theirs, tests[0], dict(zip(PARTIES, tests[1:], strict=True)))
        assert np.array_equal(scores, found.predictions)

    def test_scores_one_row_as_it_scores_many(self) -> None:
        run, found = whole()
        ours, theirs = parts(run, found)
        score = Scorer(ours)
        deciders = {party: Decider(part.columns, part.splits) for party, part in theirs.items()}
        first, *others = [rows.test for rows in run.rows()]
        for row in range(5):
            alone = np.array([row])
            decisions = {
                party: deciders[party](test.take(alone))
                for party, test in zip(PARTIES, others, strict=True)
            }
            assert np.array_equal(
                score(first.take(alone), decisions)[0], found.predictions[0, alone]
            )

    def test_takes_a_category_never_seen_for_a_missing_one(self) -> None:
        run, found = whole()
        _, theirs = parts(run, found)
        decide = Decider(theirs["pharmacy"].columns, theirs["pharmacy"].splits)
        table = run.rows()[2].test.take(np.arange(2))
        new, missing = table.features.copy(), table.features.copy()
        new[:, 1], missing[:, 1] = 6, np.nan
        categories = {"column-of-6": (*table.categories["column-of-6"], "never seen")}
        unseen = replace(table, features=new, categories=categories)
        assert np.array_equal(decide(unseen), decide(replace(table, features=missing)))

    def test_needs_the_columns_of_the_model(self) -> None:
        run, found = whole()
        ours, _ = parts(run, found)
        with pytest.raises(SpecError, match="not the 2 that the model was trained on"):
            Scorer(ours)(run.rows()[1].test, {})


class TestParts:
    def test_of_all_parties_are_needed(self) -> None:
        ours, theirs = parts(*whole())
        del theirs["pharmacy"]
        with pytest.raises(SpecError, match="has parts at insurer, pharmacy"):
            model.check_together(ours, theirs)

    @pytest.mark.parametrize("change", [{"run": "another run"}, {"splits": []}])
    def test_are_of_one_run(self, change: dict[str, Any]) -> None:
        ours, theirs = parts(*whole())
        theirs["insurer"] = msgspec.structs.replace(theirs["insurer"], **change)
        with pytest.raises(SpecError, match="'insurer' is of another run"):
            model.check_together(ours, theirs)

    def test_say_what_each_code_was_worth(self) -> None:
        run, found = whole()
        ours, _ = parts(run, found)
        splits = np.concatenate([tree.code[tree.code >= 0] for tree in found.state.trees])
        assert ours.importance.count.tolist() == np.bincount(splits, minlength=7).tolist()
