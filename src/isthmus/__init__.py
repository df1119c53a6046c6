"""isthmus: joint training across data islands. Importing it loads no engine."""

from importlib.metadata import version

__version__ = version("isthmus")
__all__ = ["__version__"]
