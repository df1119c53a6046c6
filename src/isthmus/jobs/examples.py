"""The examples that come with isthmus, made into a folder that people can run."""

import importlib
import shutil
from collections.abc import Container, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

import isthmus
from isthmus.core import spec
from isthmus.core.errors import SpecError
from isthmus.core.extras import MissingExtraError
from isthmus.crypto import certificates
from isthmus.jobs.capabilities import FingerprintsFamilyCode
from isthmus.jobs.load import load_job
from isthmus.jobs.party import PARTY_FILE, Party
from isthmus.jobs.plan import Loaded
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

    # 2. Give every party its keys, also those that only another job of the folder has.
    files = _provide([loaded, *_others(source)], folder)
    names = sorted(loaded.job.parties, key=lambda party: party != loaded.first)
    return Made(folder / JOB_FILE, {name: files[name] for name in names})


def _others(source: Path) -> list[Loaded]:
    """Load the other jobs of an example that can run here."""
    found = list[Loaded]()
    for file in sorted(source.glob("*.toml")):
        if file.name != JOB_FILE:
            with suppress(MissingExtraError):
                found.append(load_job(file))
    return found


def _provide(jobs: Sequence[Loaded], folder: Path) -> dict[str, Path]:
    """Give every party a key and its certificate to everyone that it has a line to in some job.

    Args:
        jobs: The jobs of the folder.
        folder: With a folder of each party, whose party file is completed.

    Returns:
        Party file of each party of any job.
    """
    lines = _lines(jobs)
    for party, neighbours in lines.items():
        key = certificates.make_key()
        certificate = certificates.self_signed(party, key)
        atomic.write(folder / party / KEY, key)
        (folder / party / CERTIFICATE).write_bytes(certificate)
        for peer in neighbours:
            theirs = folder / peer / "peers"
            theirs.mkdir(exist_ok=True)
            (theirs / f"{party}.pem").write_bytes(certificate)
    for loaded in jobs:
        _hold_fingerprints(folder / loaded.path.name, loaded, folder)
    files = {name: folder / name / PARTY_FILE for name in lines}
    listening = {loaded.first for loaded in jobs if loaded.job.parties}
    for party, file in files.items():
        file.write_text(_complete(file.read_text(), lines[party], listening, party))
        spec.load(file, Party)
    return files


def _lines(jobs: Iterable[Loaded]) -> dict[str, list[str]]:
    """By party, those that it has a line to in some job."""
    found = dict[str, list[str]]()
    for loaded in jobs:
        for party in loaded.job.parties:
            known = found.setdefault(party, [])
            known += [peer for peer in loaded.neighbours(party) if peer not in known]
    return found


def _hold_fingerprints(file: Path, loaded: Loaded, folder: Path) -> None:
    """Write into a job by what its parties know each other's keys, where they need it."""
    if not isinstance(loaded.family, FingerprintsFamilyCode):
        return
    text = file.read_text()
    for party in loaded.family.unknown_parties(loaded):
        found = certificates.fingerprint((folder / party / CERTIFICATE).read_bytes())
        table = f"[parties.{party}]\n"
        text = text.replace(table, f'{table}fingerprint = "{found}"\n')
    file.write_text(text)


def _complete(text: str, neighbours: Iterable[str], listening: Container[str], party: str) -> str:
    """A party file's text with keys and addresses; its comments stay."""
    tables = {
        "identity": {"certificate": CERTIFICATE, "private_key": KEY},
        "peers": {
            peer: {
                "certificate": f"peers/{peer}.pem",
                **({"address": ADDRESS} if peer in listening else {}),
            }
            for peer in neighbours
        },
    }
    top, table, rest = text.partition("\n[")
    listen = {"listen": ADDRESS} if party in listening else {}
    return f"{top}{_toml(listen)}{table}{rest}\n{_toml(tables)}"


def _toml(value: object) -> str:
    return msgspec.toml.encode(value).decode()
