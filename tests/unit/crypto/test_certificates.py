import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import PolicyBuilder, Store

from isthmus.core.errors import SpecError
from isthmus.crypto import certificates

KEY = certificates.make_key()
SELF_SIGNED = certificates.self_signed("clinic", KEY)


# Kinds of keys that people have, and we do not use.
OtherKey = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
OTHER_KEYS: list[OtherKey] = [
    rsa.generate_private_key(65537, 2048),
    ed25519.Ed25519PrivateKey.generate(),
]


def named(name: str) -> x509.Name:
    """A common name."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def foreign(key: OtherKey, name: x509.Name | None = None) -> bytes:
    """A self-signed certificate that another tool made."""
    now, subject = datetime.now(UTC), named("insurer") if name is None else name
    unsigned = x509.CertificateBuilder(subject, subject, key.public_key(), 1, now, now)
    return unsigned.sign(key, algorithm(key)).public_bytes(Encoding.PEM)


def algorithm(key: OtherKey) -> hashes.SHA256 | None:
    """What such a key signs a certificate with."""
    return hashes.SHA256() if isinstance(key, rsa.RSAPrivateKey) else None


class TestSelfSigned:
    def test_names_the_party_for_people_and_for_tls(self) -> None:
        parsed = x509.load_pem_x509_certificate(SELF_SIGNED)
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert certificates.common_name(SELF_SIGNED) == "clinic"
        assert names.get_values_for_type(x509.DNSName) == ["clinic"]

    def test_is_valid_for_as_many_days_as_asked(self) -> None:
        ends = certificates.expires(certificates.self_signed("clinic", KEY, days=3))
        assert abs(ends - datetime.now(UTC) - timedelta(days=3)) < timedelta(minutes=1)

    def test_belongs_to_its_key_only(self) -> None:
        assert certificates.matches(SELF_SIGNED, KEY)
        assert not certificates.matches(SELF_SIGNED, certificates.make_key())

    def test_cannot_certify_others(self) -> None:
        parsed = x509.load_pem_x509_certificate(SELF_SIGNED)
        constraints = parsed.extensions.get_extension_for_class(x509.BasicConstraints)
        assert constraints.critical
        assert not constraints.value.ca

    @pytest.mark.parametrize("name", ["", "Clinic", "a b", "clínic", "-a", "a-", "a.b", "x" * 64])
    def test_refuses_names_that_tls_cannot_compare(self, name: str) -> None:
        with pytest.raises(SpecError, match="cannot name a party"):
            certificates.self_signed(name, KEY)


class TestAuthority:
    def test_issues_what_tls_accepts_from_both_ends(self) -> None:
        authority = certificates.make_authority("consortium")
        issued = certificates.issue(certificates.signing_request("insurer", KEY), authority)
        root = x509.load_pem_x509_certificate(authority.certificate)
        policy = PolicyBuilder().store(Store([root]))
        leaf = x509.load_pem_x509_certificate(issued)

        chain = policy.build_server_verifier(x509.DNSName("insurer")).verify(leaf, [])
        assert chain == [leaf, root]
        assert policy.build_client_verifier().verify(leaf, []).chain == [leaf, root]
        assert certificates.matches(issued, KEY)
        assert certificates.common_name(issued) == "insurer"

    def test_refuses_a_request_that_was_changed(self) -> None:
        request = x509.load_pem_x509_csr(certificates.signing_request("insurer", KEY))
        data = request.public_bytes(Encoding.DER).replace(b"insurer", b"insured")
        changed = x509.load_der_x509_csr(data).public_bytes(Encoding.PEM)
        with pytest.raises(SpecError, match="was changed"):
            certificates.issue(changed, certificates.make_authority("consortium"))

    def test_keeps_its_key_out_of_sight(self) -> None:
        authority = certificates.make_authority("consortium")
        assert repr(authority) == "Authority('consortium')"


class TestCheck:
    def test_accepts_a_partys_own_pair(self) -> None:
        certificates.check(SELF_SIGNED, KEY, "clinic")

    def test_refuses_another_key(self) -> None:
        with pytest.raises(SpecError, match="another private key"):
            certificates.check(SELF_SIGNED, certificates.make_key(), "clinic")

    def test_refuses_another_party(self) -> None:
        with pytest.raises(SpecError, match="for 'clinic', and this party is 'insurer'"):
            certificates.check(SELF_SIGNED, KEY, "insurer")

    def test_refuses_an_expired_certificate(self) -> None:
        expired = certificates.self_signed("clinic", KEY, days=0)
        with pytest.raises(SpecError, match="make a new one"):
            certificates.check(expired, KEY, "clinic")

    def test_asks_about_the_clock_before_a_certificate_begins(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(certificates, "_CLOCK_SKEW", timedelta(days=-2))
        tomorrow = certificates.self_signed("clinic", KEY)
        with pytest.raises(SpecError, match=r"valid from .* it is .* is that clock wrong\?"):
            certificates.check(tomorrow, KEY, "clinic")


class TestFingerprint:
    def test_is_what_openssl_prints(self) -> None:
        printed = certificates.fingerprint(SELF_SIGNED)
        assert len(bytes.fromhex(printed)) == 32
        assert printed == certificates.fingerprint(b"a comment\n" + SELF_SIGNED)
        assert printed != certificates.fingerprint(certificates.self_signed("clinic", KEY))


class TestSignatures:
    def test_hold_for_the_signed_data_only(self) -> None:
        signature = certificates.sign(KEY, b"ledger")
        assert certificates.verify(SELF_SIGNED, signature, b"ledger")
        assert not certificates.verify(SELF_SIGNED, signature, b"ledges")
        assert not certificates.verify(SELF_SIGNED, b"garbage", b"ledger")
        assert not certificates.verify(SELF_SIGNED, bytes(64), b"ledger")
        assert {len(certificates.sign(KEY, b"%d" % number)) for number in range(50)} == {64}

    def test_hold_for_the_holder_of_the_certificate_only(self) -> None:
        theirs = certificates.sign(certificates.make_key(), b"ledger")
        assert not certificates.verify(SELF_SIGNED, theirs, b"ledger")


class TestOtherKeys:
    @pytest.mark.parametrize("key", OTHER_KEYS, ids=["RSA", "Ed25519"])
    def test_are_refused_with_advice(self, key: OtherKey) -> None:
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        request = x509.CertificateSigningRequestBuilder(named("insurer"))
        signed_request = request.sign(key, algorithm(key)).public_bytes(Encoding.PEM)
        advice = "make one for P-256 with `isthmus keys`"
        with pytest.raises(SpecError, match=advice):
            certificates.sign(pem, b"ledger")
        with pytest.raises(SpecError, match=advice):
            certificates.issue(signed_request, certificates.make_authority("consortium"))
        with pytest.raises(SpecError, match=advice):
            certificates.verify(foreign(key), b"signature", b"ledger")


class TestReading:
    @pytest.mark.parametrize("pem", [b"", b"garbage", KEY])
    def test_says_what_is_no_certificate(self, pem: bytes) -> None:
        with pytest.raises(SpecError, match="not a certificate in PEM"):
            certificates.common_name(pem)

    @pytest.mark.parametrize("pem", [b"", b"garbage", SELF_SIGNED])
    def test_says_what_is_no_private_key(self, pem: bytes) -> None:
        with pytest.raises(SpecError, match="not a private key in PEM without a password"):
            certificates.sign(pem, b"ledger")

    def test_takes_a_certificate_with_a_turned_byte_or_says_that_it_is_none(self) -> None:
        der = ssl.PEM_cert_to_DER_cert(SELF_SIGNED.decode())
        for at in range(len(der)):
            turned = der[:at] + bytes([der[at] ^ 0xFF]) + der[at + 1 :]
            pem = ssl.DER_cert_to_PEM_cert(turned).encode()
            for read in (certificates.common_name, certificates.expires, certificates.fingerprint):
                with suppress(SpecError):
                    read(pem)

    def test_says_when_a_certificate_names_nobody(self) -> None:
        with pytest.raises(SpecError, match="names no party"):
            certificates.common_name(foreign(OTHER_KEYS[0], x509.Name([])))

    def test_no_key_appears_in_an_error(self) -> None:
        with pytest.raises(SpecError) as error:
            certificates.common_name(KEY)
        assert KEY.splitlines()[1].decode() not in str(error.value)
