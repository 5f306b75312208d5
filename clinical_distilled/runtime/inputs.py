"""Inputs: what the model reads of a document: word pieces and, for each token, what the text and the terms say.

The encoder never sees some of what a reader sees: case (most vocabularies are lower-case), line ends (white space has
no word pieces) and which words a terminology knows. These become features of a token, which the model adds to its
word embeddings.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from spacy.attrs import IS_LOWER, IS_SPACE, IS_TITLE, IS_UPPER, LOWER, ORTH
from spacy.tokens import Doc

from .matcher import TermMatcher
from .windows import Window, windows
from .wordpieces import MAX_PIECES, Pieces, WordPieces

SHAPE_FEATURES = ("upper", "title", "mixed", "line")


@dataclass(frozen=True)
class ReadingSettings:
    """How documents are read.

    Attributes
    ----------
    window : int
        Most word pieces the encoder reads at once, special tokens not counted.
    overlap : int
        Word pieces that neighbouring windows share.
    term_labels : tuple of str
        Labels of the terminology that have features.
    """

    window: int
    overlap: int
    term_labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises
        ------
        ValueError
            If the window cannot hold one token, or the overlap does not fit in it.
        """
        if self.window < MAX_PIECES or not 0 <= self.overlap < self.window:
            raise ValueError(
                f"window must be at least {MAX_PIECES} and overlap between 0 and the window, "
                f"not {self.window} and {self.overlap}"
            )


class Reading(NamedTuple):
    """A document as the model reads it.

    Attributes
    ----------
    pieces : Pieces
        Its word pieces, and the tokens they belong to.
    first : int64 array, shape (read tokens + 1,)
        Position of each read token's first piece; at the end, the number of pieces.
    features : float32 array, shape (read tokens, features)
        What holds of each read token: zero or one.
    windows : list of Window
        Stretches of read tokens.
    """

    pieces: Pieces
    first: npt.NDArray[np.int64]
    features: npt.NDArray[np.float32]
    windows: list[Window]


class Input(NamedTuple):
    """One window of a document: what one run of the encoder takes.

    Attributes
    ----------
    ids : int64 array, shape (pieces,)
        Word pieces between the tokenizer's special tokens.
    features : float32 array, shape (pieces, features)
        Those of a piece's token; zero for special tokens.
    first : int64 array, shape (kept tokens,)
        Position in `ids` of the first piece of each kept token.
    """

    ids: npt.NDArray[np.int64]
    features: npt.NDArray[np.float32]
    first: npt.NDArray[np.int64]


class Reader:
    """Reads documents for the model.

    Parameters
    ----------
    wordpieces
        The encoder's tokenizer.
    settings
        Windows and labels of the terminology.
    matcher
        The terminology; without one, no token has a term feature.
    """

    def __init__(self, wordpieces: WordPieces, settings: ReadingSettings, matcher: TermMatcher | None = None) -> None:
        self.wordpieces = wordpieces
        self.settings = settings
        self.matcher = matcher
        self.feature_names = (
            *SHAPE_FEATURES,
            *(f"{prefix}-{label}" for label in settings.term_labels for prefix in "BI"),
        )

    def __call__(self, docs: Sequence[Doc]) -> list[Reading]:
        """Read documents."""
        return [self._read(doc, pieces) for doc, pieces in zip(docs, self.wordpieces(list(docs)), strict=True)]

    def input(self, reading: Reading, window: Window) -> Input:
        """Return what the encoder takes for one window of a document."""
        prefix, suffix = self.wordpieces.prefix, self.wordpieces.suffix
        begin, end = reading.first[window.start], reading.first[window.end]
        ids = np.concatenate([prefix, reading.pieces.ids[begin:end], suffix]).astype(np.int64)
        counts = reading.pieces.counts[window.start : window.end]
        features = np.zeros((len(ids), len(self.feature_names)), dtype=np.float32)
        features[len(prefix) : len(ids) - len(suffix)] = np.repeat(
            reading.features[window.start : window.end], counts, axis=0
        )
        first = reading.first[window.keep_start : window.keep_end] - begin + len(prefix)
        return Input(ids, features, first)

    def _read(self, doc: Doc, pieces: Pieces) -> Reading:
        first = np.concatenate([[0], np.cumsum(pieces.counts)]).astype(np.int64)
        features = np.zeros((len(doc), len(self.feature_names)), dtype=np.float32)
        if len(pieces.tokens):
            features[:, : len(SHAPE_FEATURES)] = _shape_features(doc)
            self._add_terms(doc, features)
        cut = windows(pieces.counts, self.settings.window, self.settings.overlap)
        return Reading(pieces, first, features[pieces.tokens], cut)

    def _add_terms(self, doc: Doc, features: npt.NDArray[np.float32]) -> None:
        if self.matcher is None:
            return
        column = {label: len(SHAPE_FEATURES) + 2 * i for i, label in enumerate(self.settings.term_labels)}
        for match in self.matcher(doc):
            for label in match.labels:
                if label in column:
                    features[match.start, column[label]] = 1
                    features[match.start + 1 : match.end, column[label] + 1] = 1

    def to_bytes(self) -> dict[str, bytes]:
        """Return the parts of the reader as named bytes; equal readers give equal bytes."""
        settings = {"window": self.settings.window, "overlap": self.settings.overlap}
        parts = {
            "reading.json": json.dumps({**settings, "term_labels": list(self.settings.term_labels)}).encode(),
            "tokenizer.json": self.wordpieces.json.encode(),
        }
        if self.matcher is not None:
            parts["terms.bin"] = self.matcher.to_bytes()
        return parts

    @classmethod
    def from_bytes(cls, parts: dict[str, bytes]) -> "Reader":
        """Build a reader from what `to_bytes` gave; other parts are passed over.

        Raises
        ------
        ValueError
            If a part is missing or damaged.
        """
        missing = {"reading.json", "tokenizer.json"} - parts.keys()
        if missing:
            raise ValueError(f"the component's data lack {sorted(missing)}; build the pipeline anew")
        settings = json.loads(parts["reading.json"])
        reading = ReadingSettings(settings["window"], settings["overlap"], tuple(settings["term_labels"]))
        matcher = TermMatcher.from_bytes(parts["terms.bin"]) if "terms.bin" in parts else None
        return cls(WordPieces(parts["tokenizer.json"].decode()), reading, matcher)


def _shape_features(doc: Doc) -> npt.NDArray[np.float32]:
    """Return `SHAPE_FEATURES` of each token: its case, and whether a line begins with it."""
    values = doc.to_array([ORTH, LOWER, IS_UPPER, IS_TITLE, IS_LOWER, IS_SPACE])
    upper, title, lower, space = values[:, 2:].astype(bool).T
    mixed = (values[:, 0] != values[:, 1]) & ~upper & ~title & ~lower
    line = np.ones(len(doc), dtype=bool)
    line[1:] = False
    line[[i + 1 for i in np.flatnonzero(space[:-1]).tolist() if "\n" in doc[i].text]] = True
    return np.stack([upper, title & ~upper, mixed, line], axis=1).astype(np.float32)
