"""isthmus: joint training across data islands. Importing it loads nothing else."""

from typing import Any


def __getattr__(name: str) -> Any:
    """Load a public name when somebody asks for it.

    Args:
        name: The name.

    Returns:
        What it stands for.

    Raises:
        AttributeError: There is no such name.
    """
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415

        return version("isthmus")
    raise AttributeError(f"module 'isthmus' has no attribute {name!r}")
