"""Checks what `make demo` left behind: joint equals pooled, and is above the clinic alone."""

import json
from pathlib import Path

result = json.loads(Path("runs/latest/result.json").read_text())
auc = result["metrics"]["auc"]
if abs(auc["joint"] - auc["pooled"]) > 1e-3 or auc["joint"] < auc["active_only"] + 0.03:  # noqa: PLR2004
    raise SystemExit(f"the demo does not show what it should: {auc}")
print(f"demo: joint {auc['joint']:.4f}, pooled {auc['pooled']:.4f}, alone {auc['active_only']:.4f}")  # noqa: T201
