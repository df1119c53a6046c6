"""The page about a run that scored rows with a stored model."""

import numpy as np
from msgspec.structs import replace

from isthmus.core.seeds import generator
from isthmus.evaluation.pages.scoring_report import ScoredRows, ScoringReport, render
from isthmus.evaluation.validating import validate
from isthmus.evaluation.validation import Stability
from tests.unit.evaluation.pages.reading import Page

RANDOM = generator(7, "scoring report")
SCORE = RANDOM.random(500)
LABEL = (RANDOM.random(500) < SCORE).astype(np.float64)

ACTIVE = ScoringReport(
    job="credit-default-score",
    digest="5f2b" * 16,
    party="clinic",
    role="active",
    peers=["insurer"],
    version="0.1.0",
    started=1_767_225_600.0,
    seconds=75.0,
    model="ab" * 32,
    system="regression",
    columns=3,
    rows=ScoredRows(own=900, scored=800, labelled=500),
    metrics={"auc": {"joint": 0.7373}},
    verdict="3 records, chain unbroken, sealed, signature valid.",
)


class TestRender:
    def test_shows_a_validator_what_the_labels_say(self) -> None:
        found = validate(LABEL, {"joint": SCORE})
        assert found is not None
        html = render(replace(ACTIVE, validation=found))
        assert "Validation" in Page(html).headings
        assert "On 500 rows with a label, " in html
        assert all(f"{cut.score:.4f}" in html for cut in found.cuts)
        assert "Rate of positives over mean score in 10 groups of rows" in html

    def test_shows_how_far_scored_rows_are_from_those_trained_on(self) -> None:
        shifts = Stability(sampling_noise=0.01, score=0.02, columns={"age": 0.312})
        html = render(replace(ACTIVE, role="passive", metrics={}, stability=shifts))
        assert "Training and scored rows" in Page(html).headings
        assert "0.312" in html
        assert "test rows" not in html

    def test_says_of_decisions_that_no_score_was_told(self) -> None:
        passive = replace(ACTIVE, role="passive", party="insurer", peers=["clinic"], metrics={})
        for report in (ACTIVE, passive):
            page = render(replace(report, cut=0.25))
            assert "whether the score is above 0.25, no more." in page
            assert "got the scores" not in page
            assert "clinic scored" not in page

    def test_leaves_out_what_is_unknown(self) -> None:
        headings = Page(render(replace(ACTIVE, metrics={}))).headings
        assert not {"Validation", "Training and scored rows"} & set(headings)
