"""Static encoders of texts and their translations: vocabulary, folder, and what they are worth."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from msgspec import structs

from isthmus.core import extras, seeds
from isthmus.core.telemetry import Telemetry
from isthmus.data.samples import Samples
from isthmus.evaluation.description import Metrics
from isthmus.horizontal.encoders.child import trainer
from isthmus.horizontal.encoders.dictionaries import dictionary_of, dictionary_retrieval
from isthmus.horizontal.encoders.head import alone
from isthmus.horizontal.encoders.inputs import Inputs, inputs_to_train
from isthmus.horizontal.encoders.joint_vocabulary import rehearsed
from isthmus.horizontal.encoders.learner import encoder_of, initial, learner
from isthmus.horizontal.encoders.local import descend, steps_of
from isthmus.horizontal.encoders.master import training
from isthmus.horizontal.encoders.retrieval import RETRIEVAL, top1
from isthmus.horizontal.encoders.spec import Encoders, Static
from isthmus.horizontal.fusion.spec import Count
from isthmus.horizontal.parameters import Parameters
from isthmus.horizontal.privacy.spec import Privacy
from isthmus.horizontal.rounds.in_process import federate
from isthmus.horizontal.system import LocalData, RoundsOutcome, VocabularyFacts
from isthmus.nn import parameters
from isthmus.text import static
from isthmus.text.dictionary.files import load_table
from isthmus.text.model_folder import write_static
from isthmus.text.tokenizer import Tokenizer


def vocabulary_of(network: Static, folder: Path, agreed: bytes = b"") -> Tokenizer:
    """Read the vocabulary of a job.

    Args:
        network: It names the file.
        folder: Of the job file.
        agreed: The file that all agreed on, if they have.

    Returns:
        The vocabulary.

    Raises:
        SpecError: The file is missing or no tokenizer, or the extra is not installed.
    """
    extras.require("multilingual", 'the network "static"')
    return Tokenizer(agreed) if agreed else Tokenizer.load(folder / network.tokenizer)


def finish(
    spec: Encoders, network: Static, local: LocalData, outcome: RoundsOutcome, folder: Path
) -> Callable[[], Metrics]:
    """Store an encoder in a folder that sentence-transformers loads, to be measured later.

    Args:
        spec: What the job says.
        network: Of it.
        local: The party and its samples.
        outcome: The result of the rounds.
        folder: Where the encoder goes.

    Returns:
        What measures it. At a party with test texts in several languages it finds `retrieval` of
        the model `shared`, and where all have a list of words, of `fused`: both together.
    """
    vocabulary = vocabulary_of(network, local.folder, outcome.vocabulary)
    published = outcome.parameters
    languages = () if local.train is None else local.train.names
    write_static(folder, folded(published), vocabulary, _CARD, languages)
    return lambda: _measured(spec, vocabulary, local.test, published)


def _measured(
    spec: Encoders, vocabulary: Tokenizer, test: Samples | None, published: Parameters
) -> Metrics:
    if test is None or not test.translations:
        return {}
    found = {"shared": retrieval(published, vocabulary, test)}
    if spec.switching is not None:
        words = load_table(Path(spec.switching.table))
        columns = (test.texts, *test.translations)
        vectors = [static.embed(folded(published), vocabulary.tokens(it)) for it in columns]
        found["fused"] = dictionary_retrieval(words, test, vectors)
    return {RETRIEVAL: found}


def folded(learned: Parameters) -> torch.Tensor:
    """Returns the vectors of a learner's pieces times their weights, shape (pieces, size)."""
    found = encoder_of(learned)
    return torch.tensor(found["table"] * np.exp(found["log_weights"])[:, None])


def retrieval(learned: Parameters, vocabulary: Tokenizer, texts: Samples) -> float:
    """How well texts find their translations.

    Args:
        learned: The parameters of a learner.
        vocabulary: Of its network.
        texts: In several languages.

    Returns:
        The mean over all pairs of languages and both ways, in percent.
    """
    table = folded(learned)
    columns = (texts.texts, *texts.translations)
    vectors = [static.embed(table, vocabulary.tokens(it)) for it in columns]
    return fmean(top1(one, other) for one, other in combinations(vectors, 2))


def compared(
    spec: Encoders, network: Static, parties: Mapping[str, LocalData]
) -> tuple[Metrics, VocabularyFacts | None]:
    """Find translations in other ways, by what the texts of all children teach.

    Args:
        spec: What the job says.
        network: Of it.
        parties: Data of every party, by name.

    Returns:
        `retrieval` on the master's test texts: of the models `alone` (the mean over the children),
        `fedavg` and `pooled`, and by `dictionary_tfidf`, TF-IDF with a dictionary mined from all
        texts, or with the list that all have; nothing where the master has none. And the
        vocabulary, unless noise chose it.
    """
    (master,) = (it for it in parties.values() if it.party not in it.children)
    own = {it.party: it.train for it in parties.values() if it.train and it.party in it.children}
    vocabulary, named = _vocabulary(network, master, list(own.values()))
    # Under noise this is another vocabulary than that of the run, whose facts are not at hand here.
    noised = network.vocabulary == "joint" and network.joint.noise is not None
    facts = None if noised else VocabularyFacts(vocabulary.size, named)
    texts = master.test
    if texts is None or not texts.translations:
        return {}, facts
    plain = structs.replace(spec, fusion=Count(), privacy=Privacy())
    models = {
        "fedavg": [_fused(plain, own, master.seed, vocabulary)],
        "pooled": [pooled(plain, list(own.values()), master.seed, vocabulary)],
        "alone": [
            alone(plain, samples, master.seed, child, spec.rounds.count, vocabulary)
            for child, samples in own.items()
        ],
    }
    means = {
        model: fmean(retrieval(it, vocabulary, texts) for it in learned)
        for model, learned in models.items()
    }
    listed = spec.switching
    words = load_table(Path(listed.table)) if listed else dictionary_of(own)
    means["dictionary_tfidf"] = dictionary_retrieval(words, texts)
    return {RETRIEVAL: means}, facts


def pooled(
    spec: Encoders, parts: Sequence[Samples], seed: int, vocabulary: Tokenizer
) -> Parameters:
    """Train on the texts of all children in one place, in as many steps as all of them together.

    Args:
        spec: What the job says.
        parts: The texts of each child.
        seed: The job's.
        vocabulary: Of the network.

    Returns:
        The parameters of a learner.
    """
    inputs = [inputs_to_train(spec, it, vocabulary) for it in parts]
    module = learner(spec, vocabulary.size)
    parameters.put(initial(spec, seed, vocabulary.size), module)
    for number in range(1, spec.rounds.count + 1):
        generator = seeds.generator(seed, "train", "pooled", str(number))
        descend(spec, module, _mixed(spec, inputs, generator), generator)
    return parameters.arrays_of(module)


def _vocabulary(
    network: Static, master: LocalData, parts: Sequence[Samples]
) -> tuple[Tokenizer, int | None]:
    if network.vocabulary == "joint":
        return rehearsed(network, parts, master.seed)
    return vocabulary_of(network, master.folder), None


def _mixed(
    spec: Encoders, inputs: Sequence[Inputs], generator: np.random.Generator
) -> Iterator[Inputs]:
    # A batch is of one child: others do not have its pair of languages.
    for _ in range(sum(steps_of(spec.training, len(it)) for it in inputs)):
        chosen = inputs[int(generator.integers(len(inputs)))]
        size = min(spec.training.batch, len(chosen))
        yield chosen.take(generator.choice(len(chosen), size, replace=False))


def _fused(
    spec: Encoders, own: Mapping[str, Samples], seed: int, vocabulary: Tokenizer
) -> Parameters:
    trainers = {child: trainer(spec, it, seed, child, vocabulary) for child, it in own.items()}
    wanted = training(spec, list(own), seed, vocabulary=vocabulary)
    return federate(wanted, trainers, spec.rounds.count, Telemetry()).parameters


_CARD = """# A shared encoder of texts

Trained in rounds by several parties, each on texts and translations of its own, by `isthmus`. The
texts were not pooled; `rounds.json` of the run at the master says who took part.
"""
