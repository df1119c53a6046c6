"""A line to a given cluster over TLS, tried before Ray is: of what fails, Ray says that it does."""

import socket
import ssl
from collections.abc import Mapping
from pathlib import Path

from isthmus.core.errors import SpecError, one_line

CERTIFICATE, KEY, AUTHORITY = "RAY_TLS_SERVER_CERT", "RAY_TLS_SERVER_KEY", "RAY_TLS_CA_CERT"
VARIABLES = (CERTIFICATE, KEY, AUTHORITY)

_PATIENCE = 3.0


def read(variables: Mapping[str, str]) -> ssl.SSLContext:
    """Read the certificates that the environment of this command names.

    Args:
        variables: All variables whose names begin with RAY_.

    Returns:
        What a line to the head begins with.

    Raises:
        SpecError: One names no file, or a file is not what it should be.
    """
    certificate, key, authority = (_file(name, variables) for name in VARIABLES)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["h2"])
    try:
        context.load_verify_locations(authority)
    except OSError as error:
        raise SpecError(
            f"{AUTHORITY}: {authority} cannot be read as the certificate of an authority, PEM: "
            f"{_reason(error)}."
        ) from None
    try:
        context.load_cert_chain(certificate, key, password="")  # else it asks for one
    except (OSError, ValueError) as error:
        raise SpecError(
            f"{CERTIFICATE} and {KEY}: {certificate} and {key} are no certificate and its key, "
            f"both PEM and without a password: {_reason(error)}."
        ) from None
    return context


def try_line(address: str, context: ssl.SSLContext) -> None:
    """Open a line to the head of a cluster, and close it.

    Args:
        address: host:port, where something listens.
        context: Of `read`.

    Raises:
        SpecError: It has no TLS, its certificate is not of our authority or not for this address,
            or it refuses ours.
    """
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    with socket.create_connection((host, int(port)), timeout=_PATIENCE) as plain:
        try:
            line = context.wrap_socket(plain, server_hostname=host)
        except ssl.SSLCertVerificationError as error:
            raise SpecError(
                f"The certificate of the Ray cluster at {address} does not pass: "
                f"{error.verify_message.rstrip('.')}. {AUTHORITY} has to be the authority of all "
                "its processes, and the certificate of its head valid for the address in the job."
            ) from None
        except OSError as error:
            raise SpecError(
                f"cluster.line is tls, but what answers at {address} speaks no TLS that we do: "
                f"{_reason(error)}. Start all processes of the cluster with RAY_USE_TLS=1."
            ) from None
        with line:
            if not _taken(line):
                raise SpecError(
                    f"The Ray cluster at {address} closes the line when it sees the certificate of "
                    f"this command: {CERTIFICATE} has to be issued by the authority of its head."
                )


def _taken(line: ssl.SSLSocket) -> bool:
    """With TLS 1.3 a refusal comes after the handshake; else the head of a cluster speaks first."""
    try:
        return bool(line.recv(1))
    except TimeoutError:
        return True  # it may be slow
    except OSError:
        return False


def _file(name: str, variables: Mapping[str, str]) -> Path:
    path = Path(variables.get(name, ""))
    if not path.is_file():
        raise SpecError(
            f"cluster.line is tls, but {name} in the environment of this command names no file."
        )
    return path


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.lower().replace("_", " ")
    return one_line(str(getattr(error, "strerror", None) or error))
