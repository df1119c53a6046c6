"""Parties that have trained a model, of each kind that can score rows later."""

import shutil
import socket
from pathlib import Path

import pytest

from isthmus.jobs.run import run
from tests.unit.jobs.desk import PARTIES, Desk

TREES = """\
[boosting]
trees = 3
depth = 2
{more}
[boosting.encryption]
key_bits = 2048
"""

TOLD = '"ColumnBins", "LevelNodes", "EncryptedSums", "OwnSplits", "WentLeft", "Decisions"'

MODELS = {
    "regression": "",
    "trees": TREES.format(more=""),
    "classes": TREES.format(more='objective = "multiclass"\nclasses = 2\n'),
}


@pytest.fixture(scope="session", params=MODELS)
def desks(
    request: pytest.FixtureRequest, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder in which both parties have trained a model, and do not change it any more."""
    desk = Desk(Path(shutil.copytree(template, tmp_path_factory.mktemp("trained") / "desk")))
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    for party in PARTIES:
        desk.edit_party(party, "127.0.0.1:7401", address)
    if MODELS[request.param]:
        text = desk.job.read_text().partition("[regression]")[0]
        first, last = text.index('"LossScale"'), text.index("]\n\n[parties.clinic]")
        desk.job.write_text(text[:first] + TOLD + text[last:] + MODELS[request.param])
    desk.both(run)
    return desk.folder
