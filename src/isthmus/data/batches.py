"""Reading files that do not fit into memory, block by block."""

from typing import Literal

Kind = Literal["integer", "number", "text", "any"]
