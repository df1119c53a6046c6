"""Chains of certificates: every rule that we check ourselves, broken one at a time."""

from datetime import timedelta

import pytest

from isthmus.core.errors import PeerError, SpecError
from isthmus.tee import chain
from tests.unit.tee.authority import ENDS, NOW, Authority, authority

ROOT = authority("root", issues=1)
MIDDLE = authority("middle", ROOT, issues=0)
LEAF = authority("leaf", MIDDLE)
TRUSTED = chain.fingerprints([ROOT.pem.decode()])


def check(*authorities: Authority) -> None:
    chain.check([one.certificate for one in authorities], TRUSTED, NOW)


class TestCheck:
    def test_follows_a_chain_to_a_root_that_we_trust(self) -> None:
        check(LEAF, MIDDLE, ROOT)

    def test_refuses_a_root_that_we_do_not_trust(self) -> None:
        other = authority("root", issues=1)
        with pytest.raises(PeerError, match=r"at 'root', fingerprint [0-9a-f]{64}, which is no"):
            check(authority("leaf", other), other)

    def test_refuses_an_issuer_of_the_same_name_with_another_key(self) -> None:
        impostor = authority("middle", authority("root", issues=1), issues=1)
        with pytest.raises(PeerError, match="'middle' was not issued by 'root'"):
            check(authority("leaf", impostor), impostor, ROOT)

    def test_refuses_an_issuer_of_another_name(self) -> None:
        with pytest.raises(PeerError, match="'leaf' was not issued by 'root'"):
            check(LEAF, ROOT)

    def test_refuses_a_certificate_issued_by_who_may_not_issue(self) -> None:
        with pytest.raises(PeerError, match="'below' was not issued by 'leaf', or not rightfully"):
            check(authority("below", LEAF), LEAF, MIDDLE, ROOT)

    def test_refuses_more_authorities_below_one_than_it_allows(self) -> None:
        lowest = authority("lowest", MIDDLE, issues=1)
        with pytest.raises(PeerError, match="'lowest' was not issued by 'middle', or not right"):
            check(authority("leaf", lowest), lowest, MIDDLE, ROOT)

    def test_refuses_an_authority_for_a_key_that_signs_evidence(self) -> None:
        with pytest.raises(PeerError, match="'middle' is not for a key that signs evidence"):
            check(MIDDLE, ROOT)

    def test_refuses_a_critical_extension_that_nobody_here_knows(self) -> None:
        strange = authority("strange", ROOT, extensions={"1.2.3": b""}, critical=True)
        with pytest.raises(PeerError, match=r"a critical extension that we do not know, 1\.2\.3"):
            check(strange, ROOT)

    def test_names_the_certificate_that_has_expired_with_its_date(self) -> None:
        expired = authority("expired", ROOT, ends=NOW - timedelta(days=1))
        with pytest.raises(PeerError, match="'expired' expired on 2026-01-14 at 12:00 UTC"):
            check(expired, ROOT)

    def test_holds_until_the_last_second(self) -> None:
        certificates = [one.certificate for one in (LEAF, MIDDLE, ROOT)]
        chain.check(certificates, TRUSTED, ENDS)
        with pytest.raises(PeerError, match="'leaf' expired"):
            chain.check(certificates, TRUSTED, ENDS + timedelta(seconds=1))

    def test_asks_for_the_clock_where_a_certificate_is_not_valid_yet(self) -> None:
        early = NOW - timedelta(days=90)
        with pytest.raises(PeerError, match=r"valid from 2025-12-16 .* is this machine's clock"):
            chain.check([ROOT.certificate], TRUSTED, early)

    def test_shows_nobody_the_warnings_of_the_library(self) -> None:
        name, country = b"\x55\x04\x03\x0c\x03odd", b"\x55\x04\x06\x0c\x03odd"  # two letters
        (odd,) = chain.read_der([authority("odd", ROOT).der.replace(name, country)])
        with pytest.raises(PeerError, match="'' was not issued by 'root'"):
            chain.check(chain.order([odd, ROOT.certificate]), TRUSTED, NOW)

    def test_quotes_a_name_that_would_steer_a_terminal(self) -> None:
        rude = authority("\x1b[2J", issues=1)
        with pytest.raises(PeerError) as told:
            check(rude)
        assert "\x1b" not in str(told.value)


class TestOrder:
    def test_puts_the_signing_key_first_and_the_root_last(self) -> None:
        leaf, middle, root = (one.certificate for one in (LEAF, MIDDLE, ROOT))
        assert chain.order([root, leaf, middle]) == [leaf, middle, root]

    @pytest.mark.parametrize("chosen", [(LEAF, ROOT), (LEAF, authority("other"), ROOT)], ids=len)
    def test_refuses_what_is_not_one_chain(self, chosen: tuple[Authority, ...]) -> None:
        with pytest.raises(PeerError, match="are not one chain"):
            chain.order([one.certificate for one in chosen])


class TestRead:
    def test_reads_one_in_der_before_those_in_pem(self) -> None:
        assert chain.read(LEAF.der + MIDDLE.pem + ROOT.pem) == chain.read(
            LEAF.pem + MIDDLE.pem + ROOT.pem
        )

    def test_finds_none_in_a_text_without_any(self) -> None:
        assert not chain.read(b"nothing here")

    @pytest.mark.parametrize(
        "broken", [LEAF.der[:-1], LEAF.pem[:-40], LEAF.pem.replace(b"MII", b"AAA")]
    )
    def test_refuses_what_cannot_be_read(self, broken: bytes) -> None:
        with pytest.raises(PeerError, match="cannot be read"):
            chain.read(broken)

    def test_says_which_key_of_the_policy_holds_no_certificate(self) -> None:
        with pytest.raises(SpecError, match=r"policy\.enclaves\.roots: one of them is no"):
            chain.fingerprints(["-----BEGIN NONSENSE-----"])
