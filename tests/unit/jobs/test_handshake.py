"""Two parties make sure that they are about to do the same."""

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import pytest

from isthmus import __version__
from isthmus.core import spec
from isthmus.core.errors import ChannelError, IsthmusError, PeerError
from isthmus.jobs.handshake import finish, finish_all, hello, shake_hands
from isthmus.jobs.job import Job
from isthmus.jobs.messages import Done, Hello
from isthmus.transport.loopback import LoopbackEnd
from tests.roles import Play, Role, gather, play


@pytest.fixture
def job(template: Path) -> Job:
    return spec.load(template / "job.toml", Job)


@pytest.fixture
def clinic(job: Job) -> Role:
    return lambda insurer: shake_hands(insurer, job, "clinic")


def changed(job: Job, **keys: object) -> Job:
    return msgspec.structs.replace(job, **keys)


class TestShakeHands:
    def test_lets_two_parties_with_the_same_job_go_on(self, job: Job, clinic: Role) -> None:
        outcome = play(clinic=clinic, insurer=lambda clinic: shake_hands(clinic, job, "insurer"))
        assert outcome.raised == {}
        assert {party: len(sent) for party, sent in outcome.sent.items()} == {
            "clinic": 1,
            "insurer": 1,
        }

    def test_tells_nothing_of_the_job_but_digests(self, job: Job) -> None:
        said = msgspec.json.encode(hello(job, "clinic")).decode()
        assert "person" not in said
        assert "trim" not in said

    @pytest.mark.parametrize(
        ("change", "key"),
        [
            (lambda job: changed(job, seed=8), "seed"),
            (lambda job: changed(job, disclosed=[]), "disclosed"),
            (
                lambda job: changed(
                    job, regression=msgspec.structs.replace(job.regression, penalty=1.0)
                ),
                "regression.penalty",
            ),
            (
                lambda job: changed(
                    job,
                    parties=job.parties
                    | {"shop": msgspec.structs.replace(job.parties["insurer"], rows=3)},
                ),
                "parties.shop.role",
            ),
        ],
        ids=["a value", "a list", "a value of a table", "a whole table"],
    )
    def test_names_the_first_key_in_which_the_jobs_differ(
        self, job: Job, clinic: Role, change: Callable[[Job], Job], key: str
    ) -> None:
        other = change(job)
        outcome = play(clinic=clinic, insurer=lambda clinic: shake_hands(clinic, other, "insurer"))
        assert outcome.raised.keys() == {"clinic", "insurer"}
        for error in outcome.raised.values():
            assert isinstance(error, PeerError)
            assert "holds another job file: it differs at" in str(error)
        assert repr(key) in str(outcome.raised["clinic"])

    def test_understands_a_version_that_differs_in_the_last_number(
        self, job: Job, clinic: Role
    ) -> None:
        major, minor, _ = __version__.split(".")
        assert "clinic" not in answer(clinic, job, version=f"{major}.{minor}.99").raised

    def test_refuses_another_version(self, job: Job, clinic: Role) -> None:
        error = answer(clinic, job, version="99.0.0").raised["clinic"]
        assert isinstance(error, PeerError)
        assert "'insurer' runs isthmus '99.0.0' and we run" in str(error)

    @pytest.mark.parametrize("claim", [{"party": "clinic"}, {"role": "active"}])
    def test_refuses_a_party_that_is_not_who_its_certificate_says(
        self, job: Job, clinic: Role, claim: dict[str, str]
    ) -> None:
        error = answer(clinic, job, **claim).raised["clinic"]
        assert isinstance(error, PeerError)
        assert "the certificate is that of 'insurer', who is passive in this job" in str(error)


def answer(clinic: Role, job: Job, **claims: str) -> Play:
    """A clinic that meets an insurer who says something else of itself."""
    said = msgspec.structs.replace(hello(job, "insurer"), **claims)

    def insurer(clinic: LoopbackEnd) -> None:
        clinic.send(said)
        clinic.receive(Hello)

    return play(clinic=clinic, insurer=insurer)


class TestFinishAll:
    def test_says_the_last_word_to_nobody_before_all_others_have_said_theirs(self) -> None:
        said = list[str]()

        def other(name: str) -> Role:
            def role(hub: LoopbackEnd) -> None:
                said.append(name)
                finish_all([hub], gathers=False)
                assert sorted(said) == ["clinic", "shop"]

            return role

        def hub(lines: Mapping[str, LoopbackEnd]) -> None:
            finish_all(list(lines.values()), gathers=True)

        assert gather(hub, {name: other(name) for name in ("clinic", "shop")}).raised == {}

    def test_leaves_out_the_last_word_where_one_is_gone(self) -> None:
        def hub(lines: Mapping[str, LoopbackEnd]) -> None:
            finish_all(list(lines.values()), gathers=True)

        outcome = gather(
            hub,
            {
                "clinic": lambda line: finish_all([line], gathers=False),
                "shop": lambda line: line.abort(),
            },
        )
        assert all(isinstance(error, IsthmusError) for error in outcome.raised.values())
        assert outcome.raised.keys() == {"hub", "clinic"}


class TestFinish:
    def test_waits_until_the_peer_has_all_that_was_sent(self) -> None:
        def insurer(clinic: LoopbackEnd) -> None:
            clinic.receive(Done)
            clinic.send(Done())

        assert play(clinic=finish, insurer=insurer).raised == {}

    def test_notices_a_peer_that_leaves_before(self) -> None:
        outcome = play(clinic=finish, insurer=lambda clinic: clinic.abort())
        assert isinstance(outcome.raised["clinic"], ChannelError)
