"""A job file and a party file are read, or one sentence says what does not fit."""

import subprocess
import sys

import pytest

from isthmus.core.errors import PolicyError, SpecError
from isthmus.jobs.load import load_job, make_plan
from tests.unit.jobs.desk import Desk

ACTIVE = '[parties.clinic]\nrole = "active"\nrows = 300\n'
PASSIVE = '[parties.insurer]\nrole = "passive"\n'
REGRESSION = """\
[regression]
passive_columns = 2

[regression.encryption]
scheme = "okamoto-uchiyama"
key_bits = 2048
"""

JOB_REFUSALS: dict[str, tuple[str, str, str]] = {
    "unknown key": (
        "minimum_size",
        "minimal_size",
        r"key `minimal_size`: did you mean `minimum_size`",
    ),
    "another type": ("seed = 7", "seed = 7.5", r"`seed` is 7.5, and must be a whole number"),
    "missing key": ("seed = 7\n", "", "the file lacks `seed`"),
    "name that is no file name": (
        '"trial"',
        '"../trial"',
        r"`name` is .*, and must be a name of a-z, 0-9 and -",
    ),
    "name with a line break": (
        '"trial"',
        '"trial\\n"',
        r"`name` is .*, and must be a name of a-z, 0-9 and -",
    ),
    "no data": (
        '[data]\ntrain = "people"\nidentifiers = ["person"]\nnormalise = ["trim"]\n',
        "",
        r"says nothing of its data: add a table \[data\]",
    ),
    "no system": (REGRESSION, "", r"this job, which trains nothing, does not send: LossScale"),
    "one party": (
        PASSIVE,
        "",
        r"\[regression\] needs one party in each of the roles active, passive; there may .* has a",
    ),
    "no party": (
        f"{ACTIVE}\n{PASSIVE}",
        "",
        "roles active, passive; there may .* `parties` has none",
    ),
    "unknown role": ('"passive"', '"watcher"', "one party in each of the roles active, passive"),
    "two active parties": ('"passive"', '"active"', "`parties` has active, active"),
    "three parties that sum under masks": (
        PASSIVE,
        f'{PASSIVE}[parties.shop]\nrole = "passive"\n',
        "does not name: MaskedNumbers, which tells .* not send: PartialNumbers, PartialSlope",
    ),
    "message that is not agreed to": (
        '"PartialSlope", ',
        "",
        "sends what `disclosed` does not name: PartialSlope, which tells its reader",
    ),
    "message that is not sent": (
        '"PartialNumbers"',
        '"PartialNumbers", "Gossip"',
        "`disclosed` names what this job does not send: Gossip",
    ),
    "nothing to find shared rows by": (
        'identifiers = ["person"]',
        "identifiers = []",
        "`data.identifiers` is empty, and the parties find their shared rows by it",
    ),
    "two systems": (
        "[regression]\n",
        "[boosting]\n\n[regression]\n",
        r"a job trains one thing, and this one has the tables \[regression\], \[boosting\]\.",
    ),
    "table of another family": (
        "[alignment]",
        '[datasets.people]\npath = "people.csv"\n\n[alignment]',
        r"the table \[datasets\] belongs to a job with",
    ),
    "unknown normalisation": (
        '"trim"',
        '"strip"',
        r"`data.normalise, item 1` is \"strip\": did you mean \"trim\"",
    ),
    "everything for tests": (
        'train = "people"',
        'train = "people"\ntest_share = 1.0',
        r"`data.test_share` is 1.0, and must be a number of at least 0 and below 1\.",
    ),
    "penalty without end": (
        "passive_columns = 2",
        "passive_columns = 2\npenalty = inf",
        r"`regression.penalty` is inf",
    ),
    "more batches than anyone has time for": (
        "passive_columns = 2",
        "passive_columns = 2\nbatches = 1_000_000",
        r"`regression.batches` is .* from 1 to 10,000\.",
    ),
    "key size that no engine makes": (
        "2048",
        "2049",
        "a key of 2049 bits can be broken, or can",
    ),
    "key that can be broken": (
        "2048",
        "2047",
        r"`regression.encryption.key_bits` is 2047, and must be a whole number from 2,048 to 8,192",
    ),
}

PARTY_REFUSALS: dict[str, tuple[str, str, str, str]] = {
    "party that is not in the job": (
        "clinic",
        'party = "clinic"',
        'party = "shop"',
        "`party` is 'shop', but the job's parties are clinic, insurer",
    ),
    "unknown key": ("clinic", "wait =", "waits =", "no key `waits`: did you mean `wait`"),
    "wait without end": (
        "clinic",
        "wait = 30.0",
        "wait = inf",
        r"`wait` is inf, and must be a number above 0",
    ),
    "policy about no message": (
        "clinic",
        "[identity]",
        '[policy]\nrefuse = ["RowCnt"]\n\n[identity]',
        "`policy.refuse` names 'RowCnt', which is no message type; there are BlindedRows",
    ),
}

# Messages of systems that the job of the desk never loads.
FOREIGN = ["EncryptedSums", "RoundUpdate", "MaskKeys", "SealedIdentifiers"]

PLAN = """
import sys
from pathlib import Path
from isthmus.jobs.load import make_plan
plan = make_plan(Path(sys.argv[1]), Path(sys.argv[2]))
print(*plan.party.policy.refuse)
"""


class TestLoadJob:
    def test_reads_what_the_parties_agreed_on(self, desk: Desk) -> None:
        job = load_job(desk.job).job
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

    @pytest.mark.parametrize("scheme", ["okamoto-uchiyama", "bfv"])
    def test_agrees_to_other_messages_where_training_goes_in_batches(
        self, desk: Desk, scheme: str
    ) -> None:
        if scheme == "bfv":
            ours = 'scheme = "okamoto-uchiyama"\nkey_bits = 2048'
            desk.edit_job(ours, 'scheme = "bfv"')
        desk.edit_job("passive_columns = 2", "passive_columns = 2\nbatches = 2")
        desk.edit_job('"PartialNumbers",\n  "PartialSlope", ', "")
        assert load_job(desk.job).spec.batches == 2

    def test_names_the_family_the_system_and_what_the_job_says_of_it(self, desk: Desk) -> None:
        loaded = load_job(desk.job)
        assert loaded.trains
        assert (loaded.table, loaded.spec) == ("regression", loaded.job.regression)
        assert loaded.system.MOST_PARTIES is None
        assert loaded.family.ROLES == ("active", "passive")

    def test_ends_with_the_alignment_where_there_is_no_system(self, desk: Desk) -> None:
        desk.drop_training()
        loaded = load_job(desk.job)
        assert not loaded.trains
        assert loaded.family.ROLES == ("active", "passive")

    def test_knows_who_listens_and_who_has_a_line_to_whom(self, desk: Desk) -> None:
        loaded = load_job(desk.job)
        assert loaded.first == "clinic"
        assert loaded.neighbours("clinic") == ["insurer"]
        assert loaded.neighbours("insurer") == ["clinic"]


class TestMakePlan:
    @pytest.mark.parametrize("file", ["job.toml", "clinic/party.toml"])
    def test_refuses_a_file_that_is_not_there(self, desk: Desk, file: str) -> None:
        (desk.folder / file).unlink()
        with pytest.raises(SpecError, match=rf"{file}: there is no such file"):
            desk.plan("clinic")

    def test_refuses_files_in_the_place_of_each_other(self, desk: Desk) -> None:
        with pytest.raises(
            SpecError, match=r"party\.toml: this is a party file: give it with `--party`"
        ):
            load_job(desk.party_file("clinic"))
        desk.party_file("clinic").write_bytes(desk.job.read_bytes())
        with pytest.raises(SpecError, match=r"party\.toml: this is a job file: give it first, and"):
            desk.plan("clinic")

    def test_asks_for_the_file_of_a_party_where_there_are_several(self, desk: Desk) -> None:
        with pytest.raises(
            SpecError, match=r"job\.toml: this job has parties \(clinic, insurer\): name your own "
        ):
            make_plan(desk.job)

    @pytest.mark.parametrize(
        ("party", "old", "new", "sentence"), PARTY_REFUSALS.values(), ids=list(PARTY_REFUSALS)
    )
    def test_refuses(self, desk: Desk, party: str, old: str, new: str, sentence: str) -> None:
        desk.edit_party(party, old, new)
        with pytest.raises(SpecError, match=rf"{party}/party\.toml: .*{sentence}"):
            desk.plan(party)


class TestPolicy:
    def test_refuses_a_job_that_has_us_send_what_our_policy_forbids(self, desk: Desk) -> None:
        policy = '[policy]\nrefuse = ["OpenedSums"]\n\n[identity]'
        for party in ("clinic", "insurer"):
            desk.edit_party(party, "[identity]", policy)
        with pytest.raises(PolicyError, match="forbids OpenedSums, which this job has 'clinic'"):
            desk.plan("clinic")
        assert desk.plan("insurer").party.policy.refuse  # the insurer does not send it

    def test_knows_the_messages_of_all_systems_whatever_is_imported(self, desk: Desk) -> None:
        refused = ", ".join(f'"{name}"' for name in FOREIGN)
        desk.edit_party("clinic", "[identity]", f"[policy]\nrefuse = [{refused}]\n\n[identity]")
        ended = subprocess.run(  # noqa: S603 - our own interpreter and program
            [sys.executable, "-c", PLAN, desk.job, desk.party_file("clinic")],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ended.stderr, ended.stdout.split()) == ("", FOREIGN)
