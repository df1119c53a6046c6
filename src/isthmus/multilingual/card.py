"""The model card: what an encoder was trained on, and how well it does."""

from collections.abc import Iterator, Sequence

from isthmus.evaluation.comparison import heading, languages
from isthmus.evaluation.description import LanguagePair
from isthmus.multilingual.corpora.texts import Counts
from isthmus.multilingual.spec import Corpus, Multilingual


def written(spec: Multilingual, counts: Counts, pairs: Sequence[LanguagePair] | None) -> str:
    """Write the card.

    Args:
        spec: The `[multilingual]` table.
        counts: Rows of the corpora.
        pairs: What was measured; None before that.

    Returns:
        Markdown.
    """
    lines = ["# Encoder of texts in several languages", "", *_use(spec), *_data(spec, counts)]
    lines += _figures(pairs) if pairs else ["", "Nothing has been measured."]
    return "\n".join([*lines, ""])


def _use(spec: Multilingual) -> Iterator[str]:
    yield "Texts that mean the same have vectors that lie close together, whatever their language."
    yield from ("", "```python", "from sentence_transformers import SentenceTransformer", "")
    yield from ('vectors = SentenceTransformer("PATH OF THIS FOLDER").encode(texts)', "```")
    if spec.matryoshka:
        lengths = " or ".join(f"{each:,}" for each in sorted(spec.matryoshka))
        yield from ("", f"The first {lengths} numbers of a vector serve alone: `truncate_dim` of")
        yield "`SentenceTransformer` takes one of these lengths."


def _data(spec: Multilingual, counts: Counts) -> Iterator[str]:
    yield from ("", "## Data", "")
    if spec.encoder.continued is not None:
        yield from ("Training went on from another encoder, on these corpora:", "")
    yield from ("| corpus | rows | source | licence |", "|---|---|---|---|")
    for name, corpus in spec.corpora.items():
        yield _row(name, counts.corpora[name].trained, corpus)
    held = sum(each.held_out for each in counts.corpora.values())
    if held:
        yield from ("", f"{held:,} rows are held out, by whole documents, to measure on.")
    if spec.tests:
        yield from ("", "Measured on, and never trained on:", "")
        yield from ("| texts | rows | source | licence |", "|---|---|---|---|")
        for name, corpus in spec.tests.items():
            yield _row(name, counts.tests[name].read, corpus)
    if held or spec.tests:
        yield from ("", "No text that is measured on is in the vocabulary, the dictionary or the")
        yield "training."


def _row(name: str, rows: int, corpus: Corpus) -> str:
    return f"| {name} | {rows:,} | {_cell(corpus.source)} | {_cell(corpus.licence)} |"


def _cell(text: str | None) -> str:
    return "not stated" if text is None else " ".join(text.replace("|", "/").split())


def _figures(pairs: Sequence[LanguagePair]) -> Iterator[str]:
    methods = list(dict.fromkeys(name for pair in pairs for name in pair.methods))
    yield from ("", "## Figures", "")
    yield "Share of texts whose nearest text is their translation, in percent, the mean of both"
    yield "ways. All but the last two with CSLS. Zero-shot: no corpus has texts in both languages."
    yield ""
    yield f"| texts | languages | rows | {' | '.join(map(heading, methods))} |"
    yield f"|---|---|---|{'---|' * len(methods)}"
    for pair in pairs:
        found = {name: f"{each.top1:.1f}" for name, each in pair.methods.items()}
        cells = " | ".join(found.get(name, "") for name in methods)
        yield f"| {pair.data} | {languages(pair)} | {pair.rows:,} | {cells} |"
