"""Texts per CPU second that the product embeds, as a program.

`python -m benchmarks.multilingual_embedding FOLDER MODEL`: the folder is that of
`multilingual_training`.
"""

import json
import sys
import time
from pathlib import Path

import torch

from benchmarks import bibles
from isthmus.text import model_folder


def speed(folder: Path, model: Path) -> float:
    """Embed the same texts for a second; returns texts per CPU second."""
    texts = bibles.lines_to_embed(folder)
    encoder = model_folder.read(model)
    encoder.embed(texts)
    began, times = time.process_time(), 0
    while time.process_time() - began < 1:
        encoder.embed(texts)
        times += 1
    return times * len(texts) / (time.process_time() - began)


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(json.dumps({"texts_per_cpu_s": speed(Path(sys.argv[1]), Path(sys.argv[2]))}))
