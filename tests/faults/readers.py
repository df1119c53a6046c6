"""All that reads what a peer sends, or what lies in a file, and inputs to begin with."""

import importlib
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
from pyarrow import feather, parquet

from isthmus.core import spec
from isthmus.core.errors import DataError, FileError, IsthmusError
from isthmus.crypto import certificates
from isthmus.data import reading
from isthmus.data.spec import Dataset
from isthmus.jobs import finished, grid
from isthmus.jobs.load import load_job
from isthmus.jobs.messages import Hello
from isthmus.jobs.party import Party
from isthmus.ledger.verify import verify
from isthmus.store import checkpoint
from isthmus.store.checkpoint import Checkpoint
from isthmus.store.events import follow
from isthmus.store.runs import Run
from isthmus.tee import inspection
from isthmus.tee import verify as evidence_check
from isthmus.tee.evidence import Evidence, Kind
from isthmus.tee.policy import EnclavePolicy
from isthmus.text.model_files import read_parameters
from isthmus.transport.framing import FramedChannel
from isthmus.transport.message import decode
from isthmus.transport.pin import pin
from isthmus.transport.pipe import Pipe
from isthmus.vertical.boosting.model import Part as Trees
from isthmus.vertical.regression.model import Part as Linear
from tests.faults.mutants import framed
from tests.faults.test_mutants import kinds

Reader = Callable[[bytes], object]

_FRAMES = 6
"""Of a line at most, less one: so many wait for a reader without one."""

_NOW = datetime(2026, 11, 29, tzinfo=UTC)


def _messages(_: Path) -> Reader:
    known = list(dict.fromkeys(kinds()))
    return lambda data: decode(data[1:], known[(data or b"\0")[0] % len(known)], "insurer")


def _frames(_: Path) -> Reader:
    known = {kind.__name__: kind for kind in kinds()}

    def receive(data: bytes) -> None:
        incoming = Pipe()
        for frame in data.split(b"||", _FRAMES):
            incoming.put(frame)
        incoming.end()
        FramedChannel("insurer", incoming, Pipe(), 1.0).receive(known["Hello"])

    return receive


def _file(name: str, read: Callable[[Path], object]) -> Callable[[Path], Reader]:
    def make(folder: Path) -> Reader:
        path = folder / name

        def reader(data: bytes) -> None:
            path.write_bytes(data)
            read(path)

        return reader

    return make


def _job(path: Path) -> object:
    return load_job(path)


def _party(path: Path) -> object:
    return spec.load(path, Party)


def _grid(path: Path) -> object:
    return grid.load(path)


def _ledger(path: Path) -> object:
    return verify(path)


def _checkpoint(path: Path) -> object:
    return checkpoint.load(path, "job")


def _events(path: Path) -> object:
    return list(follow(path))


def _linear(path: Path) -> object:
    return Run(path.parent).read_json(path.name, Linear)


def _trees(path: Path) -> object:
    return Run(path.parent).read_json(path.name, Trees)


def _result(path: Path) -> object:
    return finished.read(Run(path.parent))


def _network(path: Path) -> object:
    return read_parameters(path)


def _table(path: Path) -> object:
    return reading.load(Dataset(path=path.name, identifiers=("id",)), path.parent, ())


def _certificate(data: bytes) -> None:
    certificates.common_name(data)
    certificates.expires(data)
    pin("insurer", data)


def _evidence(data: bytes) -> None:
    inspection.inspect(inspection.parse(data), _NOW)


def _verified_evidence(data: bytes) -> None:
    choice, cut = (data or b"\0")[0], int.from_bytes(data[1:3], "big")
    policy = EnclavePolicy(allow_simulated=True)
    evidence = Evidence(list(Kind)[choice % len(Kind)], data[3 + cut :], data[3 : 3 + cut])
    evidence_check.verify(evidence, policy, _NOW)


READERS: Mapping[str, Callable[[Path], Reader]] = {
    "messages": _messages,
    "frames": _frames,
    "job": _file("job.toml", _job),
    "party": _file("party.toml", _party),
    "grid": _file("grid.toml", _grid),
    "ledger": _file("ledger.jsonl", _ledger),
    "checkpoint": _file("checkpoint.npz", _checkpoint),
    "events": _file("events.jsonl", _events),
    "regression": _file("model.json", _linear),
    "trees": _file("model.json", _trees),
    "result": _file("result.json", _result),
    "network": _file("model.safetensors", _network),
    "csv": _file("people.csv", _table),
    "arrow": _file("people.arrow", _table),
    "parquet": _file("people.parquet", _table),
    "certificate": lambda _: _certificate,
    "evidence": lambda _: _evidence,
    "verified_evidence": lambda _: _verified_evidence,
}


def seeds(reader: str) -> Sequence[bytes]:
    """What a reader begins with: inputs that it takes, or nearly."""
    root = Path(__file__).parents[2]
    examples = {
        "job": sorted((root / "examples").glob("*/*.toml")),
        "party": sorted((root / "examples").glob("*/*/party.toml")),
    }
    if reader in examples:
        return [path.read_bytes() for path in examples[reader]]
    made = {
        "csv": lambda: b"id,a,b\nx,1,2.5\ny,2,\n",
        "grid": lambda: b'[values]\n"regression.penalty" = [1e-3, 1e-2]\n',
        "arrow": lambda: _arrow(feather.write_feather),
        "parquet": lambda: _arrow(parquet.write_table),
        "checkpoint": _npz,
        "frames": lambda: b"||".join(_hello()),
        "certificate": _pem,
        "network": _safetensors,
    }
    return [made[reader]()] if reader in made else []


def _arrow(write: Callable[..., object]) -> bytes:
    file = io.BytesIO()
    write(pa.table({"id": ["x", "y"], "a": [1.0, 2.0]}), file, compression=_PLAIN[write.__name__])
    return file.getvalue()


_PLAIN = {"write_feather": "uncompressed", "write_table": "none"}


def _npz() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder, "checkpoint.npz")
        checkpoint.save(path, "job", Checkpoint({"weights": np.ones(3)}, {"rounds": 1}))
        return path.read_bytes()


def _hello() -> list[bytes]:
    return framed(Hello(version="0.1.0", party="a", role="active", job="0" * 64, keys={}))


def _pem() -> bytes:
    return certificates.self_signed("insurer", certificates.make_key())


def _safetensors() -> bytes:
    numpy = importlib.import_module("safetensors.numpy")
    saved: bytes = numpy.save({"weight": np.ones((2, 2), np.float32)})
    return saved


def check(reader: Reader, data: bytes) -> None:
    """Let a reader read.

    Args:
        reader: What reads.
        data: What it gets.

    Raises:
        AssertionError: It refuses in other words than a sentence, or one line for each problem.
    """
    try:
        reader(data)
    except IsthmusError as error:
        text = str(error)
        lines = text.splitlines()
        if not text or (len(lines) > 1 and not isinstance(error, DataError | FileError)):
            raise AssertionError(f"not a sentence: {text!r}") from error
