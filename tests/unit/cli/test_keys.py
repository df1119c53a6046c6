import json
from pathlib import Path

import pytest

from isthmus.cli.main import execute
from isthmus.crypto import certificates


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


class TestMake:
    def test_writes_a_key_for_its_owner_alone_and_the_certificate_of_it(
        self, tmp_path: Path
    ) -> None:
        assert execute(["keys", "make", "clinic", str(tmp_path / "new" / "keys")]) == 0
        folder = tmp_path / "new" / "keys"
        key, certificate = folder / "key.pem", folder / "certificate.pem"
        assert key.stat().st_mode & 0o777 == 0o600
        certificates.check(certificate.read_bytes(), key.read_bytes(), "clinic")

    def test_tells_the_fingerprint_to_read_to_the_others(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        execute(["keys", "make", "clinic", str(tmp_path)])
        expected = certificates.fingerprint((tmp_path / "certificate.pem").read_bytes())
        assert expected in "".join(capsys.readouterr().out.split())

    @pytest.mark.parametrize("there", ["key.pem", "certificate.pem"])
    def test_replaces_nothing(
        self, there: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / there).write_text("precious")
        assert execute(["keys", "make", "clinic", str(tmp_path)]) == 2
        assert f"{there}: is there already" in capsys.readouterr().err
        assert names(tmp_path) == {there}
        assert (tmp_path / there).read_text() == "precious"

    def test_refuses_a_name_that_is_not_one(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert execute(["keys", "make", "The Clinic", str(tmp_path)]) == 2
        assert "'The Clinic' cannot name a party" in capsys.readouterr().err
        assert not names(tmp_path)

    def test_says_where_it_cannot_write(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "file").touch()
        assert execute(["keys", "make", "clinic", str(tmp_path / "file" / "keys")]) == 2
        assert "cannot be written: Not a directory." in capsys.readouterr().err


class TestAuthority:
    def test_signs_what_a_party_requests(self, tmp_path: Path) -> None:
        party, authority = tmp_path / "party", tmp_path / "authority"
        assert execute(["keys", "authority", "trial", str(authority)]) == 0
        assert execute(["keys", "request", "clinic", str(party)]) == 0
        assert execute(["keys", "issue", str(party / "request.pem"), str(authority)]) == 0
        assert names(party) == {"key.pem", "request.pem", "certificate.pem"}
        certificates.check(
            (party / "certificate.pem").read_bytes(), (party / "key.pem").read_bytes(), "clinic"
        )

    def test_names_the_request_that_it_cannot_read(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        execute(["keys", "authority", "trial", str(tmp_path)])
        (tmp_path / "request.pem").write_text("no PEM")
        assert execute(["keys", "issue", str(tmp_path / "request.pem"), str(tmp_path)]) == 2
        assert f"{tmp_path / 'request.pem'}: this is not a" in capsys.readouterr().err


class TestShow:
    def test_shows_name_expiry_and_fingerprint(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        key = certificates.make_key()
        pem = certificates.self_signed("clinic", key)
        (tmp_path / "it.pem").write_bytes(pem)
        assert execute(["keys", "show", str(tmp_path / "it.pem"), "--json"]) == 0
        shown = json.loads(capsys.readouterr().out)
        assert shown["name"] == "clinic"
        assert shown["expires"].startswith(f"{certificates.expires(pem):%Y-%m-%d}")
        assert shown["fingerprint"] == certificates.fingerprint(pem)

    def test_names_the_file_that_is_no_certificate(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "key.pem").write_bytes(certificates.make_key())
        assert execute(["keys", "show", str(tmp_path / "key.pem")]) == 2
        assert f"{tmp_path / 'key.pem'}: this is not a certificate" in capsys.readouterr().err
