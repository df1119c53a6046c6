"""Trains a static encoder with the trainer of sentence-transformers, on the same pairs of texts.

`python -m benchmarks.rival_sentence_transformers FOLDER`: the folder is that of
`multilingual_training`; the vocabulary is ours. A batch has pairs of all languages mixed, as its
data set comes.
"""

import json
import os
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import torch

from benchmarks.bibles import lines_to_embed

os.environ |= {"TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}

WARM = 2
"""Steps that are not timed."""


class Asked(NamedTuple):
    """What to train."""

    seed: int
    steps: int
    batch: int
    size: int
    rate: float
    keep: str


class Timed:
    """Tells CPU seconds since the first steps."""

    def __init__(self) -> None:
        self.began = 0.0
        self.steps = 0

    def on_step_end(self) -> None:
        """Count a step."""
        self.steps += 1
        if self.steps == WARM:
            self.began = time.process_time()


def texts_of(folder: Path) -> tuple[list[str], list[list[str]]]:
    """The languages, and the texts of each."""
    lines = (folder / "train.tsv").read_text(encoding="utf-8").splitlines()
    head, *rows = (line.split("\t") for line in lines)
    return head[:-1], [list(column) for column in zip(*rows, strict=True)][:-1]


def pairs_of(columns: Sequence[Sequence[str]], rows: int, seed: int) -> dict[str, list[str]]:
    """Pairs of texts and translations, languages at random, as many as are trained on."""
    random = np.random.default_rng(seed)
    sides = list(combinations(range(len(columns)), 2))
    left, right = list[str](), list[str]()
    while len(left) < rows:
        row = int(random.integers(len(columns[0])))
        ours, theirs = sides[int(random.integers(len(sides)))]
        if columns[ours][row] and columns[theirs][row]:
            left.append(columns[ours][row])
            right.append(columns[theirs][row])
    return {"anchor": left, "positive": right}


def train(folder: Path, asked: Asked) -> dict[str, float]:
    """Train and store; returns CPU seconds, and pairs per CPU second."""
    began = time.process_time()
    torch.set_num_threads(1)
    library: Any = import_module("sentence_transformers")
    tokenizers: Any = import_module("tokenizers")
    datasets: Any = import_module("datasets")
    losses: Any = import_module("sentence_transformers.sentence_transformer.losses")
    modules: Any = import_module("sentence_transformers.sentence_transformer.modules")
    transformers: Any = import_module("transformers")
    vocabulary = tokenizers.Tokenizer.from_file(str(folder / "base" / "tokenizer.json"))
    torch.manual_seed(asked.seed)
    static = modules.StaticEmbedding(vocabulary, embedding_dim=asked.size)
    model = library.SentenceTransformer(modules=[static], device="cpu")
    _, columns = texts_of(folder)
    data = datasets.Dataset.from_dict(pairs_of(columns, asked.steps * asked.batch, asked.seed))
    timed = Timed()

    class Callback(transformers.TrainerCallback):  # type: ignore[misc,no-any-unimported]  # not known
        def on_step_end(self, *_: object, **__: object) -> None:
            timed.on_step_end()

    with TemporaryDirectory() as place:
        arguments = library.SentenceTransformerTrainingArguments(
            output_dir=place,
            max_steps=asked.steps,
            per_device_train_batch_size=asked.batch,
            learning_rate=asked.rate,
            warmup_steps=0.1,
            seed=asked.seed,
            use_cpu=True,
            report_to=[],
            logging_strategy="no",
            save_strategy="no",
            disable_tqdm=True,
            dataloader_num_workers=0,
        )
        trainer = library.SentenceTransformerTrainer(
            model=model,
            args=arguments,
            train_dataset=data,
            loss=losses.MultipleNegativesRankingLoss(model),
            callbacks=[Callback()],
        )
        trainer.train()
    stepping = time.process_time() - timed.began
    model.save_pretrained(asked.keep)
    return {
        "cpu": time.process_time() - began,
        "pairs_per_cpu_s": (timed.steps - WARM) * asked.batch / stepping,
        "texts_per_cpu_s": speed(model, folder),
    }


def speed(model: Any, folder: Path) -> float:
    """Texts per CPU second that its `encode` takes."""
    texts = lines_to_embed(folder)
    model.encode(texts, normalize_embeddings=True)
    began, times = time.process_time(), 0
    while time.process_time() - began < 1:
        model.encode(texts, normalize_embeddings=True)
        times += 1
    return times * len(texts) / (time.process_time() - began)


if __name__ == "__main__":
    print(json.dumps(train(Path(sys.argv[1]), Asked(**json.load(sys.stdin)))))
