"""What a party is told about its lines and certificates."""

import pytest

from isthmus.core.errors import ChannelError, IsthmusError, PeerError, SpecError
from isthmus.core.telemetry import Event, Telemetry
from isthmus.crypto import certificates
from isthmus.jobs import notices
from isthmus.transport.grpc import Identity

KEY = certificates.make_key()


def valid_for(days: int) -> bytes:
    return certificates.self_signed("clinic", KEY, days)


class Notes(list[str]):
    """What the telemetry was told."""

    def __call__(self, event: Event) -> None:
        self.append(event.note)


@pytest.fixture
def notes() -> Notes:
    return Notes()


class TestAbsence:
    def test_names_who_is_missing_for_how_long_we_try_and_who_is_back(self, notes: Notes) -> None:
        tell = notices.of_absence(Telemetry(notes))
        tell("insurer", 590.2)
        tell("insurer", 0.0)
        assert notes[0].startswith("insurer is missing: no connection")
        assert "for 590 s more" in notes[0]
        assert notes[1] == "insurer is back"


class TestSecond:
    def test_names_whose_key_it_has(self, notes: Notes) -> None:
        notices.of_second(Telemetry(notes))("insurer")
        assert notes[0].startswith("a second process with the key of insurer came")


class TestEnds:
    def test_within_30_days_are_warned_of(self, notes: Notes) -> None:
        soon, later = valid_for(29), valid_for(31)
        notices.of_ends(soon, {"insurer": soon, "bank": later}, Telemetry(notes))
        day = f"{certificates.expires(soon):%Y-%m-%d}"
        assert notes == [
            f"our own certificate ends on {day}: exchange a new one before",
            f"the certificate of insurer ends on {day}: exchange a new one before",
        ]

    @pytest.mark.parametrize("error", [ChannelError("gone"), PeerError("refused")])
    def test_of_our_own_while_we_waited_is_named_as_the_cause(self, error: IsthmusError) -> None:
        us = Identity("clinic", valid_for(0), KEY)
        with (
            pytest.raises(SpecError, match=r"certificate of 'clinic', our own, ended at .* while"),
            notices.naming_our_end(us),
        ):
            raise error

    def test_of_a_valid_one_are_blamed_for_nothing(self) -> None:
        us = Identity("clinic", valid_for(1), KEY)
        with pytest.raises(ChannelError, match="gone"), notices.naming_our_end(us):
            raise ChannelError("gone")
