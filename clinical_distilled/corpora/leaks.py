"""Leaks: finds notes that are nearly the same, so that none stands on both sides of a split."""

import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from datasketch import MinHash, MinHashLSH
from tqdm import tqdm

from clinical_distilled.files import text_sha256

THRESHOLD = 0.7  # a note in which one word in twenty was changed is at about 0.75
SHINGLE = 3  # words
_BANDS, _ROWS = 25, 5  # finds 99.0 % of pairs at 0.7 and 99.99 % at 0.8; every find is verified
_WORD = re.compile(r"\w+")


class Pair(NamedTuple):
    """Two positions in a list of texts, and how similar the texts are, 0 to 1."""

    first: int
    second: int
    similarity: float


def near_duplicates(texts: Sequence[str], threshold: float = THRESHOLD) -> Iterator[Pair]:
    """Find texts that share at least a share of their three-word sequences.

    Candidates come from MinHash with banding (Broder 1997), then the Jaccard similarity of the sets of lower-cased
    word trigrams is computed exactly. Texts of the same words are found without hashing; each of them is paired
    with the first one only.

    Yields
    ------
    Pair
        ``first < second``, ``similarity >= threshold``.
    """
    seen: dict[str, int] = {}
    lsh = MinHashLSH(num_perm=_BANDS * _ROWS, params=(_BANDS, _ROWS))
    empty = MinHash(num_perm=_BANDS * _ROWS, hashfunc=zlib.crc32)
    for position, text in enumerate(tqdm(texts, desc="near-duplicates", unit="note", leave=False)):
        words = _words(text)
        first = seen.setdefault(text_sha256(" ".join(words)), position)
        if first != position:
            yield Pair(first, position, 1.0)
            continue
        shingles = _shingles(words)
        sketch = empty.copy()
        sketch.update_batch([" ".join(shingle).encode() for shingle in shingles])
        for other in sorted(lsh.query(sketch)):
            similarity = _jaccard(shingles, _shingles(_words(texts[other])))
            if similarity >= threshold:
                yield Pair(other, position, similarity)
        lsh.insert(position, sketch, check_duplication=False)


def groups(count: int, pairs: Iterable[Pair]) -> list[int]:
    """Join positions that are paired, directly or through others.

    Returns
    -------
    list of int
        For each position the smallest position of its group.
    """
    parent = list(range(count))

    def root(position: int) -> int:
        while parent[position] != position:
            parent[position] = parent[parent[position]]
            position = parent[position]
        return position

    for first, second, _ in pairs:
        low, high = sorted((root(first), root(second)))
        parent[high] = low
    return [root(position) for position in range(count)]


def _words(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(text.lower())) or (text.strip(),)


def _shingles(words: Sequence[str]) -> set[tuple[str, ...]]:
    return {tuple(words[start : start + SHINGLE]) for start in range(max(1, len(words) - SHINGLE + 1))}


def _jaccard(left: set[tuple[str, ...]], right: set[tuple[str, ...]]) -> float:
    shared = len(left & right)
    return shared / (len(left) + len(right) - shared)
