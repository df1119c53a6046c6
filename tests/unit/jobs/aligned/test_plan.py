"""What a party of a job over aligned columns brings, or one sentence that says what is wrong."""

import pytest

from isthmus.core import extras
from isthmus.core.errors import SpecError
from tests.unit.jobs.desk import Desk

PARTY_REFUSALS: dict[str, tuple[str, str, str, str]] = {
    "data set under another name": (
        "clinic",
        "[datasets.people]",
        "[datasets.persons]",
        r"uses data set 'people': add a table \[datasets.people\]",
    ),
    "no label at the active party": (
        "clinic",
        'label = "ill"',
        "",
        "'clinic' is active in this job: name the label column in `datasets.people.label`",
    ),
    "label at the passive party": (
        "insurer",
        'path = "people.csv"',
        'path = "people.csv"\nlabel = "visits"',
        "'insurer' is passive in this job and must not bring a label: remove `datasets.people.lab",
    ),
    "constraints that nobody heeds": (
        "clinic",
        'label = "ill"',
        'label = "ill"\nmonotone = { age = "increasing" }',
        r"`datasets.people.monotone` is for columns of the active party of a job with \[boosting\]",
    ),
    "an engine that aligns no rows": (
        "clinic",
        "wait = 30.0",
        'wait = 30.0\nengine = "flower"',
        '`engine = "flower"` is for jobs in rounds, and the parties of this one align rows',
    ),
    "number of identifiers": (
        "clinic",
        '"person_id"',
        '"person_id", "age"',
        "`datasets.people.identifiers` names 2 columns where the job identifies a row by 1: person",
    ),
    "columns of the passive party": (
        "insurer",
        'path = "people.csv"',
        'path = "people.csv"\ncolumns = ["visits"]',
        r"has 1 columns \(visits\) where the job says `regression.passive_columns = 2`",
    ),
    "no columns of the active party": (
        "clinic",
        'path = "people.csv"',
        'path = "people.csv"\ncolumns = []',
        "`columns` chooses none, and the active party trains columns of its own",
    ),
    "label that is not 0 or 1": (
        "clinic",
        'label = "ill"',
        'label = "age"',
        "labels are other than 0 and 1, which this family does not know",
    ),
}


class TestMakePlan:
    def test_asks_for_the_extra_of_a_cluster(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cluster = 'address = "127.0.0.1:9"\ntoken = "token"\nline = "tls"\n'
        desk.edit_party("clinic", "wait = 30.0\n", f"wait = 30.0\n[compute.cluster]\n{cluster}")
        assert desk.plan("clinic").party.compute.cluster is not None
        monkeypatch.setattr(extras, "find_spec", lambda _: None)
        with pytest.raises(SpecError, match=r"\[compute.cluster\] needs the extra `ray`"):
            desk.plan("clinic")

    def test_has_the_role_and_the_rows_of_the_party(self, desk: Desk) -> None:
        plan = desk.plan("insurer")
        assert (plan.role, len(plan.train), plan.train.names) == (
            "passive",
            300,
            ("visits", "costs"),
        )
        assert plan.test is None
        assert plan.digest == desk.plan("clinic").digest

    def test_shows_no_row(self, desk: Desk) -> None:
        assert "p17" not in repr(desk.plan("clinic"))

    def test_reads_a_test_set_of_its_own(self, desk: Desk) -> None:
        desk.edit_job('train = "people"', 'train = "people"\ntest = "later"')
        text = desk.party_file("clinic").read_text()
        table = text[text.index("[datasets.people]") : text.index("[identity]")]
        desk.party_file("clinic").write_text(text + table.replace("people]", "later]"))
        plan = desk.plan("clinic")
        assert plan.test is not None
        assert len(plan.test) == 300

    def test_refuses_cells_without_a_number_in_the_test_set_too(self, desk: Desk) -> None:
        desk.edit_job('train = "people"', 'train = "people"\ntest = "later"')
        file = desk.party_file("clinic")
        table = file.read_text().split("[datasets.people]")[1].split("[identity]")[0]
        later = f'[datasets.later]{table.replace("people.csv", "later.csv")}missing = "keep"\n'
        desk.edit_party("clinic", "[identity]", f"{later}\n[identity]")
        text = (desk.folder / "clinic" / "people.csv").read_text()
        emptied = text.rpartition(",")[0] + ","
        (desk.folder / "clinic" / "later.csv").write_text(emptied)
        with pytest.raises(
            SpecError, match=r"later\.csv: column 'weight': 1 of 300 cells is empty, in line 301"
        ):
            desk.plan("clinic")

    def test_refuses_a_missing_test_set(self, desk: Desk) -> None:
        desk.edit_job('train = "people"', 'train = "people"\ntest = "later"')
        with pytest.raises(SpecError, match=r"add a table \[datasets.later\]"):
            desk.plan("clinic")

    @pytest.mark.parametrize(
        ("party", "old", "new", "sentence"), PARTY_REFUSALS.values(), ids=list(PARTY_REFUSALS)
    )
    def test_refuses(self, desk: Desk, party: str, old: str, new: str, sentence: str) -> None:
        desk.edit_party(party, old, new)
        with pytest.raises(SpecError, match=rf"{party}/party\.toml: .*{sentence}"):
            desk.plan(party)

    def test_refuses_more_rows_than_the_job_allows(self, desk: Desk) -> None:
        desk.edit_job("rows = 300", "rows = 299")
        with pytest.raises(SpecError, match=r"'people' has 300 rows, and the job lets 'clinic' br"):
            desk.plan("clinic")

    def test_refuses_fewer_rows_than_must_be_shared(self, desk: Desk) -> None:
        desk.edit_job("minimum_size = 100", "minimum_size = 301")
        with pytest.raises(SpecError, match=r"has 300 rows, and the job asks for 301 shared rows"):
            desk.plan("insurer")
