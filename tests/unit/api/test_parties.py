"""A party made in Python is one party file, and data beside it."""

import stat
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import isthmus as im
from isthmus.core import spec
from isthmus.core.errors import SpecError
from isthmus.jobs.party import Party as PartyFile
from tests.trial_in_memory import parties

TABLE = pa.table({"id": ["a", "b"], "age": [30, 40]})

FILE = """\
party = "clinic"
runs = "/var/runs"

[datasets.people]
path = "people.csv"

[identity]
certificate = "certificate.pem"
private_key = "key.pem"

[peers.insurer]
certificate = "peers/insurer.pem"
"""


class TestParty:
    def test_is_saved_with_its_data_beside_it(self, tmp_path: Path) -> None:
        party = im.Party(
            "clinic",
            people=im.frame(TABLE, identifiers=["id"]),
            policy={"minimum_shared": 100},
            identity={"certificate": Path("certificate.pem"), "private_key": "key.pem"},
        )
        party.save(tmp_path / "clinic" / "party.toml")
        found = spec.load(tmp_path / "clinic" / "party.toml", PartyFile)
        assert found == party.file
        assert found.policy.minimum_shared == 100
        assert found.datasets["people"].path == "people.parquet"
        assert found.identity is not None
        assert found.identity.certificate == "certificate.pem"
        data = tmp_path / "clinic" / "people.parquet"
        assert stat.S_IMODE(data.stat().st_mode) == 0o600

    def test_is_saved_over_itself(self, tmp_path: Path) -> None:
        for _ in range(2):
            im.Party("clinic", people=im.frame(TABLE)).save(tmp_path / "party.toml")

    def test_replaces_no_data_of_others(self, tmp_path: Path) -> None:
        (tmp_path / "people.parquet").write_text("not ours")
        with pytest.raises(SpecError, match=r"people\.parquet: is there already"):
            im.Party("clinic", people=im.frame(TABLE)).save(tmp_path / "party.toml")
        assert (tmp_path / "people.parquet").read_text() == "not ours"

    def test_finds_its_files_from_where_it_is_saved(self, tmp_path: Path) -> None:
        (tmp_path / "clinic").mkdir()
        (tmp_path / "clinic" / "party.toml").write_text(FILE)
        party = im.Party.load(tmp_path / "clinic" / "party.toml")
        party.save(tmp_path / "elsewhere" / "party.toml")
        party.save(tmp_path / "clinic" / "same.toml")
        moved = spec.load(tmp_path / "elsewhere" / "party.toml", PartyFile)
        assert moved.datasets["people"].path == str(tmp_path / "clinic" / "people.csv")
        assert moved.peers["insurer"].certificate == str(tmp_path / "clinic/peers/insurer.pem")
        assert moved.identity is not None
        assert moved.identity.private_key == str(tmp_path / "clinic" / "key.pem")
        assert moved.runs == "/var/runs"
        assert spec.load(tmp_path / "clinic" / "same.toml", PartyFile) == party.file

    @pytest.mark.parametrize(
        ("keys", "said"),
        [
            ({"people": TABLE}, "`people` is a data frame: put it into `isthmus.frame"),
            ({"rules": {}}, "^party: the file has no key `rules`"),
            ({"Bad_Name": im.frame(TABLE)}, "`datasets.Bad_Name` is the name"),
            ({"wait": -1.0}, r"`wait` is -1.0, and .*`isthmus schema party` lists every key"),
        ],
    )
    def test_says_in_one_sentence_what_does_not_fit(self, keys: dict[str, Any], said: str) -> None:
        with pytest.raises(SpecError, match=said):
            im.Party("clinic", **keys)

    def test_shows_its_name_and_no_cell(self) -> None:
        clinic, _ = parties()
        assert repr(clinic) == "Party('clinic', people=Frame(300 rows, 4 columns))"
