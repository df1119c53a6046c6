"""Small files that a command reads and writes by itself."""

from collections.abc import Mapping
from pathlib import Path

from isthmus.core.errors import SpecError
from isthmus.store import atomic


def read(path: Path) -> bytes:
    """Read a file that the user named.

    Args:
        path: The file.

    Returns:
        Its bytes.

    Raises:
        SpecError: It cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise SpecError(f"{path}: cannot be read: {error.strerror}. Check the path.") from None


def write_new(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files that only their owner can read, and replace none.

    Args:
        folder: Where; it is created where there is none.
        files: Content by name.

    Raises:
        SpecError: One of them is there already, or the folder cannot be written.
    """
    for name in files:
        if (folder / name).exists():
            raise SpecError(
                f"{folder / name}: is there already, and nothing was written. "
                "Give another folder, or move it away first."
            )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            atomic.write(folder / name, content)
    except OSError as error:
        raise SpecError(
            f"{folder}: cannot be written: {error.strerror}. Give another folder."
        ) from None
