"""The door to tokenizers: texts to pieces of a vocabulary, which is trained or read from a file."""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self, cast

import numpy as np
import tokenizers
from numpy.typing import NDArray
from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers
from tokenizers.processors import TemplateProcessing
from tokenizers.trainers import BpeTrainer

from isthmus.core.errors import SpecError, disk_full_is_error
from isthmus.text import word_counts
from isthmus.text.tokens import Tokens
from isthmus.text.word_cache import WordCache

# Threads of this library hang in a process that is forked from one that used them.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

PAD, UNKNOWN, START, END, MASK = "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"
"""Pieces that no text is made of; in this order they are the first of a trained vocabulary."""

LEAST = 512
"""Fewest pieces of a vocabulary that is trained: special ones, bytes, and some of the texts."""

_SPECIAL = (PAD, UNKNOWN, START, END, MASK)
_OTHER_NAMES = {
    PAD: ("<pad>",),
    UNKNOWN: ("<unk>",),
    START: ("<s>", "<cls>", "<bos>", "<|startoftext|>"),
    END: ("</s>", "<sep>", "<eos>", "<|endoftext|>"),
    MASK: ("<mask>",),
}
_BYTES = tuple(f"<0x{byte:02X}>" for byte in range(256))
_SPACE = "▁"
_BLOCK = 4096  # texts at a time
_LONGEST_PIECE = 16
_MOST_HOLES = 2  # numbers for each piece: some vocabularies leave some out
_ADVICE = "Is it the file `tokenizer.json` of a model, whole and unchanged?"


class Specials(NamedTuple):
    """Numbers of the pieces that a transformer needs beside those of texts."""

    pad: int
    unknown: int
    start: int
    end: int
    mask: int


class Tokenizer:
    """A vocabulary, and how texts are divided into its pieces."""

    def __init__(self, content: bytes, digest: str | None = None) -> None:
        """Read a tokenizer.

        Args:
            content: What the file `tokenizer.json` holds.
            digest: What `digest` has to be; None if it may be any.

        Raises:
            SpecError: It is not a tokenizer, or its digest is another.
        """
        self.content = _unpadded(content)
        self.digest = hashlib.sha256(self.content).hexdigest()
        if digest not in {None, self.digest}:
            raise SpecError(
                f"is another tokenizer than the one that was trained with: its digest is "
                f"{self.digest[:12]}... and not {str(digest)[:12]}... Copy the file again."
            )
        self._engine = _engine(self.content)
        self.vocabulary: Mapping[str, int] = self._engine.get_vocab(with_added_tokens=True)
        self.size = max(self.vocabulary.values(), default=-1) + 1
        if not 0 < self.size <= _MOST_HOLES * len(self.vocabulary):
            raise SpecError(
                f"is not a tokenizer: it has {len(self.vocabulary):,} pieces and counts them up to "
                f"{self.size:,}. {_ADVICE}"
            )
        unknown = [
            self.vocabulary[it] for it in (*_BYTES, UNKNOWN, "<unk>") if it in self.vocabulary
        ]
        self.unknown: NDArray[np.int32] = np.unique(np.array(unknown, np.int32))
        """Numbers of the pieces that stand for what the vocabulary lacks."""
        self._words = WordCache(self._encoded) if _is_by_word(self.content) else None

    @classmethod
    def train(cls, texts: Iterable[str], size: int) -> Self:
        """Train a vocabulary by byte-pair encoding; the same texts give the same digest.

        Args:
            texts: The texts, which are read once.
            size: Most pieces, at least LEAST.

        Returns:
            A tokenizer whose pieces are in lower case; what it lacks it divides into bytes.

        Raises:
            SpecError: There is no word in the texts.

        Source:
            Sennrich, Haddow, Birch 2016, arXiv:1508.07909; bytes as Kudo, Richardson 2018,
            arXiv:1808.06226.
        """
        return cls.train_on_words(word_counts.counted(texts), size)

    @classmethod
    def train_on_words(cls, counts: Mapping[str, int], size: int) -> Self:
        """Train a vocabulary likewise, on words with how often each occurs.

        Args:
            counts: The words, in any order.
            size: Most pieces, at least LEAST.

        Returns:
            That of a text in which each word occurs so often.

        Raises:
            SpecError: There is no word.
        """
        normalised = _normalised(counts)
        if not normalised:
            raise SpecError("there is no word in the texts that a vocabulary is to be trained on.")
        return cls(_trained(normalised, size))

    @classmethod
    def of_bytes(cls) -> Self:
        """Returns the vocabulary of bytes of UTF-8, which needs no training and lacks nothing."""
        return cls(_bytes())

    @classmethod
    def load(cls, path: Path, digest: str | None = None) -> Self:
        """Read a tokenizer from a file.

        Args:
            path: The file.
            digest: What its `digest` has to be; None if it may be any.

        Returns:
            The tokenizer; padding and truncation that the file asks for are left out.

        Raises:
            SpecError: The file cannot be read, is not a tokenizer, or its digest is another.
        """
        try:
            return cls(path.read_bytes(), digest)
        except OSError as error:
            raise SpecError(f"{path}: cannot be read: {error.strerror}. {_ADVICE}") from None
        except SpecError as error:
            raise SpecError(f"{path}: {error}") from None

    def save(self, path: Path) -> None:
        """Write the file `tokenizer.json`."""
        with disk_full_is_error(path):
            path.write_bytes(self.content)

    def tokens(self, texts: Sequence[str], length: int | None = None) -> Tokens:
        """Divide texts into pieces, without special ones around them.

        Args:
            texts: The texts; they may be empty.
            length: Most pieces that are kept of a text; None for all.

        Returns:
            The pieces.
        """
        blocks = (texts[it : it + _BLOCK] for it in range(0, len(texts), _BLOCK))
        made = (self._divided(block) for block in blocks)
        return Tokens.joined(it if length is None else it.cut(length) for it in made)

    def unknown_share(self, tokens: Tokens) -> float:
        """Returns the share of pieces that stand for what the vocabulary lacks; 0 of no pieces."""
        return float(np.isin(tokens.ids, self.unknown).mean()) if len(tokens.ids) else 0.0

    def text(self, ids: Iterable[int]) -> str:
        """Returns the text of pieces, without special ones."""
        return self._engine.decode([int(it) for it in ids], skip_special_tokens=True)

    def specials(self) -> Specials:
        """Numbers of the special pieces.

        Returns:
            Those of this vocabulary, whatever it calls them.

        Raises:
            SpecError: It has not all of them.
        """
        found: list[int] = []
        for name in _SPECIAL:
            names = [it for it in (name, *_OTHER_NAMES[name]) if it in self.vocabulary]
            if not names:
                raise SpecError(
                    f"the tokenizer has no piece {name}, which a transformer needs. Leave "
                    "`tokenizer` out to train one, or take that of a masked language model."
                )
            found.append(self.vocabulary[names[0]])
        return Specials(*found)

    def edges(self) -> list[int]:
        """Returns the special pieces that transformers puts around a text: of an empty one, all."""
        return list(self._engine.encode("", add_special_tokens=True).ids)

    def _divided(self, texts: Sequence[str]) -> Tokens:
        if self._words is not None:
            return self._words.tokens(texts)
        ids = self._encoded(list(texts))
        starts = np.cumsum([0, *map(len, ids)])
        return Tokens(np.array([it for row in ids for it in row], np.int32), starts)

    def _encoded(self, texts: list[str]) -> list[list[int]]:
        made = self._engine.encode_batch_fast(texts, add_special_tokens=False)
        return [it.ids for it in made]


def _normalizer() -> normalizers.Normalizer:
    # A space of its own sign would look like the mark of a word's beginning.
    spaces = normalizers.Replace(Regex(rf"[\s{_SPACE}]+"), " ")
    steps = [normalizers.NFKC(), normalizers.Lowercase(), spaces, normalizers.Strip()]
    return normalizers.Sequence(steps)


def _pre_tokenizer() -> pre_tokenizers.PreTokenizer:
    spaces = pre_tokenizers.Metaspace(replacement=_SPACE, prepend_scheme="always")
    return pre_tokenizers.Sequence([spaces, pre_tokenizers.Punctuation("isolated")])


def _normalised(counts: Mapping[str, int]) -> Counter[str]:
    normalizer = _normalizer()
    normalised: Counter[str] = Counter()
    for raw, count in counts.items():
        for word in normalizer.normalize_str(raw).split(" "):
            normalised[word] += count
    del normalised[""]
    return normalised


def _trained(counts: Counter[str], size: int) -> bytes:
    signs = (size - len(_SPECIAL) - len(_BYTES)) // 2
    alphabet = [_SPACE, *word_counts.common_signs(counts, signs - 1)]
    engine = tokenizers.Tokenizer(models.BPE(unk_token=UNKNOWN))
    engine.pre_tokenizer = _pre_tokenizer()
    trainer = BpeTrainer(
        vocab_size=size - len(_BYTES),
        special_tokens=list(_SPECIAL),
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        max_token_length=_LONGEST_PIECE,
        show_progress=False,
    )
    engine.train_from_iterator(word_counts.lines(counts), trainer)
    model: dict[str, Any] = json.loads(engine.to_str())["model"]
    pieces = sorted(cast(dict[str, int], model["vocab"]).items(), key=lambda it: it[1])
    names = [*_SPECIAL, *_BYTES, *(name for name, _ in pieces if name not in _SPECIAL)]
    merges = [(first, second) for first, second in model["merges"]]
    return _file({name: number for number, name in enumerate(names)}, merges)


def _file(vocabulary: dict[str, int], merges: list[tuple[str, str]]) -> bytes:
    model = models.BPE(vocab=vocabulary, merges=merges, unk_token=UNKNOWN, byte_fallback=True)
    engine = tokenizers.Tokenizer(model)
    cast(Any, engine).add_special_tokens([AddedToken(it, special=True) for it in _SPECIAL])
    engine.normalizer = _normalizer()
    engine.pre_tokenizer = _pre_tokenizer()
    engine.post_processor = _surrounding(vocabulary)
    engine.decoder = decoders.Sequence(
        [
            decoders.Replace(_SPACE, " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    return engine.to_str(pretty=True).encode()


def _bytes() -> bytes:
    signs = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {name: number for number, name in enumerate((*_SPECIAL, *signs))}
    engine = tokenizers.Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token=UNKNOWN))
    cast(Any, engine).add_special_tokens([AddedToken(it, special=True) for it in _SPECIAL])
    engine.normalizer = normalizers.NFKC()
    engine.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    engine.post_processor = _surrounding(vocabulary)
    engine.decoder = decoders.ByteLevel()
    return engine.to_str(pretty=True).encode()


def _surrounding(vocabulary: Mapping[str, int]) -> TemplateProcessing:
    return TemplateProcessing(
        single=f"{START} $A {END}",
        pair=f"{START} $A {END} $B:1 {END}:1",
        special_tokens=[(name, vocabulary[name]) for name in (START, END)],
    )


def _unpadded(content: bytes) -> bytes:
    # Padding and truncation would change vectors.
    try:
        parts = json.loads(content)
    except (ValueError, RecursionError):
        raise SpecError(f"is not a tokenizer: it is not JSON. {_ADVICE}") from None
    if not isinstance(parts, dict) or "model" not in parts:
        raise SpecError(f"is not a tokenizer: it describes no model. {_ADVICE}")
    known = cast(dict[str, Any], parts)
    if known.get("padding") is None and known.get("truncation") is None:
        return content
    return json.dumps(known | {"padding": None, "truncation": None}, ensure_ascii=False).encode()


def _engine(content: bytes) -> tokenizers.Tokenizer:
    try:
        return tokenizers.Tokenizer.from_str(content.decode())
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001  the library panics, or raises no special error
        reason = type(error).__name__ if isinstance(error, UnicodeError) else str(error)
        raise SpecError(f"is not a tokenizer: {reason[:200]}. {_ADVICE}") from None


def _is_by_word(content: bytes) -> bool:
    """Returns whether the pieces of any text are those of the words between its spaces."""
    parts: dict[str, Any] = json.loads(content)
    plain = tokenizers.Tokenizer(models.BPE())
    plain.normalizer, plain.pre_tokenizer = _normalizer(), _pre_tokenizer()
    due = json.loads(plain.to_str())
    model = cast(dict[str, Any], parts["model"])
    names = [it["content"] for it in parts.get("added_tokens", [])]
    return (
        all(parts.get(it) == due[it] for it in ("normalizer", "pre_tokenizer"))
        and (model.get("type"), model.get("dropout")) == ("BPE", None)
        and names == list(_SPECIAL)
    )
