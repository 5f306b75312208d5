"""Word pieces: spaCy tokens cut by a Hugging Face tokenizer, aligned by construction."""

from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from spacy.attrs import ORTH, SPACY
from spacy.tokens import Doc
from tokenizers import Tokenizer

MAX_PIECES = 32  # of one token: a longer one (a base64 blob) is read by its beginning
_CACHE_SIZE = 1 << 16


class Pieces(NamedTuple):
    """The word pieces of a document.

    Attributes
    ----------
    ids : int64 array, shape (pieces,)
        Vocabulary ids, without the tokenizer's special tokens.
    tokens : int64 array, shape (read tokens,)
        Indices of the document's tokens that have word pieces. White space and stray control characters have none.
    counts : int64 array, shape (read tokens,)
        Word pieces of each of those tokens, 1 to `MAX_PIECES`.
    """

    ids: npt.NDArray[np.int64]
    tokens: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]


class WordPieces:
    """Cuts the tokens of documents into word pieces.

    Each token is cut on its own (with a space before it where the text has one, which byte-level vocabularies
    tell apart), so a piece belongs to one token whatever the tokenizer normalises away, and tokens met before
    cost one look-up.

    Parameters
    ----------
    tokenizer_json
        The text of a ``tokenizer.json``.

    Raises
    ------
    ValueError
        If the text is not such a file.
    """

    def __init__(self, tokenizer_json: str) -> None:
        self.json = tokenizer_json
        try:
            self._tokenizer = Tokenizer.from_str(tokenizer_json)
        except Exception as error:  # the Rust library raises bare Exception
            raise ValueError(f"tokenizer.json cannot be read: {error}") from None
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        marked = self._tokenizer.encode("a")
        special = [bool(flag) for flag in marked.special_tokens_mask]
        first = special.index(False)
        self.prefix = marked.ids[:first]
        self.suffix = [piece for piece, flag in zip(marked.ids[first:], special[first:], strict=True) if flag]
        self._known: dict[int, tuple[int, ...]] = {}

    def __call__(self, docs: list[Doc]) -> list[Pieces]:
        """Return the word pieces of each document; unknown tokens are cut in one call of the tokenizer."""
        keys = [_keys(doc) for doc in docs]
        known = self._learn(keys, docs)
        return [self._pieces([known[key] for key in row]) for row in keys]

    def _learn(self, keys: list[list[int]], docs: list[Doc]) -> dict[int, tuple[int, ...]]:
        # A full cache is replaced, not emptied: another thread may be reading it.
        known = self._known if len(self._known) < _CACHE_SIZE else {}
        new: dict[int, str] = {}
        for row, doc in zip(keys, docs, strict=True):
            for position, key in enumerate(row):
                if key not in known and key not in new:
                    new[key] = " " * (key & 1) + doc[position].text
        if new:
            cut = self._tokenizer.encode_batch(list(new.values()), add_special_tokens=False)
            known.update(zip(new, (tuple(encoding.ids[:MAX_PIECES]) for encoding in cut), strict=True))
        self._known = known
        return known

    @staticmethod
    def _pieces(cut: list[tuple[int, ...]]) -> Pieces:
        counts = np.fromiter(map(len, cut), dtype=np.int64, count=len(cut))
        ids = np.fromiter(chain.from_iterable(cut), dtype=np.int64, count=int(counts.sum()))
        tokens = np.flatnonzero(counts)
        return Pieces(ids, tokens, counts[tokens])


def _keys(doc: Doc) -> list[int]:
    """Return a number for each token: its text's hash, and in the lowest bit whether a space stands before it."""
    if not len(doc):
        return []
    values = doc.to_array([ORTH, SPACY])
    before = np.concatenate([[1], values[:-1, 1]]).astype(np.uint64)
    keys: list[int] = ((values[:, 0] << np.uint64(1)) | before).tolist()
    return keys
