"""Folding: the form of a text in which two spellings of one name are equal, with the way back to the tokens."""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from spacy.tokens import Doc

_SAME = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u02bc\u00b4`", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d", "-"),
        "\u2044": "/",
    }
)
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufeff\u0300-\u036f]")  # zero-width, soft hyphen, accents
# One step of folding: a hyphen at a line end (written as hyphen and space by those who join lines), a run of white
# space, a run of plain characters, or any other character.
_PIECE = re.compile(r"(?<=[^\W\d_])[-\u2010\u00ad]\s+(?=[^\W\d_])|\s+|[!-,./-_a-~]+|.", re.DOTALL)


@dataclass(frozen=True)
class FoldedDoc:
    """A document's folded text and its token borders in it.

    Attributes
    ----------
    text : str
        The folded text.
    starts, ends : list of int
        Folded offsets where a visible token starts, or ends, rising.
    first, last : list of int
        The index of the token that starts at ``starts[i]``, or ends at ``ends[i]``.
    """

    text: str
    starts: list[int]
    first: list[int]
    ends: list[int]
    last: list[int]

    def token_from(self, offset: int) -> int | None:
        """Return the token that starts at a folded offset, or before it with nothing but punctuation between."""
        at = bisect_right(self.starts, offset) - 1
        return None if at < 0 or self._has_word(self.starts[at], offset) else self.first[at]

    def token_to(self, offset: int) -> int | None:
        """Return the token that ends at a folded offset, or behind it with nothing but punctuation between.

        spaCy leaves some full stops and hyphens on a word: "vitamin D." ends with the token "D.".
        """
        at = bisect_left(self.ends, offset)
        return None if at == len(self.ends) or self._has_word(offset, self.ends[at]) else self.last[at]

    def _has_word(self, start: int, end: int) -> bool:
        return any(character.isalnum() for character in self.text[start:end])


def fold(text: str) -> str:
    """Fold a text: compatible unicode forms, case, accents, quotes, dashes, white space, broken words.

    Runs of white space become one space, none at the ends; zero-width characters go; a word broken by a hyphen at
    a line end is joined.
    """
    return "".join(folded for _, folded in _pieces(text)).strip()


def fold_doc(doc: Doc) -> FoldedDoc:
    """Fold a document's text and map its token borders."""
    text = doc.text
    parts: list[str] = []
    folded_at = [0] * (len(text) + 1)
    length = reached = 0
    for end, folded in _pieces(text):
        if len(folded) == end - reached:
            folded_at[reached:end] = range(length, length + len(folded))
        else:  # a border inside such a piece (between a hyphen and its line end) counts as being behind it
            folded_at[reached:end] = [length, *[length + len(folded)] * (end - reached - 1)]
        length += len(folded)
        folded_at[end] = length
        reached = end
        parts.append(folded)
    starts: dict[int, int] = {}
    ends: dict[int, int] = {}
    for token in doc:
        # White space and zero-width tokens fold to nothing: at one offset the last start and the first end are
        # those of the token that can be seen.
        starts[folded_at[token.idx]] = token.i
        ends.setdefault(folded_at[token.idx + len(token)], token.i)
    return FoldedDoc("".join(parts), list(starts), list(starts.values()), list(ends), list(ends.values()))


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """Yield (end offset, folded form) of each piece of a text."""
    for match in _PIECE.finditer(text):
        piece = match.group()
        if piece.isspace():
            yield match.end(), " "
        elif piece.isascii() and piece[0] not in "-`":
            yield match.end(), piece.lower()
        elif len(piece) > 1:
            yield match.end(), ""
        else:
            yield match.end(), _fold_character(piece)


@lru_cache(maxsize=4096)
def _fold_character(character: str) -> str:
    folded = unicodedata.normalize("NFKD", character.translate(_SAME)).casefold()
    return _INVISIBLE.sub("", unicodedata.normalize("NFKD", folded).translate(_SAME))
