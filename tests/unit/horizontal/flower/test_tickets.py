"""How a ServerApp finds the files of who started the run."""

from pathlib import Path

import pytest

from isthmus.core.errors import SpecError
from isthmus.horizontal.flower.tickets import Desk, Ending, Ticket

TICKET = Ticket({"job": "/where/job.toml"}, {"clinic": {"party": "/where/clinic.toml"}})


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FLWR_HOME", str(tmp_path))
    return tmp_path / "isthmus"


class TestDesk:
    def test_who_has_the_number_finds_the_ticket(self) -> None:
        assert Desk(Desk.issue(TICKET).number).ticket() == TICKET

    def test_nobody_else_can_read_it(self, home: Path) -> None:
        Desk.issue(TICKET)
        (file,) = home.iterdir()
        assert home.stat().st_mode & 0o077 == 0
        assert file.stat().st_mode & 0o077 == 0

    def test_each_ticket_has_its_own_number(self) -> None:
        assert Desk.issue(TICKET).number != Desk.issue(TICKET).number

    @pytest.mark.parametrize("number", ["", "../" * 5 + "etc/passwd", "0" * 31, "0" * 32 + "\n"])
    def test_a_number_that_is_none_opens_no_file(self, number: str) -> None:
        with pytest.raises(SpecError, match="start it with `isthmus run`"):
            Desk(number)

    def test_a_ticket_of_another_machine_is_explained(self) -> None:
        with pytest.raises(SpecError, match="start `isthmus run` where the SuperLink runs"):
            Desk("0" * 32).ticket()

    def test_it_learns_how_the_run_ended(self) -> None:
        desk = Desk.issue(TICKET)
        assert desk.ending() is None
        Desk(desk.number).end(Ending("JobError", "too few"))
        assert desk.ending() == Ending("JobError", "too few")

    def test_nothing_stays(self, home: Path) -> None:
        desk = Desk.issue(TICKET)
        desk.end(Ending())
        desk.clear()
        assert not list(home.iterdir())
