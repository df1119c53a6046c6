"""Files of a multilingual run, in its folder.

| file               | what it is                                                    |
|--------------------|---------------------------------------------------------------|
| corpora/           | the texts, to train on and to measure on (multilingual.corpora) |
| tokenizer.json     | the vocabulary                                                |
| dictionary.parquet | translations of words, mined from the corpora                 |
| tokens/            | pieces of the texts, until training is over                   |
| checkpoint.npz     | where training resumes, until it is over                      |
| static.npz         | likewise, of a static encoder that is trained first           |
| model/             | the encoder, a Hugging Face folder                            |
| trained.json       | how training ended                                            |
| tensorboard/       | losses, for TensorBoard, if it is installed                   |
"""

from functools import cached_property

from isthmus.multilingual.corpora.texts import Corpora
from isthmus.store.runs import Run


class RunFiles:
    """Paths in a run folder, and what is read from them."""

    def __init__(self, run: Run) -> None:
        """Name the files.

        Args:
            run: The run folder.
        """
        self.run = run
        self.corpora_folder = run.folder / "corpora"
        self.tokenizer = run.folder / "tokenizer.json"
        self.dictionary = run.folder / "dictionary.parquet"
        self.tokens = run.folder / "tokens"
        self.static_checkpoint = run.folder / "static.npz"
        self.model = run.tables
        self.trained = run.folder / "trained.json"

    @cached_property
    def corpora(self) -> Corpora:
        """The texts of the run."""
        return Corpora(self.corpora_folder)
