"""No row is lost silently: not by its form, not as a duplicate."""

from pathlib import Path

import pytest

from isthmus.jobs.aligned.results import AlignmentResult
from isthmus.jobs.check import check
from isthmus.jobs.finished import summary
from isthmus.jobs.run import align
from tests.unit.jobs.desk import Desk


@pytest.fixture
def own_form(trial: Desk) -> Desk:
    """Twenty of the shared people have, in the clinic's file alone, another form of identifier."""
    file = trial.folder / "clinic" / "people.csv"
    text = file.read_text()
    for number in range(100, 120):
        text = text.replace(f"p{number},", f"P-{number},")
    file.write_text(text)
    return trial


def ready_facts(trial: Desk) -> tuple[dict[str, str], list[str]]:
    ready = check(trial.job, trial.party_file("clinic")).ready
    assert ready is not None
    return ready.facts, ready.warnings


class TestCheck:
    def test_shows_the_forms_of_identifiers(self, own_form: Desk) -> None:
        facts, warnings = ready_facts(own_form)
        assert (
            facts["identifiers"]
            == "300: 280 of letters and digits, 20 of letters, a sign and digits"
        )
        assert not [warning for warning in warnings if "identifier" in warning]

    def test_says_what_duplicates_leave_out_and_whether_their_labels_differ(
        self, trial: Desk
    ) -> None:
        file = trial.folder / "clinic" / "people.csv"
        head, first, *rows = file.read_text().splitlines()
        again = first.replace(",0,", ",1,") if ",0," in first else first.replace(",1,", ",0,")
        file.write_text("\n".join([head, first, again, first, *rows]))
        trial.edit_party("clinic", 'label = "ill"', 'label = "ill"\nduplicates = "first"')
        facts, warnings = ready_facts(trial)
        assert facts["identifiers"].startswith("300: ")
        (warning,) = [warning for warning in warnings if "`duplicates" in warning]
        assert "left out 2 of 302 rows" in warning
        assert "1 of them with another label than the row that was kept" in warning


class TestAligned:
    def test_tells_the_share_of_own_rows_and_warns_of_a_form_that_never_matches(
        self, own_form: Desk
    ) -> None:
        runs = own_form.both(align)
        ours = runs["clinic"].read_json("result.json", AlignmentResult).alignment
        assert ours.found == {"clinic": pytest.approx(240 / 300)}
        (warning,) = ours.warnings
        assert (
            "none of the 20 rows whose 'person_id' is of letters, a sign and digits was found"
            in warning
        )
        facts = dict(summary(runs["clinic"]).facts)
        assert facts["rows found"] == "80.0% of clinic's"
        assert facts["warning"] == warning
        assert not runs["insurer"].read_json("result.json", AlignmentResult).alignment.warnings

    def test_tells_no_identifier(self, own_form: Desk) -> None:
        run = own_form.both(align)["clinic"]
        assert "P-10" not in Path(run.result).read_text()
