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
from isthmus.horizontal.rounds.local_training import CELLS, LocalTrainer, WordCounter
from isthmus.horizontal.rounds.training import Fused, JointVocabulary, Training
from isthmus.store.checkpoint import Arrays
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
    counter = WordCounter(
        spec=spec.privacy.secure_aggregation or SecureAggregation(),
        size=cells.SIZE,
        count=lambda: counted(samples, network.joint, seed),
        name=lambda counts, common: named(counts, common, network.joint, seed),
        trainer=lambda content: child.trainer(spec, samples, seed, party, Tokenizer(content)),
    )
    return LocalTrainer(
        len(samples), Layout(()), _nothing_to_train, privacy=spec.privacy, counter=counter
    )


def counted(samples: Samples, joint: Joint, seed: int) -> Arrays:
    """Count in how many texts of a child each word occurs, under noise if the job asks for it.

    Args:
        samples: The child's own.
        joint: What the job says.
        seed: The job's.

    Returns:
        Counts in cells, and those of words that may be named.
    """
    documents, most, noise = list(_documents(samples)), joint.words_per_document, joint.noise
    counts = cells.document_counts(documents, most)
    if noise is None:
        in_cells = cells.counted(counts, seed)
        counts = Counter({it: n for it, n in counts.items() if n >= joint.own_documents})
    else:
        from isthmus.horizontal.encoders import noised_counts  # noqa: PLC0415 - it loads slowly

        in_cells = noised_counts.noised_cells(documents, seed, most, noise)
        counts = noised_counts.noised_words(counts, most, joint.own_documents, noise)
    names = "\n".join(counts).encode()
    return {
        CELLS: in_cells,
        _WORDS: np.frombuffer(names, np.uint8),
        _DOCUMENTS: np.array(list(counts.values()), np.int64),
    }


def named(counts: Arrays, common: NDArray[np.uint8], joint: Joint, seed: int) -> CommonWords:
    """The words of a child that are common.

    Args:
        counts: What `counted` returned.
        common: Which cells are large enough, a bit for each.
        joint: What the job says.
        seed: The job's.

    Returns:
        The message that names them.
    """
    words_ = counts[_WORDS].tobytes().decode().split("\n")
    numbers: list[int] = counts[_DOCUMENTS].tolist()
    found = cells.named(dict(zip(words_, numbers, strict=False)), common, joint.own_documents, seed)
    return CommonWords(words=list(found), documents=list(found.values()))


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
    counts = [counted(it, joint, seed) for it in parts]
    total = np.zeros(cells.SIZE, np.uint32)
    for each in counts:
        total += each[CELLS]
    common = cells.common(total, joint.least_documents)
    said = [named(it, common, joint, seed) for it in counts]
    return Tokenizer(agreed(said, joint)), len({word for each in said for word in each.words})


def _documents(samples: Samples) -> Iterator[list[str]]:
    columns = (samples.texts, *samples.translations)
    for language, texts in zip(samples.names, columns, strict=True):
        for text in texts:
            yield words(normalised(text), language)


_WORDS, _DOCUMENTS = "words", "documents"  # names of arrays


def _nothing_to_fuse(*_: object) -> Fused:
    raise ValueError("rounds begin after the vocabulary")


def _nothing_to_train(_start: Parameters, _round: int) -> tuple[Parameters, Mapping[str, float]]:
    raise ValueError("rounds begin after the vocabulary")
