"""Texts per CPU second that `SentenceTransformer.encode` embeds with an encoder of ours.

`python -m benchmarks.rival_encode FOLDER MODEL`.
"""

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from benchmarks.rival_sentence_transformers import speed

if __name__ == "__main__":
    torch.set_num_threads(1)
    library: Any = import_module("sentence_transformers")
    model = library.SentenceTransformer(sys.argv[2], device="cpu")
    print(json.dumps({"texts_per_cpu_s": speed(model, Path(sys.argv[1]))}))
