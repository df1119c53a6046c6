"""The page of a search: a table of choices, the best first."""

from typing import Any

from isthmus.evaluation.pages.search_report import SearchReport, render

HEADINGS = ("depth", "AUC #", "rounds #")


def page(trials: int = 2, **changes: Any) -> str:
    lines = [(str(number), f"0.7{number:03} ± 0.0100", "3.0") for number in range(trials)]
    fields: dict[str, Any] = {
        "job": "trial",
        "digest": "ab" * 32,
        "version": "1",
        "started": 0.0,
        "seconds": 6.5,
        "choices": trials,
        "trainings": 3 * trials,
        "failed": 0,
        "scored_on": "3 folds of the training rows",
        "measure": "AUC",
        "best": "0.7000 ± 0.0100",
        "trials": (HEADINGS, lines),
        "told": (("message that tells something", "in all #"), [("OpenedSums", "12")]),
        "equations": 0.125,
    }
    return render(SearchReport(**fields | changes))


class TestRender:
    def test_says_what_was_tried_and_how_well_the_best_did(self) -> None:
        shown = page()
        assert (
            "2 choices of values were tried in 6 trainings over one alignment, and scored on 3 "
            "folds of the training rows. The best has AUC 0.7000 ± 0.0100." in shown
        )
        assert "of 2 choices</dd>" in shown
        assert '<th>depth</th><th class="number">AUC</th>' in shown
        assert '<td>1</td><td class="number">0.7001 ± 0.0100</td>' in shown

    def test_folds_what_comes_after_the_best_twenty(self) -> None:
        assert "<details>" not in page(20)
        shown = page(25)
        assert "<summary>5 more</summary>" in shown
        assert "0.7024 ± 0.0100" in shown

    def test_tells_what_all_trainings_told(self) -> None:
        assert '<td>OpenedSums</td><td class="number">12</td>' in page()
        assert "told a passive party 0.1250 equations about each label" in page()
        shown = page(told=(("message that tells something",), []), equations=None)
        assert "No message told its reader anything" in shown
        assert "equations" not in shown

    def test_says_so_where_nothing_was_measured_or_a_training_failed(self) -> None:
        shown = page(measure="", best="", failed=6)
        assert "Nothing was measured." in shown
        assert "of 2 choices, 6 failed</dd>" in shown
