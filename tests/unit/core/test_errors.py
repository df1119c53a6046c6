"""Every error says who has to act, and scripts can tell them apart."""

import errno
import os
import re
from pathlib import Path

import pytest

from isthmus.cli.failures import EXIT_CODES
from isthmus.core.errors import (
    ChannelError,
    DiskError,
    IsthmusError,
    JobError,
    LedgerError,
    PeerError,
    PolicyError,
    SpecError,
    disk_full_is_error,
    naming_file,
    of_name,
)
from isthmus.core.extras import MissingExtraError

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "first-job.md"
KINDS = (IsthmusError, SpecError, PeerError, ChannelError, LedgerError, PolicyError)


class TestExitCode:
    def test_is_another_one_for_each_kind(self) -> None:
        codes = {kind: kind.exit_code for kind in KINDS}
        assert len(set(codes.values())) == len(KINDS)

    def test_of_a_job_that_asks_too_much_is_that_of_a_wrong_file(self) -> None:
        assert JobError.exit_code == SpecError.exit_code

    def test_of_a_full_disk_is_that_of_a_wrong_file(self) -> None:
        assert DiskError.exit_code == SpecError.exit_code

    @pytest.mark.parametrize("kind", KINDS)
    def test_is_explained_by_the_command_line(self, kind: type[IsthmusError]) -> None:
        assert EXIT_CODES[kind.exit_code]

    def test_is_explained_by_the_guide_in_the_same_words(self) -> None:
        table = re.findall(r"^\| (\d+) \| (.+) \|$", GUIDE.read_text("utf-8"), re.MULTILINE)
        assert {int(code): meaning for code, meaning in table} == EXIT_CODES


class TestOfName:
    @pytest.mark.parametrize("kind", [*KINDS, JobError, DiskError])
    def test_finds_every_kind(self, kind: type[IsthmusError]) -> None:
        assert of_name(kind.__name__) is kind

    @pytest.mark.parametrize("name", ["", "OSError", "disk_full_is_error"])
    def test_finds_nothing_else(self, name: str) -> None:
        assert of_name(name) is None


class TestAbout:
    def test_names_the_file_that_an_error_is_about(self) -> None:
        with (
            pytest.raises(SpecError, match=r"^job\.toml: no roles\.$"),
            naming_file(Path("job.toml")),
        ):
            raise SpecError("no roles.")

    def test_leaves_errors_alone_that_no_file_is_to_blame_for(self) -> None:
        with pytest.raises(PolicyError, match=r"^refused\.$"), naming_file(Path("party.toml")):
            raise PolicyError("refused.")

    @pytest.mark.parametrize("kind", [JobError, DiskError, MissingExtraError])
    def test_leaves_alone_what_knows_what_it_is_about(self, kind: type[SpecError]) -> None:
        with pytest.raises(kind, match=r"^too few\.$"), naming_file(Path("party.toml")):
            raise kind("too few.")


class TestRoomFor:
    @pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
    def test_names_the_file_that_has_no_room_and_says_what_to_do(self, number: int) -> None:
        sentence = rf"^runs: no space left to write it \({os.strerror(number)}\)\. Make room"
        with pytest.raises(DiskError, match=sentence), disk_full_is_error(Path("runs")):
            raise OSError(number, os.strerror(number))

    def test_leaves_other_errors_alone(self) -> None:
        with pytest.raises(PermissionError), disk_full_is_error(Path("runs")):
            raise PermissionError(errno.EACCES, "denied")
