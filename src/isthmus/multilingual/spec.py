"""The `[multilingual]` table of a job."""

from pathlib import Path
from typing import Annotated, Literal, Self

from msgspec import Meta
from msgspec.structs import replace

from isthmus.core.spec import Spec, anchored
from isthmus.text.spec import Encoder, Language

Name = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z",
        description="a name of a-z, 0-9 and -, at most 63 long",
    ),
]
Weight = Annotated[float, Meta(ge=0, le=1000)]


class Corpus(Spec, frozen=True):
    """Texts in one language, or texts with their translations."""

    path: Annotated[
        str | dict[Language, str],
        Meta(
            description="a file, or a folder of files: .tsv, .jsonl, .parquet, .tmx or .po, and "
            ".txt of one language; or a .txt file per language whose lines are translations of "
            "each other. A name may end in .gz"
        ),
    ]
    languages: Annotated[
        tuple[Language, ...],
        Meta(
            description="what the texts are in; of .po, first the language of the messages "
            "themselves. None where `path` or `columns` name them"
        ),
    ] = ()
    columns: Annotated[
        dict[Language, str],
        Meta(
            description="column of each language in .tsv, .jsonl and .parquet; none: columns are "
            "named after `languages`"
        ),
    ] = {}
    documents: Annotated[
        str | None,
        Meta(
            description="column that names the document of a row; for .tmx the type of such a "
            "`prop`, for .txt a file with a name a line. None: each .tmx or .po file of a folder "
            "is one, else every `document_rows` rows"
        ),
    ] = None
    document_rows: Annotated[
        int, Meta(ge=1, le=10**9, description="rows of a document where nothing else tells")
    ] = 100
    source: Annotated[str | None, Meta(description="where it is from, for the model card")] = None
    licence: Annotated[str | None, Meta(description="its licence, for the model card")] = None

    def anchored(self, folder: Path) -> Self:
        """Returns the table with absolute paths; they are relative to the folder so far."""
        path = self.path
        moved = (
            anchored(path, folder)
            if isinstance(path, str)
            else {language: anchored(each, folder) for language, each in path.items()}
        )
        documents = self.documents
        if documents is not None and Path(folder, documents).is_file():  # it is no column
            documents = anchored(documents, folder)
        return replace(self, path=moved, documents=documents)


class Objectives(Spec, frozen=True):
    """What the encoder learns from, and how much each loss counts; 0 leaves one out."""

    pairs: Annotated[
        Weight, Meta(description="a text and its translation, against others of the batch")
    ] = 1.0
    switched: Annotated[
        Weight, Meta(description="a text and its mixed-language text, likewise (S8)")
    ] = 0.0
    mlm: Annotated[Weight, Meta(description="pieces that were masked, from the others")] = 0.0
    tlm: Annotated[
        Weight, Meta(description="pieces that were masked, from the others and the translation")
    ] = 0.0
    camlm: Annotated[
        Weight,
        Meta(description="pieces that were masked, from the translation alone: S2's first task"),
    ] = 0.0
    btmlm: Annotated[
        Weight,
        Meta(
            description="pieces that were masked, from the others and from pseudo pieces in "
            "another language: S2's second task, begun when the first is flat"
        ),
    ] = 0.0
    distillation: Annotated[
        Weight, Meta(description="vectors of the encoder in `teacher` for the same text")
    ] = 0.0
    teacher: Annotated[str | None, Meta(description="a Hugging Face folder, for distillation")] = (
        None
    )


class Mixing(Spec, frozen=True):
    """How mixed-language texts are made, anew in every epoch."""

    providers: Annotated[
        tuple[Literal["dictionary", "pair", "table", "model"], ...],
        Meta(
            min_length=1,
            description="what translates a word, the first that can: the dictionary mined from "
            "the corpora, the word aligned to it in the text's translation, `table`, or the "
            "model's pseudo pieces",
        ),
    ] = ("dictionary",)
    table: Annotated[
        str | None,
        Meta(description="a .tsv file: language, word, language of the translation, translation"),
    ] = None
    ratio: Annotated[
        float, Meta(gt=0, le=1, description="share of the words that are replaced, at the end")
    ] = 0.5
    first_ratio: Annotated[
        float, Meta(ge=0, le=1, description="share of the words that are replaced, at the begin")
    ] = 0.5


STATIC_RATE, LAYERED_RATE = 0.02, 0.001
"""Learning rates that fit encoders without and with layers."""


class Training(Spec, frozen=True):
    """The steps of training, and when it ends."""

    batch: Annotated[int, Meta(ge=2, le=1_000_000, description="texts of a step")] = 1024
    steps: Annotated[int, Meta(ge=1, le=10**9, description="most steps")] = 200
    rate: Annotated[
        Annotated[float, Meta(gt=0, le=10)] | None,
        Meta(
            description="highest learning rate of Adam; none: 0.02 of a static encoder, and 0.001 "
            "of one with layers"
        ),
    ] = None
    temperature: Annotated[
        float, Meta(gt=0, le=10, description="of the contrast between texts; less: sharper")
    ] = 0.05
    margin: Annotated[
        float,
        Meta(
            ge=0,
            le=1,
            description="by how much the cosine of a text and its translation has to be above "
            "those with others of the batch",
        ),
    ] = 0.3
    left_out: Annotated[
        float,
        Meta(
            ge=0,
            lt=1,
            description="share of the pieces of a text that contrast leaves out by chance",
        ),
    ] = 0.2
    flat_steps: Annotated[
        int,
        Meta(ge=2, le=10**6, description="steps of the moving average of a loss"),
    ] = 50
    flat_below: Annotated[
        float,
        Meta(
            ge=0,
            lt=1,
            description="a loss is flat when its moving average has fallen by less than this share "
            "since the average before; when all tasks are flat, training ends",
        ),
    ] = 0.01
    balance: Annotated[
        float,
        Meta(
            ge=0,
            le=1,
            description="exponent of the number of texts of a language pair in the odds of its "
            "batches: 1 in proportion, 0 all alike",
        ),
    ] = 0.3
    accumulate: Annotated[
        int, Meta(ge=1, le=100_000, description="parts of a batch that are computed in turn")
    ] = 1
    save_every: Annotated[
        int, Meta(ge=1, le=10**9, description="steps between two checkpoints")
    ] = 100
    processes: Annotated[
        int,
        Meta(
            ge=1,
            le=1024,
            description="processes on this machine that share each batch; where torchrun or "
            "another launcher starts them, it says how many",
        ),
    ] = 1
    device: Annotated[
        Literal["cpu", "cuda"],
        Meta(description="what training computes on; with cuda, each process has a GPU"),
    ] = "cpu"

    @property
    def highest_rate(self) -> float:
        """The learning rate; that of a static encoder if none is given."""
        return self.rate or STATIC_RATE


class Multilingual(Spec, frozen=True):
    """The `[multilingual]` table of a job: an encoder for texts in several languages."""

    corpora: Annotated[
        dict[Name, Corpus], Meta(min_length=1, max_length=1000, description="to train on, by name")
    ]
    tests: Annotated[
        dict[Name, Corpus],
        Meta(max_length=1000, description="to measure on only, beside held-out documents, by name"),
    ] = {}
    held_out: Annotated[
        float,
        Meta(ge=0, lt=1, description="share of the documents of each corpus that is measured on"),
    ] = 0.1
    test_rows: Annotated[
        int, Meta(ge=10, le=1_000_000, description="most rows of a corpus that are measured on")
    ] = 1000
    encoder: Encoder = Encoder()
    matryoshka: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=4096)], ...],
        Meta(description="lengths of beginnings of the vector that are trained to serve alone"),
    ] = ()
    objectives: Objectives = Objectives()
    mixing: Mixing = Mixing()
    training: Training = Training()

    @property
    def fitting_training(self) -> Training:
        """The `training` table, with the rate that fits the encoder if the job gives none."""
        usual = STATIC_RATE if self.encoder.type == "static" else LAYERED_RATE
        return replace(self.training, rate=self.training.rate or usual)

    def anchored(self, folder: Path) -> Self:
        """Returns the table with absolute paths; they are relative to the folder so far."""
        teacher = anchored(self.objectives.teacher, folder)
        return replace(
            self,
            corpora={name: corpus.anchored(folder) for name, corpus in self.corpora.items()},
            tests={name: corpus.anchored(folder) for name, corpus in self.tests.items()},
            encoder=self.encoder.anchored(folder),
            objectives=replace(self.objectives, teacher=teacher),
            mixing=replace(self.mixing, table=anchored(self.mixing.table, folder)),
        )
