"""A job and a party's files become a plan, or one sentence says what does not fit."""

import pytest
from isthmus.jobs.agreement import load_job

from isthmus.core.errors import PolicyError, SpecError
from tests.unit.jobs.desk import Desk

PASSIVE = '[parties.insurer]\nrole = "passive"\n'
REGRESSION = "[regression]\npassive_columns = 2\n\n[regression.encryption]\nkey_bits = 1024\n"

JOB_REFUSALS: dict[str, tuple[str, str, str]] = {
    "unknown key": ("minimum_size", "minimal_size", r"`minimal_size` - at `\$.alignment`"),
    "another type": ("seed = 7", "seed = 7.5", r"Expected `int`, got `float` - at `\$\.seed`"),
    "missing key": ("seed = 7\n", "", "missing required field `seed`"),
    "name that is no file name": ('"trial"', '"../trial"', r"at `\$\.name`"),
    "name with a line break": ('"trial"', '"trial\\n"', r"at `\$\.name`"),
    "no system": (REGRESSION, "", r"'OpenedGradient', which this job, which trains nothing, does"),
    "one party": (PASSIVE, "", r"length >= 2 - at `\$\.parties`"),
    "unknown role": ('"passive"', '"watcher"', "one party in each of the roles active, passive"),
    "two active parties": ('"passive"', '"active"', "`parties` has active, active"),
    "three parties": (
        PASSIVE,
        f'{PASSIVE}[parties.shop]\nrole = "passive"\n',
        "`parties` has active, passive, passive",
    ),
    "message that is not agreed to": (
        '"PenaltyLine", ',
        "",
        'sends PenaltyLine, which tells its reader.*add "PenaltyLine" to `disclosed`',
    ),
    "message that is not sent": (
        '"PenaltyLine"',
        '"PenaltyLine", "Gossip"',
        "`disclosed` names 'Gossip', which this job does not send; it sends DoublyBlindedRows",
    ),
    "unknown normalisation": ('"trim"', '"strip"', r"'strip' - at `\$\.data\.normalise\[0\]`"),
    "everything for tests": (
        'train = "people"',
        'train = "people"\ntest_share = 1.0',
        r"< 1\.0 - at `\$\.data\.test_share`",
    ),
    "penalty without end": (
        "passive_columns = 2",
        "passive_columns = 2\npenalty = inf",
        r"at `\$\.regression\.penalty`",
    ),
    "more batches than anyone has time for": (
        "passive_columns = 2",
        "passive_columns = 2\nbatches = 1_000_000",
        r"<= 10000 - at `\$\.regression\.batches`",
    ),
    "engine without the scheme": (
        "key_bits = 1024",
        'engine = "gmpy2"',
        'engine "gmpy2" does not have the scheme "okamoto-uchiyama"',
    ),
    "key size that no engine makes": ("1024", "1025", "a key of 1025 bits cannot be made"),
}

PARTY_REFUSALS: dict[str, tuple[str, str, str, str]] = {
    "party that is not in the job": (
        "clinic",
        'party = "clinic"',
        'party = "shop"',
        "`party` is 'shop', but the job's parties are clinic, insurer",
    ),
    "unknown key": ("clinic", "wait =", "waits =", "unknown field `waits`"),
    "wait without end": ("clinic", "wait = 30.0", "wait = inf", r"at `\$\.wait`"),
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
        "the label has values other than 0 and 1. Code it as 0 and 1, or set",
    ),
    "policy about no message": (
        "clinic",
        "[identity]",
        '[policy]\nrefuse = ["RowCnt"]\n\n[identity]',
        "`policy.refuse` names 'RowCnt', which is no message type; there are BlindedRows",
    ),
}


class TestLoadJob:
    def test_reads_what_the_parties_agreed_on(self, desk: Desk) -> None:
        job = load_job(desk.job)
        assert (job.name, job.in_role("passive"), list(job.peers("clinic"))) == (
            "trial",
            "insurer",
            ["insurer"],
        )

    @pytest.mark.parametrize(
        ("old", "new", "sentence"), JOB_REFUSALS.values(), ids=list(JOB_REFUSALS)
    )
    def test_refuses(self, desk: Desk, old: str, new: str, sentence: str) -> None:
        desk.edit_job(old, new)
        with pytest.raises(SpecError, match=rf"job\.toml: .*{sentence}"):
            load_job(desk.job)

    def test_agrees_to_other_messages_where_training_goes_in_batches(self, desk: Desk) -> None:
        desk.edit_job("passive_columns = 2", "passive_columns = 2\nbatches = 2")
        desk.edit_job('"GradientNorms", "PartialSlope",\n  "PenaltyLine", ', "")
        assert load_job(desk.job).regression is not None


class TestMakePlan:
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
        with pytest.raises(SpecError, match="a regression needs a number in every cell"):
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

    def test_refuses_a_job_that_has_us_send_what_our_policy_forbids(self, desk: Desk) -> None:
        policy = '[policy]\nrefuse = ["OpenedGradient"]\n\n[identity]'
        for party in ("clinic", "insurer"):
            desk.edit_party(party, "[identity]", policy)
        with pytest.raises(
            PolicyError, match="forbids OpenedGradient, which this job has 'clinic'"
        ):
            desk.plan("clinic")
        assert desk.plan("insurer").party.policy.refuse  # the insurer does not send it

    @pytest.mark.parametrize("file", ["job.toml", "clinic/party.toml"])
    def test_refuses_a_file_that_is_not_there(self, desk: Desk, file: str) -> None:
        (desk.folder / file).unlink()
        with pytest.raises(SpecError, match=rf"{file}: there is no such file"):
            desk.plan("clinic")

    def test_refuses_files_in_the_place_of_each_other(self, desk: Desk) -> None:
        with pytest.raises(SpecError, match=r"party\.toml: .*`isthmus schema job`"):
            load_job(desk.party_file("clinic"))
        desk.party_file("clinic").write_bytes(desk.job.read_bytes())
        with pytest.raises(SpecError, match=r"party\.toml: .*`isthmus schema party`"):
            desk.plan("clinic")
