"""The content of a column, as a job knows it, and its type in Arrow."""
# pyarrow has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Mapping
from typing import Any, Literal

import pyarrow as pa

Kind = Literal["integer", "number", "text", "any", "time"]
"""The content of a column.

Any: text or whole numbers, and in CSV always text. Time: text or numbers, in CSV always text.
"""

TYPES: Mapping[Kind, Any] = {
    "integer": pa.int64(),
    "number": pa.float64(),
    "text": pa.string(),
    "any": pa.string(),
    "time": pa.string(),
}

IN_WORDS: Mapping[Kind, str] = {
    "integer": "a whole number below 2^63",
    "number": "a number",
    "text": "text",
    "any": "text or a whole number",
    "time": "seconds or a timestamp",
}
