"""Pinned certificates: the exact certificate that a peer must present."""

import ssl

from isthmus.core.errors import SpecError

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


def pin(peer: str, pem: bytes) -> bytes:
    """Read the certificate that a party file names for a peer.

    Args:
        peer: Name of the peer, for the error.
        pem: Contents of the file; text around the certificate is ignored.

    Returns:
        The certificate as DER, which is equal for equal certificates.

    Raises:
        SpecError: It is not one single certificate, or it is that of an authority: to pin it would
            be to trust every certificate that the authority signs.
    """
    try:
        store = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        text = pem.decode("ascii", errors="ignore")
        store.load_verify_locations(cadata=text)
        certificate = text[text.index(_BEGIN) : text.index(_END) + len(_END)]
    except (ssl.SSLError, ValueError):
        raise SpecError(
            f"the certificate of {peer!r} is not a PEM file. Ask {peer!r} for the certificate that "
            "`isthmus keys` wrote there."
        ) from None
    stats = store.cert_store_stats()
    if stats["x509"] != 1 or stats["x509_ca"]:
        raise SpecError(
            f"the certificate of {peer!r} must be that party's own and alone in its file, without "
            f"the authority that signed it. Ask {peer!r} for it."
        )
    return ssl.PEM_cert_to_DER_cert(certificate)
