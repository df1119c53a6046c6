"""Processes of Flower on the loopback device, and the keys that they show each other."""

import ipaddress
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psutil
import tomli_w
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as forms
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from isthmus.horizontal.flower.launch import ENVIRONMENT

ROOT = Path(__file__).parents[1]
CONNECTION = "here"
ADDRESS = ipaddress.ip_address("127.0.0.1")
_SIGNS = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


@dataclass
class Federation:
    """A SuperLink that runs."""

    folder: Path
    port: int
    process: "subprocess.Popen[bytes]"

    @property
    def address(self) -> str:
        return f"{ADDRESS}:{self.port}"

    @property
    def log(self) -> str:
        return (self.folder / "superlink.log").read_text()

    def register(self, name: str) -> Path:
        """Make the key of a node known to the SuperLink, and give the file of its private half."""
        private = make_node_key(self.folder, name)
        _flwr("supernode", "register", f"{private}.pub", CONNECTION, "--name", name)
        return private


@contextmanager
def superlink(
    folder: Path, port: int, *options: str, insecure: bool = False
) -> Iterator[Federation]:
    """A SuperLink, and the connection to it in Flower's configuration.

    The environment must hold `environment(folder)`.
    """
    folder.mkdir(exist_ok=True)
    tls = ["--insecure"] if insecure else _tls(folder)
    connection = {"address": f"{ADDRESS}:{port}", "insecure": insecure}
    if not insecure:
        connection["root-certificates"] = str(folder / "authority.pem")
    (folder / "config.toml").write_text(
        tomli_w.dumps({"superlink": {"default": CONNECTION, CONNECTION: connection}})
    )
    where = ("--host", str(ADDRESS), "--port", str(port))
    with started("flower-superlink", folder / "superlink.log", *tls, *where, *options) as process:
        _await_health(process, f"{ADDRESS}:{port}", None if insecure else folder / "authority.pem")
        yield Federation(folder, port, process)


@contextmanager
def started(command: str, log: Path, *arguments: str) -> Generator["subprocess.Popen[bytes]"]:
    """A command of Flower, ended with all that it started."""
    with log.open("wb") as output:
        program = str(Path(sys.executable).parent / command)
        process = subprocess.Popen([program, *arguments], stdout=output, stderr=output)  # noqa: S603
    try:
        yield process
    finally:
        below = (
            psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        )
        process.terminate()
        _, alive = psutil.wait_procs(below, timeout=10)
        for it in alive:
            it.kill()
        process.wait(20)


@contextmanager
def simulated(folder: Path, port: int) -> Iterator[Federation]:
    """A SuperLink that simulates its nodes with Ray."""
    with superlink(folder, port, "--simulation", insecure=True) as link:
        yield link


@contextmanager
def deployed(folder: Path, port: int) -> Iterator[Federation]:
    """A SuperLink to which nodes come whose keys it knows."""
    with superlink(folder, port, "--enable-supernode-auth") as link:
        yield link


def environment(folder: Path) -> dict[str, str]:
    """What every process of Flower has to see."""
    commands = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    modules = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**ENVIRONMENT, "FLWR_HOME": str(folder), "PYTHONPATH": modules, "PATH": commands}


def listeners(process: int) -> set[str]:
    """Addresses on which a process and all below it listen."""
    found = set[str]()
    for each in [psutil.Process(process), *psutil.Process(process).children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            lines = each.net_connections("inet")
            found |= {it.laddr.ip for it in lines if it.status == psutil.CONN_LISTEN}
    return found


def make_node_key(folder: Path, name: str) -> Path:
    key = ec.generate_private_key(ec.SECP384R1())
    path = folder / name
    path.write_bytes(
        key.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.OpenSSH, forms.NoEncryption())
    )
    path.chmod(0o600)
    path.with_name(f"{name}.pub").write_bytes(
        key.public_key().public_bytes(forms.Encoding.OpenSSH, forms.PublicFormat.OpenSSH)
    )
    return path


def _tls(folder: Path) -> list[str]:
    authority, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer, subject = _name("authority"), _name("superlink")
    # Python 3.13 asks for the identifiers of keys and for what a key is used.
    ours = _certificate(issuer, issuer, authority.public_key())
    ours = ours.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    ours = ours.add_extension(_SIGNS, critical=True).add_extension(
        x509.SubjectKeyIdentifier.from_public_key(authority.public_key()), critical=False
    )
    theirs = _certificate(issuer, subject, key.public_key()).add_extension(
        x509.SubjectAlternativeName([x509.IPAddress(ADDRESS)]), critical=False
    )
    theirs = theirs.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False
    )
    private = key.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption())
    options = []
    for option, content in {
        "ssl-ca-certfile": _signed(ours, authority),
        "ssl-certfile": _signed(theirs, authority),
        "ssl-keyfile": private,
    }.items():
        path = folder / ("authority.pem" if option == "ssl-ca-certfile" else option)
        path.write_bytes(content)
        options += [f"--{option}", str(path)]
    return options


def _certificate(
    issuer: x509.Name, subject: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
    )


def _signed(unsigned: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey) -> bytes:
    return unsigned.sign(key, hashes.SHA256()).public_bytes(forms.Encoding.PEM)


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _await_health(process: "subprocess.Popen[bytes]", address: str, authority: Path | None) -> None:
    url = f"http{'s' if authority else ''}://{address}/health"
    trust = ssl.create_default_context(cafile=authority) if authority else True
    end = time.monotonic() + 240  # it starts on a busy machine
    while time.monotonic() < end:
        assert process.poll() is None, "the SuperLink ended"
        with suppress(httpx.HTTPError):
            if httpx.get(url, verify=trust, trust_env=False).is_success:
                return
        time.sleep(0.1)
    raise AssertionError("the SuperLink does not answer")


def _flwr(*arguments: str) -> None:
    command = [sys.executable, "-m", "flwr.cli.app", *arguments, "--format", "json"]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603
