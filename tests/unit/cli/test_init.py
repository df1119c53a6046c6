import json
import shutil
from pathlib import Path

import pytest

from isthmus.cli.main import execute
from isthmus.core import extras, spec
from isthmus.crypto import certificates
from isthmus.jobs import examples
from isthmus.jobs.check import check
from isthmus.jobs.party import Party

PARTIES = ("clinic", "insurer")


class TestInit:
    @pytest.mark.parametrize("party", PARTIES)
    def test_makes_what_a_party_needs_to_run(self, trial: Path, party: str) -> None:
        ready = check(trial / "job.toml", trial / party / "party.toml").ready
        assert ready is not None  # keys and addresses were checked too
        assert ready.party == party

    def test_gives_the_listener_an_address_and_the_other_one_the_same(self, trial: Path) -> None:
        clinic, insurer = (spec.load(trial / name / "party.toml", Party) for name in PARTIES)
        assert clinic.listen == insurer.peers["clinic"].address == examples.ADDRESS
        assert insurer.listen is clinic.peers["insurer"].address is None

    def test_gives_each_party_the_certificate_of_the_other(self, trial: Path) -> None:
        for us, them in (PARTIES, PARTIES[::-1]):
            pinned = (trial / us / "peers" / f"{them}.pem").read_bytes()
            assert certificates.common_name(pinned) == them
            assert certificates.matches(pinned, (trial / them / "key.pem").read_bytes())

    @pytest.mark.parametrize("party", PARTIES)
    def test_keeps_a_private_key_to_its_party(self, trial: Path, party: str) -> None:
        key = trial / party / "key.pem"
        assert key.stat().st_mode & 0o777 == 0o600
        others = [path for path in trial.rglob("*.pem") if path != key]
        assert all(path.read_bytes() != key.read_bytes() for path in others)

    @pytest.mark.parametrize("party", PARTIES)
    def test_keeps_the_comments_of_a_party_file(self, trial: Path, party: str) -> None:
        assert (trial / party / "party.toml").read_text().startswith("# Stays at ")

    def test_tells_what_to_run(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        folder = tmp_path / "my trial"
        assert execute(["init", "health", str(folder), "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        job, clinic = f"'{folder}/job.toml'", f"'{folder}/clinic/party.toml'"
        assert told["commands"]["simulate"] == f"isthmus simulate {job}"
        assert told["commands"]["run"]["clinic"] == f"isthmus run {job} --party {clinic}"

    def test_tells_one_command_where_one_organisation_trains_alone(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shipped = Path("examples/health")
        shutil.copytree(shipped / "clinic", tmp_path / "shipped" / "alone" / "clinic")
        shutil.copy(shipped / "alone.toml", tmp_path / "shipped" / "alone" / "job.toml")
        monkeypatch.setattr(examples, "_examples", lambda: tmp_path / "shipped")
        folder = tmp_path / "trial"
        assert execute(["init", "alone", str(folder), "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["parties"], told["commands"]) == (
            {},
            {"run": f"isthmus run {folder}/job.toml"},
        )


class TestRefusals:
    def test_an_unknown_template_lists_those_there_are(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert execute(["init", "../health", str(tmp_path / "trial")]) == 2
        assert "there is no template '../health': there are " in capsys.readouterr().err
        assert not (tmp_path / "trial").exists()
        assert "health" in examples.names()

    @pytest.mark.parametrize(
        ("template", "extra", "module"),
        [
            ("encoder", "horizontal", "torch"),
            ("fusion", "horizontal", "torch"),
            ("ads", "paramserver", "numba"),
        ],
    )
    def test_a_missing_extra_is_named_before_anything_is_written(
        self,
        template: str,
        extra: str,
        module: str,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(extras, "find_spec", lambda _: None)
        assert execute(["init", template, str(tmp_path / "trial"), "--json"]) == 2
        told = capsys.readouterr()
        assert f"needs the extra `{extra}`, and its module {module!r} is not inst" in told.err
        assert f"run `pip install '.[{extra}]'`" in told.err
        assert json.loads(told.out)["error"]["kind"] == "MissingExtraError"
        assert not (tmp_path / "trial").exists()

    def test_a_folder_that_is_not_empty_stays_as_it_is(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "thesis.txt").touch()
        assert execute(["init", "health", str(tmp_path)]) == 2
        assert "is not empty" in capsys.readouterr().err
        assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]

    def test_a_folder_that_cannot_be_made_is_named(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "file").touch()
        assert execute(["init", "health", str(tmp_path / "file" / "trial")]) == 2
        assert "cannot be written" in capsys.readouterr().err


class TestFrom:
    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            (["health"], "name a new folder too: isthmus init health DIR"),
            (["health", "trial", "--data", "later"], "goes with `--from`"),
            (["score.toml", "trial", "--from", "runs"], "with --from, one name is enough"),
            (["score.toml", "--from", "runs"], "holds no run"),
        ],
        ids=lambda given: " ".join(given) if isinstance(given, list) else "",
    )
    def test_refuses_what_does_not_belong_together(
        self,
        words: list[str],
        sentence: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert execute(["init", *words]) == 2
        assert sentence in " ".join(capsys.readouterr().err.split())
