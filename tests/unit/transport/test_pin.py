"""Which files can be pinned as the certificate of a peer."""

import ssl

import pytest

from isthmus.core.errors import SpecError
from isthmus.crypto import certificates
from isthmus.transport.pin import pin

CLINIC = certificates.self_signed("clinic", certificates.make_key())
AUTHORITY = certificates.make_authority("health-authority")


class TestPin:
    def test_is_the_certificate_as_der(self) -> None:
        assert pin("clinic", CLINIC) == ssl.PEM_cert_to_DER_cert(CLINIC.decode())

    def test_does_not_depend_on_text_around_the_certificate(self) -> None:
        assert pin("clinic", b"Issued in May:\r\n\r\n" + CLINIC + b"\n\n") == pin("clinic", CLINIC)

    @pytest.mark.parametrize("pem", [b"", b"junk", b"\xff\x00", CLINIC[:-40], CLINIC[40:]])
    def test_refuses_what_is_no_certificate(self, pem: bytes) -> None:
        with pytest.raises(SpecError, match="certificate of 'clinic' is not a PEM file"):
            pin("clinic", pem)

    def test_refuses_a_private_key(self) -> None:
        with pytest.raises(SpecError, match="certificate of 'clinic' is not a PEM file"):
            pin("clinic", certificates.make_key())

    @pytest.mark.parametrize("pem", [AUTHORITY.certificate, CLINIC + AUTHORITY.certificate])
    def test_refuses_an_authority_since_it_can_sign_others(self, pem: bytes) -> None:
        with pytest.raises(SpecError, match="without the authority that signed it"):
            pin("clinic", pem)

    def test_refuses_two_certificates(self) -> None:
        other = certificates.self_signed("clinic", certificates.make_key())
        with pytest.raises(SpecError, match="alone in its file"):
            pin("clinic", CLINIC + other)
