"""`isthmus init`: a folder that two people can run."""

import stat
from pathlib import Path

import pytest
from pyarrow import parquet

from isthmus.core.errors import SpecError
from isthmus.core.extras import MissingExtraError
from isthmus.crypto import certificates
from isthmus.jobs import examples
from isthmus.jobs.check import check
from isthmus.jobs.examples import Made
from isthmus.jobs.load import load_job
from isthmus.jobs.plan import Loaded


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return examples.make("health", tmp_path_factory.mktemp("made") / "a folder")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return examples.make("ads", tmp_path_factory.mktemp("alone") / "made")


class TestMakeAlone:
    """Of an example of one organisation."""

    def test_has_a_job_and_no_party(self, alone: Made) -> None:
        assert alone.parties == {}
        assert load_job(alone.job).job.parties == {}
        assert not list(alone.job.parent.rglob("*.pem"))

    def test_generates_the_data_that_the_job_names(self, alone: Made) -> None:
        datasets = load_job(alone.job).job.tables["datasets"]
        for dataset in datasets.values():
            assert parquet.read_metadata(dataset.resolve(alone.job.parent)).num_rows > 0

    def test_generates_the_same_each_time(self, alone: Made, tmp_path: Path) -> None:
        again = examples.make("ads", tmp_path / "again").job.parent
        for file in alone.job.parent.glob("*.parquet"):
            assert (again / file.name).read_bytes() == file.read_bytes()

    def test_ships_none_of_them(self) -> None:
        for template in examples.GENERATED:
            assert not list(Path("examples", template).glob("*.parquet"))


class TestMakeBeside:
    """Of an example of one organisation with a job of several parties beside it."""

    def test_gives_every_party_of_that_job_what_it_needs_to_run(self, tmp_path: Path) -> None:
        made = examples.make("multilingual", tmp_path / "words")
        assert made.parties == {}
        for party in ("hub", "lyon"):
            file = made.job.parent / party / "party.toml"
            ready = check(made.job.with_name("islands.toml"), file).ready
            assert ready is not None
            assert ready.party == party


class TestMakeEveryJob:
    """Also the other jobs of an example, with parties that the first one does not have."""

    def test_gives_every_party_of_every_job_what_it_needs_to_run(self, made: Made) -> None:
        folder = made.job.parent
        for job in sorted(folder.glob("*.toml")):
            for party in load_job(job).job.parties:
                ready = check(job, folder / party / "party.toml").ready
                assert ready is not None
                assert ready.party == party

    def test_gives_a_party_one_key_for_all_jobs(self, made: Made) -> None:
        folder = made.job.parent
        held = load_job(folder / "three.toml").job.parties
        for party in ("insurer", "pharmacy"):
            own = (folder / party / "certificate.pem").read_bytes()
            assert (folder / "clinic" / "peers" / f"{party}.pem").read_bytes() == own
            assert held[party].fingerprint == certificates.fingerprint(own)

    def test_leaves_out_a_job_whose_library_is_not_installed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def load(path: Path) -> Loaded:
            if path.name == "three.toml":
                raise MissingExtraError("this job needs the extra `x`")
            return load_job(path)

        monkeypatch.setattr(examples, "load_job", load)
        made = examples.make("health", tmp_path / "trial")
        assert check(made.job, made.parties["clinic"]).ready is not None
        assert not (tmp_path / "trial" / "pharmacy" / "key.pem").exists()


class TestMake:
    def test_gives_every_party_what_it_needs_to_run(self, made: Made) -> None:
        for party, file in made.parties.items():
            ready = check(made.job, file).ready  # its keys and addresses are checked too
            assert ready is not None
            assert ready.party == party

    def test_names_the_party_that_listens_first(self, made: Made) -> None:
        assert list(made.parties) == ["clinic", "insurer"]

    def test_keeps_the_comments_of_party_files(self, made: Made) -> None:
        assert "# Stays at the clinic" in made.parties["clinic"].read_text()

    def test_keeps_keys_to_their_owners(self, made: Made) -> None:
        keys = [file.parent / examples.KEY for file in made.parties.values()]
        assert all(stat.S_IMODE(key.stat().st_mode) == 0o600 for key in keys)
        assert len({key.read_bytes() for key in keys}) == len(keys)

    def test_gives_each_party_the_certificate_of_the_other(self, made: Made) -> None:
        pem = (made.parties["clinic"].parent / "peers" / "insurer.pem").read_bytes()
        assert certificates.common_name(pem) == "insurer"

    def test_names_the_templates_that_there_are(self, tmp_path: Path) -> None:
        with pytest.raises(
            SpecError, match="no template 'helth': there are ads, encoder, fusion, health"
        ):
            examples.make("helth", tmp_path / "new")

    def test_writes_into_no_folder_that_has_something_in_it(self, tmp_path: Path) -> None:
        (tmp_path / "mine.txt").touch()
        with pytest.raises(SpecError, match=r"is not empty. Give a new folder"):
            examples.make("health", tmp_path)

    def test_writes_into_no_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(SpecError, match=r"file: cannot be written: .*Give another folder"):
            examples.make("health", tmp_path / "file")
