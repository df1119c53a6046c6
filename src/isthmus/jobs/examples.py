"""The examples that come with isthmus, made into a folder that people can run."""

import importlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

import isthmus
from isthmus.core import spec
from isthmus.core.errors import SpecError
from isthmus.crypto import certificates
from isthmus.jobs.load import load_job
from isthmus.jobs.party import PARTY_FILE, Party
from isthmus.jobs.plan import FingerprintsFamilyCode, Loaded
from isthmus.store import atomic

JOB_FILE = "job.toml"
ADDRESS = "127.0.0.1:7401"
"""Where the first party listens, until people change it."""

CERTIFICATE = "certificate.pem"
KEY = "key.pem"

GENERATED: Mapping[str, str] = {"ads": "isthmus.multitask.ads.make"}
"""Module whose `make(folder, seed)` writes the data of an example that ships none."""

_LEFT_BEHIND = shutil.ignore_patterns("runs", "__pycache__")


@dataclass(frozen=True)
class Made:
    """A folder that is ready to run."""

    job: Path
    parties: dict[str, Path]
    """Party file of each party, the one that listens first."""


def names() -> list[str]:
    """Names of the templates."""
    return sorted(folder.parent.name for folder in _examples().glob(f"*/{JOB_FILE}"))


def make(template: str, folder: Path) -> Made:
    """Copy a template, and give every party a key, the others' certificates and addresses.

    Args:
        template: Name of the template.
        folder: Where to; it is created where there is none.

    Returns:
        The files to run.

    Raises:
        SpecError: There is no such template, or the folder is not empty or cannot be written.
    """
    if template not in names():
        raise SpecError(f"there is no template {template!r}: there are {', '.join(names())}.")
    try:
        if folder.exists() and any(folder.iterdir()):
            raise SpecError(f"{folder}: is not empty. Give a new folder.")
        return _make(_examples() / template, folder)
    except OSError as error:  # shutil.Error is one
        raise SpecError(f"{folder}: cannot be written: {error}. Give another folder.") from None


def _examples() -> Path:
    """In the package once it is installed, beside `src` in a checkout."""
    package = Path(isthmus.__file__).parent
    installed = package / "examples"
    return installed if installed.is_dir() else package.parents[1] / "examples"


def _make(source: Path, folder: Path) -> Made:
    # 1. Copy what the example has, if it can run here: the job, a party file and data per party.
    loaded = load_job(source / JOB_FILE)
    shutil.copytree(source, folder, ignore=_LEFT_BEHIND, dirs_exist_ok=True)
    if source.name in GENERATED:
        importlib.import_module(GENERATED[source.name]).make(folder, loaded.job.seed)

    # 2. Give every party its keys, also those of a second job beside one of a single organisation.
    files = _provide(loaded, folder)
    if not files:
        for other in sorted(source.glob("*.toml")):
            _provide(load_job(other), folder)
    return Made(folder / JOB_FILE, files)


def _provide(loaded: Loaded, folder: Path) -> dict[str, Path]:
    """Give every party a key and its certificate to everyone that it has a line to.

    Args:
        loaded: The job.
        folder: With a folder of each party, whose party file is completed.

    Returns:
        Party file of each party, the one that listens first.
    """
    for party in loaded.job.parties:
        key = certificates.make_key()
        certificate = certificates.self_signed(party, key)
        atomic.write(folder / party / KEY, key)
        (folder / party / CERTIFICATE).write_bytes(certificate)
        for peer in loaded.neighbours(party):
            theirs = folder / peer / "peers"
            theirs.mkdir(exist_ok=True)
            (theirs / f"{party}.pem").write_bytes(certificate)
    _hold_fingerprints(folder / loaded.path.name, loaded, folder)
    names = sorted(loaded.job.parties, key=lambda party: party != loaded.first)
    files = {name: folder / name / PARTY_FILE for name in names}
    for party, file in files.items():
        file.write_text(_complete(file.read_text(), loaded, party))
        spec.load(file, Party)
    return files


def _hold_fingerprints(file: Path, loaded: Loaded, folder: Path) -> None:
    """Write into a job by what its children know each other's keys, where they need it."""
    if not isinstance(loaded.family, FingerprintsFamilyCode):
        return
    text = file.read_text()
    for party in loaded.family.unknown_children(loaded):
        found = certificates.fingerprint((folder / party / CERTIFICATE).read_bytes())
        table = f"[parties.{party}]\n"
        text = text.replace(table, f'{table}fingerprint = "{found}"\n')
    file.write_text(text)


def _complete(text: str, loaded: Loaded, party: str) -> str:
    """A party file's text with keys and addresses; its comments stay."""
    listens = party == loaded.first
    calls = {} if listens else {"address": ADDRESS}
    tables = {
        "identity": {"certificate": CERTIFICATE, "private_key": KEY},
        "peers": {
            peer: {"certificate": f"peers/{peer}.pem", **calls} for peer in loaded.neighbours(party)
        },
    }
    top, table, rest = text.partition("\n[")
    return f"{top}{_toml({'listen': ADDRESS} if listens else {})}{table}{rest}\n{_toml(tables)}"


def _toml(value: object) -> str:
    return msgspec.toml.encode(value).decode()
