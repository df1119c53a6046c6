"""Jobs that align inside enclaves: what they may ask for, and what their parties must bring."""

from pathlib import Path

import pytest

from isthmus.core.errors import PolicyError, SpecError
from isthmus.crypto import certificates
from isthmus.jobs import connection
from isthmus.jobs.aligned.job import alignment_of
from isthmus.jobs.aligned.plan import AlignedPlan
from isthmus.jobs.consent import crossings
from isthmus.jobs.explain import explain
from isthmus.jobs.load import load_job, make_plan
from isthmus.ledger.forecast import Sizes
from isthmus.store import atomic
from isthmus.tee.evidence import SIMULATION
from tests import three_parties
from tests.unit.jobs.desk import Desk

IDENTITY = """\

[identity]
certificate = "shop.crt"
private_key = "shop.key"

[peers.clinic]
certificate = "clinic.crt"
address = "127.0.0.1:7401"

"""

REFUSALS = {
    "nobody to call": (
        '"active"',
        '"passive"',
        "an alignment needs one party in each of the roles",
    ),
    "two to call": (
        '[parties.shop]\nrole = "passive"',
        '[parties.shop]\nrole = "active"',
        "has active, active, pas",
    ),
    "too many parties": (
        "[data]",
        "".join(f'[parties.p{number}]\nrole = "passive"\n' for number in range(3)) + "[data]",
        "an alignment is for 5 parties at most, and `parties` has 6",
    ),
    "a result for a stranger": (
        '"attested"',
        '"attested"\nresults = { bank = "size" }',
        r"`alignment\.results` names 'bank'; the job's parties are clinic, insurer, shop",
    ),
    "no such result": (
        '"attested"',
        '"attested"\nresults = { shop = "ids" }',
        r"`alignment.results.shop` is",
    ),
    "no method": ('method = "attested"', "minimum_size = 5", r"\[alignment\] lacks `method`"),
    "little memory": (
        '"attested"',
        '"attested"\nmemory_mib = 10',
        r"`alignment.memory_mib` is 10,",
    ),
}


@pytest.fixture
def job(tmp_path: Path) -> Path:
    file = tmp_path / "who.toml"
    file.write_text(three_parties.JOB)
    return file


class TestLoadJob:
    def test_accepts_an_alignment_of_three_parties(self, job: Path) -> None:
        assert alignment_of(load_job(job).job).method == "attested"

    @pytest.mark.parametrize(("old", "new", "sentence"), REFUSALS.values(), ids=list(REFUSALS))
    def test_refuses(self, job: Path, old: str, new: str, sentence: str) -> None:
        job.write_text(job.read_text().replace(old, new, 1))
        with pytest.raises(SpecError, match=sentence):
            load_job(job)

    def test_refuses_training_on_rows_that_a_party_does_not_get(self, desk: Desk) -> None:
        desk.edit_job('"cryptographic"', '"attested"\nresults = { insurer = "size" }')
        with pytest.raises(SpecError, match="training needs the rows of every party"):
            load_job(desk.job)

    def test_asks_for_consent_only_to_what_crosses(self, job: Path) -> None:
        sizes_only = 'results = { insurer = "size", shop = "nothing" }'
        job.write_text(job.read_text().replace('"attested"', f'"attested"\n{sizes_only}'))
        with pytest.raises(
            SpecError, match="this job, which trains nothing, does not send: SealedPositions"
        ):
            load_job(job)


class TestMakePlan:
    def test_refuses_a_simulated_enclave_where_nobody_said_that_it_will_do(
        self, attested: Desk
    ) -> None:
        with pytest.raises(
            PolicyError, match=r"is simulated: it protects nothing.*allow_simulated"
        ):
            attested.plan("clinic")

    def test_says_that_a_simulated_enclave_protects_nothing(self, attested: Desk) -> None:
        attested.allow_simulated("clinic")
        plan = attested.plan("clinic")
        assert plan.simulated
        assert explain(plan).notice == SIMULATION

    def test_a_real_enclave_protects_nothing_either_where_simulated_ones_are_trusted(
        self, attested: Desk
    ) -> None:
        attested.allow_simulated("clinic")
        attested.edit_party("clinic", "[identity]", '[enclave]\nkind = "sgx"\n\n[identity]')
        assert attested.plan("clinic").simulated

    def test_a_real_enclave_protects_where_only_real_ones_are_trusted(self, attested: Desk) -> None:
        attested.edit_party("clinic", "[identity]", '[enclave]\nkind = "sgx"\n\n[identity]')
        assert not attested.plan("clinic").simulated

    def test_refuses_endorsements_that_are_not_there(self, attested: Desk) -> None:
        enclave = '[enclave]\nkind = "sgx"\nendorsements = "gone.json"\n\n[identity]'
        attested.edit_party("clinic", "[identity]", enclave)
        with pytest.raises(SpecError, match=r"gone\.json: cannot be read: No such file"):
            attested.plan("clinic")


class TestThreeParties:
    def test_talk_to_the_first_one_only(self, job: Path) -> None:
        agreed = load_job(job)
        rows = {"clinic": 100, "insurer": 50, "shop": 20_000}
        sizes = Sizes(rows=rows, shared=10, train=10, test=0, test_rows={}, rounds=0)
        pairs = {(each.sender, each.to) for each in crossings(agreed, sizes)}
        assert pairs == {
            ("clinic", "insurer"),
            ("insurer", "clinic"),
            ("clinic", "shop"),
            ("shop", "clinic"),
        }

    def test_bring_identifiers_and_need_nothing_else(self, job: Path) -> None:
        folder = job.parent / "shop"
        folder.mkdir()
        (folder / "people.csv").write_text(
            "person,note\n" + "".join(f"{n},x\n" for n in range(150))
        )
        (folder / "party.toml").write_text(three_parties.PARTY.format(name="shop"))
        plan = make_plan(job, folder / "party.toml")
        assert isinstance(plan, AlignedPlan)
        assert len(plan.train) == 150
        assert plan.train.names == ()
        assert plan.neighbours == ["clinic"]

    def test_know_the_certificate_of_each_other(self, job: Path) -> None:
        folder = job.parent / "shop"
        folder.mkdir()
        (folder / "people.csv").write_text("person\n" + "".join(f"{n}\n" for n in range(150)))
        for name in ("clinic", "insurer", "shop"):
            key = certificates.make_key()
            (folder / f"{name}.crt").write_bytes(certificates.self_signed(name, key))
        atomic.write(folder / "shop.key", key)
        said = three_parties.PARTY.format(name="shop") + IDENTITY
        (folder / "party.toml").write_text(said)
        with pytest.raises(
            SpecError, match=r"does not know 'insurer': add a table \[peers.insurer"
        ):
            connection.certificates_of_all(planned(job, folder))
        insurer = '[peers.insurer]\ncertificate = "insurer.crt"\n'
        (folder / "party.toml").write_text(said + insurer)
        plan = planned(job, folder)
        assert connection.certificates_of_all(plan).keys() == {"clinic", "insurer", "shop"}


def planned(job: Path, folder: Path) -> AlignedPlan:
    plan = make_plan(job, folder / "party.toml")
    assert isinstance(plan, AlignedPlan)
    return plan
