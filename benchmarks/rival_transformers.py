"""Trains a transformer on masked pieces with the trainer of transformers and its collator.

`python -m benchmarks.rival_transformers FOLDER STEPS BATCH`: the folder is that of
`multilingual_training`; network, vocabulary and texts are ours, and texts are divided into pieces
before.
"""

import json
import sys
import time
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from benchmarks.rival_sentence_transformers import texts_of
from isthmus.text import modern_bert
from isthmus.text.spec import Encoder
from isthmus.text.tokenizer import Tokenizer

WARM = 2
"""Steps that are not timed."""


def train(folder: Path, steps: int, batch: int) -> dict[str, float]:
    """Train; returns pieces of texts, without padding, per CPU second."""
    torch.set_num_threads(1)
    transformers: Any = import_module("transformers")
    ours = Tokenizer.load(folder / "base" / "tokenizer.json")
    specials, encoder = ours.specials(), Encoder(type="tiny")
    config = modern_bert.make(encoder, ours.size, specials).config
    torch.manual_seed(0)
    model = transformers.ModernBertForMaskedLM(config)
    theirs = transformers.PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "base" / "tokenizer.json"), **_names(folder, specials)
    )
    _, columns = texts_of(folder)
    texts = [text for column in columns for text in column]
    random = np.random.default_rng(0)
    chosen = [texts[int(row)] for row in random.integers(len(texts), size=steps * batch)]
    tokens = ours.tokens(chosen, encoder.length)
    rows = [
        [specials.start, *tokens.ids[begin:end].tolist(), specials.end]
        for begin, end in zip(tokens.starts[:-1], tokens.starts[1:], strict=True)
    ]
    seen = {"steps": 0, "began": 0.0, "pieces": 0}

    class Collator(transformers.DataCollatorForLanguageModeling):  # type: ignore[misc,no-any-unimported]  # not known
        def __call__(self, features: Any, return_tensors: Any = None) -> Any:
            if seen["steps"] >= WARM:
                seen["pieces"] += sum(len(each["input_ids"]) for each in features)
            return super().__call__(features, return_tensors)

    class Callback(transformers.TrainerCallback):  # type: ignore[misc,no-any-unimported]  # not known
        def on_step_end(self, *_: object, **__: object) -> None:
            seen["steps"] += 1
            if seen["steps"] == WARM:
                seen["began"] = time.process_time()

    with TemporaryDirectory() as place:
        trainer = transformers.Trainer(
            model=model,
            args=transformers.TrainingArguments(
                output_dir=place,
                max_steps=steps,
                per_device_train_batch_size=batch,
                learning_rate=1e-3,
                use_cpu=True,
                report_to=[],
                logging_strategy="no",
                save_strategy="no",
                disable_tqdm=True,
            ),
            train_dataset=[{"input_ids": row} for row in rows],
            data_collator=Collator(theirs, mlm_probability=0.15),
            callbacks=[Callback()],
        )
        trainer.train()
    took = time.process_time() - seen["began"]
    return {"tokens_per_cpu_s": seen["pieces"] / took}


def _names(folder: Path, specials: Any) -> dict[str, str]:
    tokenizers: Any = import_module("tokenizers")
    known = tokenizers.Tokenizer.from_file(str(folder / "base" / "tokenizer.json"))
    of = {"pad": specials.pad, "mask": specials.mask, "cls": specials.start, "sep": specials.end}
    return {f"{name}_token": known.id_to_token(number) for name, number in of.items()}


if __name__ == "__main__":
    print(json.dumps(train(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
