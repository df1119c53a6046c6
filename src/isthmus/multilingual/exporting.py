"""The encoder of a run as files that need no isthmus."""

import shutil
from pathlib import Path

from isthmus.core import extras
from isthmus.core.errors import SpecError, disk_full_is_error
from isthmus.outcomes import Exported
from isthmus.store.runs import Run
from isthmus.text import model_folder
from isthmus.text.model_folder import StaticEmbedder

ONNX = "model.onnx"


def export(run: Run, into: Path, since: int | None) -> Exported:
    """Write the folder of the encoder, and beside it the same encoder as ONNX.

    Args:
        run: The run.
        into: An empty folder.
        since: Must be None: an encoder has no snapshots.

    Returns:
        What was written.

    Raises:
        SpecError: Changes since a snapshot are asked for, or the encoder has layers.
    """
    if since is not None:
        raise SpecError("an encoder of texts has no snapshots: leave `--since` out.")
    encoder = model_folder.read(run.tables)
    if not isinstance(encoder, StaticEmbedder):
        raise SpecError(
            f"{run.tables}: ONNX is written of static encoders, and this one has layers. Its "
            "folder is what transformers and sentence-transformers load, as it is."
        )
    extras.require("export", "`isthmus export`")
    from isthmus.text import to_onnx  # of an extra of its own

    with disk_full_is_error(into):
        shutil.copytree(run.tables, into, dirs_exist_ok=True)
        (into / ONNX).write_bytes(to_onnx.static_to_onnx(encoder.table))
    files = sorted(str(each.relative_to(into)) for each in into.rglob("*") if each.is_file())
    return Exported(files=files, rows=len(encoder.table))
