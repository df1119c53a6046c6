"""Keys and certificates: who is who on the line."""

from pathlib import Path
from typing import Annotated

import typer

from isthmus.answers.text import facts, page
from isthmus.cli.answer import Answer
from isthmus.cli.files import read, write_new
from isthmus.core.errors import naming_file

KEY = "key.pem"
CERTIFICATE = "certificate.pem"
REQUEST = "request.pem"

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="Name of the party: a-z, 0-9 and hyphens.")
]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Where to write the files.")]


def make(name: Name, folder: Folder) -> Answer:
    """Make a private key and a self-signed certificate to give to the other parties."""
    from isthmus.crypto import certificates

    key = certificates.make_key()
    certificate = certificates.self_signed(name, key)
    write_new(folder, {KEY: key, CERTIFICATE: certificate})
    return _made(
        folder,
        (KEY, CERTIFICATE),
        f"Give {folder / CERTIFICATE} to the other parties, and read them its fingerprint over "
        f"the telephone: {_grouped(certificates.fingerprint(certificate))}",
    )


def request(name: Name, folder: Folder) -> Answer:
    """Make a private key and a request for a certificate, to be signed by an authority."""
    from isthmus.crypto import certificates

    key = certificates.make_key()
    write_new(folder, {KEY: key, REQUEST: certificates.signing_request(name, key)})
    return _made(
        folder,
        (KEY, REQUEST),
        f"Send {folder / REQUEST} to the authority; what comes back is your {CERTIFICATE}.",
    )


def authority(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the authority.")],
    folder: Folder,
) -> Answer:
    """Make an authority that signs requests: for a trial, as a company has its own."""
    from isthmus.crypto import certificates

    made = certificates.make_authority(name)
    write_new(folder, {KEY: made.private_key, CERTIFICATE: made.certificate})
    return _made(
        folder, (KEY, CERTIFICATE), f"Who holds {folder / KEY} can sign for any party: guard it."
    )


def issue(
    request: Annotated[
        Path, typer.Argument(metavar="REQUEST", help="What `isthmus keys request` made.")
    ],
    authority: Annotated[
        Path,
        typer.Argument(metavar="AUTHORITY_DIR", help="What `isthmus keys authority` made."),
    ],
) -> Answer:
    """Sign a request; the certificate is written beside it."""
    from isthmus.crypto import certificates

    signer = certificates.Authority(read(authority / CERTIFICATE), read(authority / KEY))
    with naming_file(request):
        certificate = certificates.issue(read(request), signer)
    write_new(request.parent, {CERTIFICATE: certificate})
    return _made(
        request.parent,
        (CERTIFICATE,),
        "Send it to the party that asked, and to those who will talk to it.",
    )


def show(
    certificate: Annotated[Path, typer.Argument(metavar="CERT", help="A certificate.")],
) -> Answer:
    """Show whose a certificate is, until when, and its fingerprint to compare by telephone."""
    from isthmus.crypto import certificates

    pem = read(certificate)
    with naming_file(certificate):
        name, expires = certificates.common_name(pem), certificates.expires(pem)
        fingerprint = certificates.fingerprint(pem)
    value = {"name": name, "expires": expires, "fingerprint": fingerprint}
    lines = [
        ("name", name),
        ("expires", f"{expires:%Y-%m-%d}"),
        ("fingerprint", _grouped(fingerprint)),
    ]
    return Answer(value, facts(lines))


def _made(folder: Path, files: tuple[str, ...], advice: str) -> Answer:
    paths = [str(folder / file) for file in files]
    return Answer({"files": paths}, page(f"Wrote {' and '.join(paths)}.", advice))


def _grouped(fingerprint: str) -> str:
    """Four signs at a time, as people read them out."""
    return " ".join(fingerprint[at : at + 4] for at in range(0, len(fingerprint), 4))
