"""A party that meets the others on Flower: what its files must say, and what its parts find."""

from pathlib import Path
from typing import cast

import pytest
from msgspec.structs import replace

from isthmus.core import extras, spec
from isthmus.core.errors import SpecError
from isthmus.core.extras import MissingExtraError
from isthmus.crypto import certificates
from isthmus.horizontal.flower.nodes import Nodes
from isthmus.horizontal.flower.replay import History, Replay, replies
from isthmus.horizontal.flower.run_files import Settings
from isthmus.horizontal.parameters import digest
from isthmus.horizontal.system import RoundsOutcome
from isthmus.jobs.examples import Made, make
from isthmus.jobs.handshake import hello
from isthmus.jobs.load import make_plan
from isthmus.jobs.party import Flower, Party
from isthmus.jobs.rounds import family, flower_keys
from isthmus.jobs.rounds.flower_app import play_child, play_master
from isthmus.jobs.rounds.plan import RoundsPlan
from isthmus.jobs.session import begin, resumed
from isthmus.ledger.verify import verify
from isthmus.store.runs import Run
from isthmus.transport.message import encode

MASTER, CHILD = "office", "branch-01"


class Trial:
    """The job of an office and its branches, which meet on a federation."""

    def __init__(self, made: Made) -> None:
        self.job, self._files = made.job, made.parties
        folder = self._files[CHILD].parent
        (folder / "authority.pem").write_text("of the SuperLink")
        (folder / "node.key").write_text("of the SuperNode")
        (folder / "node.key").chmod(0o600)
        self.change(MASTER, flower=Flower(connection="here"))
        self.change(CHILD, flower=self.node)

    node = Flower(
        superlink="127.0.0.1:8000", root_certificates="authority.pem", private_key="node.key"
    )

    def file(self, party: str) -> Path:
        return self._files[party]

    def files(self, party: str, run: Run) -> Settings:
        found = {"job": self.job, "party": self.file(party), "run": run.folder}
        return {name: str(path) for name, path in found.items()}

    def change(self, party: str, **changes: object) -> None:
        keyless: dict[str, object] = {
            "engine": "flower",
            "identity": None,
            "peers": {},
            "listen": None,
        }
        found = replace(spec.load(self.file(party), Party), **(keyless | changes))
        self.file(party).write_bytes(spec.dump(found))

    def plan(self, party: str) -> RoundsPlan:
        plan = make_plan(self.job, self.file(party))
        assert isinstance(plan, RoundsPlan)
        return plan


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    return Trial(make("fusion", tmp_path / "trial"))


class TestCheck:
    @pytest.mark.parametrize("party", [MASTER, CHILD])
    def test_asks_for_neither_identity_nor_peers(self, trial: Trial, party: str) -> None:
        flower_keys.check(trial.plan(party))

    def test_says_where_a_party_meets_the_others(self, trial: Trial) -> None:
        told = {party: family.ready(trial.plan(party)).address for party in (MASTER, CHILD)}
        assert told == {
            MASTER: "starts the run on Flower's connection 'here'",
            CHILD: "is a SuperNode of the SuperLink at 127.0.0.1:8000",
        }

    def test_refuses_sums_under_masks(self, trial: Trial) -> None:
        text = trial.job.read_text().replace('rule = "actor_critic"', 'rule = "count"')
        trial.job.write_text(f"{text}\n[weighting.privacy.secure_aggregation]\n")
        told = '["MaskKeys", "Participants", "Opening", "Confirmation", "RoundStart", "Published"]'
        before, _, after = trial.job.read_text().partition("disclosed = [")
        trial.job.write_text(f"{before}disclosed = {told}{after.partition(']')[2]}")
        with pytest.raises(SpecError, match="masks a child keeps in memory only, and on Flower"):
            trial.plan(CHILD)

    def test_refuses_a_joint_vocabulary(self, tmp_path: Path) -> None:
        job = make("multilingual", tmp_path / "words").job.with_name("islands.toml")
        party = job.parent / "lyon" / "party.toml"
        node = Flower(superlink="127.0.0.1:8000", root_certificates="a.pem", private_key="b.key")
        found = replace(
            spec.load(party, Party), engine="flower", identity=None, peers={}, flower=node
        )
        party.write_bytes(spec.dump(found))
        with pytest.raises(SpecError, match="asks for a joint vocabulary, whose masks"):
            make_plan(job, party)

    @pytest.mark.parametrize(
        ("party", "missing"),
        [
            (MASTER, "`flower.connection`"),
            (CHILD, "`flower.superlink`, `flower.root_certificates`, `flower.private_key`"),
        ],
    )
    def test_names_the_keys_that_are_missing(self, trial: Trial, party: str, missing: str) -> None:
        trial.change(party, flower=Flower())
        with pytest.raises(SpecError, match=f'has `engine = "flower"`: add {missing}'):
            trial.plan(party)

    def test_refuses_an_address_without_a_port(self, trial: Trial) -> None:
        trial.change(CHILD, flower=replace(trial.node, superlink="superlink.example"))
        with pytest.raises(SpecError, match=r"`flower\.superlink` .* give a host and a port"):
            flower_keys.check(trial.plan(CHILD))

    def test_refuses_a_file_that_is_not_there(self, trial: Trial) -> None:
        trial.change(CHILD, flower=replace(trial.node, private_key="nodes.key"))
        with pytest.raises(
            SpecError, match=r"nodes\.key: cannot be read: No such file.*flower\.md"
        ):
            flower_keys.check(trial.plan(CHILD))

    def test_refuses_a_key_that_others_can_read(self, trial: Trial) -> None:
        (trial.file(CHILD).parent / "node.key").chmod(0o644)
        with pytest.raises(SpecError, match=r"node\.key: others can read this private key"):
            flower_keys.check(trial.plan(CHILD))

    def test_says_how_to_install_flower(
        self, trial: Trial, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(extras, "find_spec", lambda it: None if it == "flwr" else it)
        with pytest.raises(
            MissingExtraError, match=r"`engine = \"flower\"` needs .* `pip install '\.\[flower\]'`"
        ):
            trial.plan(MASTER)

    def test_lets_a_child_misbehave_with_a_superlink_on_this_machine_only(
        self, trial: Trial
    ) -> None:
        trial.change(CHILD, simulated_attack="sign_flip")
        flower_keys.check(trial.plan(CHILD))
        elsewhere = replace(trial.node, superlink="192.0.2.1:8000")
        trial.change(CHILD, simulated_attack="sign_flip", flower=elsewhere)
        with pytest.raises(
            SpecError, match=r"`simulated_attack` .* is at 192\.0\.2\.1:8000: take it out"
        ):
            trial.plan(CHILD)


class TestBegin:
    def test_seals_the_ledger_of_a_party_without_identity_with_a_key_of_the_run(
        self, trial: Trial, tmp_path: Path
    ) -> None:
        with begin(trial.plan(CHILD), tmp_path / "run", lambda _: None) as begun:
            pass
        certificate = begun.run.certificate.read_bytes()
        assert certificates.common_name(certificate) == CHILD
        verdict = verify(
            begun.run.ledger, lambda data, seal: certificates.verify(certificate, seal, data)
        )
        assert verdict.signature_checked


class TestPlayMaster:
    def test_plays_no_second_time_what_a_process_that_was_left_behind_has_ended(
        self, trial: Trial, tmp_path: Path
    ) -> None:
        run = Run.at(tmp_path / "run")
        RoundsOutcome({}, digest({}), 3).save(run.trained, trial.plan(MASTER).digest)
        play_master(trial.files(MASTER, run), cast(Nodes, None))  # it asks nobody
        with resumed(trial.plan(MASTER), run) as begun:
            assert begun.ledger.messages == 0


class TestReplay:
    """A child's part of a run, in one process after the other."""

    def test_is_refused_where_no_run_has_started_it(self) -> None:
        with pytest.raises(SpecError, match="let `isthmus run` start it"):
            play_child({"over": "there"}, Replay(History([], -1)))

    def test_leaves_what_crossed_for_the_run_to_tell(self, trial: Trial, tmp_path: Path) -> None:
        plan = trial.plan(CHILD)
        run = Run.at(tmp_path / "run")
        settings = trial.files(CHILD, run)
        history = [encode(hello(plan.job, MASTER))]
        for known in (-1, 1):  # the first request, and one that brings nothing new
            replies(History(history, known), lambda replay: play_child(settings, replay))
        with resumed(plan, run) as begun:
            learned = begun.facts()["learned"]
        assert {(it.message, it.direction, it.count) for it in learned} == {
            ("Hello", f"{CHILD} → {MASTER}", 1),
            ("Hello", f"{MASTER} → {CHILD}", 1),
            ("EncoderRequest", f"{CHILD} → {MASTER}", 1),
        }
        assert begun.ledger.messages == 2
