"""The vocabulary that a master and its children agree on before the first round.

1. Each child counts in how many of its documents each word is, in cells that words share. The cells
   are summed under the masks of a secure sum.
2. The master says which cells are large enough, and each child names its words there.
3. From the named words the master trains the vocabulary, and sends it with a child's first round.
"""

from isthmus.core.errors import PeerError
from isthmus.horizontal.messages import (
    CommonCells,
    CommonWords,
    Reason,
    RoundStart,
    Turn,
    Vocabulary,
)
from isthmus.horizontal.parameters import digest
from isthmus.horizontal.privacy.secure_sum.child import Part, send_masked_update
from isthmus.horizontal.privacy.secure_sum.identity import Identity
from isthmus.horizontal.privacy.secure_sum.master import Terms, secure_sum
from isthmus.horizontal.rounds.children import Children
from isthmus.horizontal.rounds.local_training import CELLS, LocalTrainer, WordCounter
from isthmus.horizontal.rounds.memory import ChildMemory, LastUpdate, MasterMemory
from isthmus.horizontal.rounds.training import JointVocabulary, Training
from isthmus.transport.channel import Channel

_START = RoundStart(round=0, parameters={})


def agree(children: Children, joint: JointVocabulary, memory: MasterMemory) -> Training:
    """Agree on a vocabulary with all children that are ready, unless that is done already.

    We learn the sum of all children's counts, in cells, and the common words that each child names
    with its own counts.

    Args:
        children: Of the run.
        joint: How the vocabulary comes about.
        memory: Keeps it, so that a resumed run has the same.

    Returns:
        What is trained with it.

    Raises:
        ChannelError: Fewer children than the quorum were there in time.
        SpecError: Nobody named a word.
    """
    if not memory.vocabulary:
        offers = children.offers(_START, "count")
        children.check_quorum("when words were counted", offers)
        weights = dict.fromkeys(offers, 1 / len(offers))
        terms = Terms(_START.parameters, joint.size, joint.spec, children.quorum)
        found = secure_sum(children.exchange, offers, weights, terms)
        question = CommonCells(cells=joint.common(found.total))
        named = children.exchange(
            "name", dict.fromkeys(found.weights, question), CommonWords, _flaw
        )
        children.check_quorum("when words were named", named)
        memory.keep_vocabulary(joint.agree(dict(sorted(named.items()))))
    training = joint.training(memory.vocabulary)
    children.begin(training, memory.vocabulary)
    return training


def count_words(
    master: Channel, counter: WordCounter, memory: ChildMemory, identity: Identity
) -> Turn:
    """Add our counts to the sum of all children's, once.

    Args:
        master: The line to it.
        counter: Makes our counts.
        memory: Keeps them, and which sum was opened.
        identity: Who we are, and by what we know the other children.

    Returns:
        The next turn.

    Raises:
        PeerError: The master asks for another sum than before, or for one after the first round.
    """
    if memory.last is not None and memory.last.round > 0:
        memory.check_order(0)
    last = memory.last
    if last is None:
        last = LastUpdate(0, digest({}), counter.count(), {})
        memory.keep(last, {})
    cells = last.update[CELLS]
    part = Part(lambda _cohort, _name: cells.copy(), {}, memory.commit)
    return send_masked_update(master, _START, part, counter.spec, identity)


def name_words(master: Channel, counter: WordCounter, memory: ChildMemory) -> Turn:
    """Name the words of ours that are common.

    Args:
        master: The line to it.
        counter: Names words.
        memory: It has our counts, and says whether we were in the sum.

    Returns:
        The next turn.

    Raises:
        PeerError: We were in no sum, or the cells are not as many as ours.
    """
    cells, last = master.receive(CommonCells).cells, memory.last
    in_a_sum = last is not None and last.round == 0 and last.opened
    if last is None or not in_a_sum or 8 * cells.size != counter.size:
        raise PeerError(
            f"{master.peer!r} asks for words after no sum of ours, or by other cells. Nothing was "
            "named; compare `isthmus version` on both sides."
        )
    master.send(counter.name(last.update, cells))
    return master.receive(Turn)


def take_vocabulary(
    master: Channel, trainer: LocalTrainer | Reason
) -> tuple[bytes, LocalTrainer | Reason]:
    """Receive the vocabulary.

    Args:
        master: The line to it.
        trainer: What we have without it.

    Returns:
        The file `tokenizer.json`, and the trainer with it; the same reason if we do not train.
    """
    content = master.receive(Vocabulary).content
    if not isinstance(trainer, LocalTrainer) or trainer.counter is None:
        return content, trainer
    found = trainer.counter.trainer(content)
    found.state.update(trainer.state)
    return content, found


def _flaw(_child: str, named: CommonWords) -> str:
    if len(named.words) != len(named.documents) or len(set(named.words)) != len(named.words):
        return "it named a word twice, or without a count"
    return ""
