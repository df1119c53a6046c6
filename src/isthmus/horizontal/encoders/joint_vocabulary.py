"""A vocabulary of the words that many documents of all children have.

Source:
    Ours: docs/systems/s3.md. Cells: Cormode and Muthukrishnan 2005, "An improved data stream
    summary: the count-min sketch".
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from isthmus.data.samples import Samples
from isthmus.horizontal.encoders import cells, child, master
from isthmus.horizontal.encoders.spec import Encoders, Joint, Static
from isthmus.horizontal.messages import CommonWords
from isthmus.horizontal.parameters import Layout, Parameters
from isthmus.horizontal.privacy.spec import SecureAggregation
from isthmus.horizontal.rounds.local_training import LocalTrainer, WordCounter
from isthmus.horizontal.rounds.training import Fused, JointVocabulary, Training
from isthmus.text.languages import normalised, words
from isthmus.text.tokenizer import Tokenizer


def training(spec: Encoders, network: Static, children: Sequence[str], seed: int) -> Training:
    """Set up training at the master, which begins with the vocabulary.

    Args:
        spec: What the job says.
        network: Of it.
        children: Names of all children of the job.
        seed: The job's.

    Returns:
        Training without parameters, which says how the vocabulary and the rest come about.
    """
    joint = network.joint

    def trained(content: bytes) -> Training:
        return master.training(spec, children, seed, vocabulary=Tokenizer(content))

    agreement = JointVocabulary(
        spec=spec.privacy.secure_aggregation or SecureAggregation(),
        size=cells.SIZE,
        common=lambda total: cells.common(total, joint.least_documents),
        agree=lambda found: agreed(list(found.values()), joint),
        training=trained,
    )
    return Training("static", {}, _nothing_to_fuse, joint=agreement)


def trainer(
    spec: Encoders, network: Static, samples: Samples, seed: int, party: str
) -> LocalTrainer:
    """Set up training at a child, which begins with counting words.

    Args:
        spec: What the job says.
        network: Of it.
        samples: The child's own.
        seed: The job's.
        party: Its name.

    Returns:
        A trainer without parameters, which says how the vocabulary and the rest come about.
    """
    counts = document_counts(samples, network.joint)

    def name(common: NDArray[np.uint8]) -> CommonWords:
        found = cells.named(counts, common, network.joint.own_documents, seed)
        return CommonWords(words=list(found), documents=list(found.values()))

    counter = WordCounter(
        spec=spec.privacy.secure_aggregation or SecureAggregation(),
        cells=cells.counted(counts, seed),
        name=name,
        trainer=lambda content: child.trainer(spec, samples, seed, party, Tokenizer(content)),
    )
    return LocalTrainer(
        len(samples), Layout(()), _nothing_to_train, privacy=spec.privacy, counter=counter
    )


def document_counts(samples: Samples, joint: Joint) -> Counter[str]:
    """In how many texts of a child each word occurs."""
    return cells.document_counts(_documents(samples), joint.words_per_document)


def agreed(found: Sequence[CommonWords], joint: Joint) -> bytes:
    """Train the vocabulary on the words that children named.

    Args:
        found: What each child named.
        joint: What the job says.

    Returns:
        The file `tokenizer.json`; the same words and counts give the same bytes.

    Raises:
        SpecError: Nobody named a word.
    """
    counts: Counter[str] = Counter()
    for each in found:
        counts.update(dict(zip(each.words, each.documents, strict=True)))
    return Tokenizer.train_on_words(counts, joint.pieces).content


def rehearsed(network: Static, parts: Sequence[Samples], seed: int) -> tuple[Tokenizer, int]:
    """Agree on a vocabulary in one process, as children would.

    Args:
        network: What the job says.
        parts: The texts of each child.
        seed: The job's.

    Returns:
        The vocabulary, and how many words were named.
    """
    joint = network.joint
    counts = [document_counts(it, joint) for it in parts]
    total = np.zeros(cells.SIZE, np.uint32)
    for each in counts:
        total += cells.counted(each, seed)
    common = cells.common(total, joint.least_documents)
    found = [cells.named(it, common, joint.own_documents, seed) for it in counts]
    said = [CommonWords(words=list(it), documents=list(it.values())) for it in found]
    return Tokenizer(agreed(said, joint)), len({word for each in found for word in each})


def _documents(samples: Samples) -> Iterator[list[str]]:
    columns = (samples.texts, *samples.translations)
    for language, texts in zip(samples.names, columns, strict=True):
        for text in texts:
            yield words(normalised(text), language)


def _nothing_to_fuse(*_: object) -> Fused:
    raise ValueError("rounds begin after the vocabulary")


def _nothing_to_train(_start: Parameters, _round: int) -> tuple[Parameters, Mapping[str, float]]:
    raise ValueError("rounds begin after the vocabulary")
