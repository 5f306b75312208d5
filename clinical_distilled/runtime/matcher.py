"""Find the names of a terminology in a document: whole words, longest match, left to right.

Names and texts are cut into *units* (runs of letters, runs of digits, single signs), each unit is hashed, and a
name is the hash of its units. The index is a sorted array of the hashes of all names and all their beginnings, so
that a document is looked up with a few array operations, and a million names load by one read.
"""

import json
import re
import unicodedata
from array import array
from collections.abc import Iterable, Iterator
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from spacy.attrs import ORTH, SPACY
from spacy.tokens import Doc

_FAMILY = b"clinical-distilled terms "
_MAGIC = _FAMILY + b"1\n"
_UNIT = re.compile(r"[^\W\d_]+|\d+|[^\w\s]|_")
_ACRONYM = re.compile(r"(?=(?:[^A-Z]*[A-Z]){2})[^a-z]*s?")  # two capitals, nothing small but a plural s
_HYPHENS = "-\u2010\u2011\u2013"
_PLAIN = str.maketrans({**dict.fromkeys(_HYPHENS, "-"), "\u2019": "'", "\u02bc": "'"})
_CACHED_WORDS = 1 << 16
_FACTOR = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1
_FOLDED, _EXACT = 1, 2  # the state a name starts from: in any case, or in its own only
_ARRAYS = (("keys", "<u8"), ("values", "<i4"), ("entries", "<u4"), ("senses", "<u4"), ("offsets", "<u4"))


class Entry(NamedTuple):
    """One name of a concept, as a terminology gives it."""

    surface: str
    label: str
    concept: str


class Match(NamedTuple):
    """A name found in a document.

    Attributes
    ----------
    start, end : int
        Token indices, end exclusive.
    labels, concepts : tuple of str
        What the name may stand for, preferred first; the two run parallel.
    """

    start: int
    end: int
    labels: tuple[str, ...]
    concepts: tuple[str, ...]


class _Word(NamedTuple):
    """What a token contributes: the hashes of its units, and whether a name may begin with the first one."""

    folded: tuple[int, ...]
    exact: tuple[int, ...]
    opens_folded: bool
    opens_exact: bool
    is_hyphen: bool
    is_space: bool


class TermMatcher:
    """A compiled set of names.

    Names are whole words: a match begins and ends with a token. White space inside a name is skipped unless it
    holds an empty line. A name of capitals ("PAD") matches by case, any other in any case. A name with several
    meanings keeps them all, in the order in which they were given.

    Build one with `from_entries` or `from_bytes`.

    Attributes
    ----------
    meta : dict
        What the builder says of the names: their sources, for example. Plain JSON values.
    """

    def __init__(self, arrays: dict[str, np.ndarray], labels: list[str], concepts: bytes, meta: dict[str, Any]) -> None:
        self.meta = meta
        self._arrays = arrays
        self._keys, self._values = arrays["keys"], arrays["values"]
        self._labels = labels
        self._concepts = concepts
        self._words: dict[int, _Word] = {}
        self._meanings: dict[int, tuple[tuple[str, ...], tuple[str, ...]]] = {}

    def __len__(self) -> int:
        """Return the number of distinct names."""
        return int((self._values >= 0).sum())

    @classmethod
    def from_entries(
        cls, entries: Iterable[Entry | tuple[str, str, str]], meta: dict[str, Any] | None = None
    ) -> "TermMatcher":
        """Compile names; where several share a surface, the first given is preferred.

        Raises
        ------
        ValueError
            If a surface has no letter, digit or sign.
        """
        labels: dict[str, int] = {}
        concepts: dict[str, int] = {}
        beginnings, names, senses = array("Q"), array("Q"), array("I")
        for surface, label, concept in entries:
            states = _states(surface, exact=is_acronym(surface))
            if not states:
                raise ValueError("a name needs at least one letter, digit or sign")
            beginnings.extend(states[:-1])
            names.append(states[-1])
            senses.append(labels.setdefault(label, len(labels)))
            senses.append(concepts.setdefault(concept, len(concepts)))
        blob = [concept.encode() for concept in concepts]
        arrays = _compile(np.array(names, "<u8"), np.array(senses, "<u4").reshape(-1, 2), np.array(beginnings, "<u8"))
        arrays["offsets"] = np.cumsum([0, *map(len, blob)]).astype("<u4")
        return cls(arrays, list(labels), b"".join(blob), meta or {})

    def to_bytes(self) -> bytes:
        """Return the index as bytes; the same names in the same order give the same bytes."""
        sizes = {name: len(self._arrays[name]) for name, _ in _ARRAYS}
        header = {"concepts": len(self._concepts), "labels": self._labels, "meta": self.meta, "sizes": sizes}
        parts = [np.ascontiguousarray(self._arrays[name], dtype).tobytes() for name, dtype in _ARRAYS]
        return b"".join([_MAGIC, json.dumps(header, sort_keys=True).encode(), b"\n", *parts, self._concepts])

    @classmethod
    def from_bytes(cls, data: bytes) -> "TermMatcher":
        """Load what `to_bytes` gave.

        Raises
        ------
        ValueError
            If the bytes are no index of this version, or are cut short.
        """
        if not data.startswith(_MAGIC):
            raise ValueError("not a term index of this version: build it anew")
        at = data.index(b"\n", len(_MAGIC)) + 1
        header = json.loads(data[len(_MAGIC) : at])
        size = sum(header["sizes"][name] * np.dtype(dtype).itemsize for name, dtype in _ARRAYS)
        if len(data) != at + size + header["concepts"]:
            raise ValueError("term index is cut short: build it anew")
        arrays = {}
        for name, dtype in _ARRAYS:
            arrays[name] = np.frombuffer(data, dtype, header["sizes"][name], at)
            at += arrays[name].nbytes
        return cls(arrays, header["labels"], data[at:], header["meta"])

    def __call__(self, doc: Doc) -> list[Match]:
        """Return the names in a document, in order, none overlapping another."""
        words, tokens = self._read(doc)
        found: dict[tuple[int, int], list[int]] = {}
        exact = [unit for word in words for unit in word.exact]
        folded = [unit for word in words for unit in word.folded]
        opens_exact, opens_folded, first = [], [], 0
        for word in words:
            if word.opens_exact:
                opens_exact.append(first)
            if word.opens_folded:
                opens_folded.append(first)
            first += len(word.exact)
        token = [index for word, index in zip(words, tokens, strict=True) for _ in word.exact]
        for start, end, name in self._walk(exact, opens_exact, _EXACT, token):
            found.setdefault((start, end), []).append(name)
        for start, end, name in self._walk(folded, opens_folded, _FOLDED, token):
            found.setdefault((start, end), []).append(name)
        matches: list[Match] = []
        for start, end in sorted(found, key=lambda place: (place[0], -place[1])):
            if not matches or start >= matches[-1].end:
                matches.append(Match(start, end, *self._meaning(found[start, end])))
        return matches

    def lookup(self, text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the labels and concepts that a whole text is a name of, preferred first; empty if of none."""
        names = []
        for exact in (True, False):
            slot = self._slot(key_of(text, exact=exact))
            if slot is not None and self._values[slot] >= 0:
                names.append(int(self._values[slot]))
        return self._meaning(names)

    def by_case(self, text: str) -> bool:
        """Tell whether a text is a name that is found by its case ("PAD")."""
        slot = self._slot(key_of(text, exact=True))
        return slot is not None and bool(self._values[slot] >= 0)

    def without(self, texts: Iterable[str]) -> "TermMatcher":
        """Return a matcher that does not know these names any more: "PAD" by its case, "fever" in any."""
        values = self._values.copy()
        for text in texts:
            slot = self._slot(key_of(text, exact=self.by_case(text)))
            if slot is not None:
                values[slot] = -1
        return TermMatcher(self._arrays | {"values": values}, self._labels, self._concepts, self.meta)

    def _read(self, doc: Doc) -> tuple[list[_Word], list[int]]:
        """Return the words names are compared with, and the token each is."""
        known = self._words
        if len(known) > _CACHED_WORDS:  # so that memory stays flat however many notes stream by
            known.clear()
        words: list[_Word] = []
        tokens: list[int] = []
        glued = False  # does this token follow a word with nothing between?
        rows = doc.to_array([ORTH, SPACY]).tolist()
        for index, (orth, space) in enumerate(rows):
            word = known.get(orth)
            if word is None:
                word = known[orth] = self._word(doc[index].text)
            if not (word.is_hyphen and glued and not space):
                words.append(word)
                tokens.append(index)
            glued = not space and not word.is_space
        return words, tokens

    def _word(self, text: str) -> _Word:
        pieces = ["\n\n"] * (text.count("\n") > 1) if text.isspace() else split_units(text)
        exact = tuple(_hash(piece) for piece in pieces)
        folded = tuple(_hash(piece.casefold()) for piece in pieces)
        opens_folded = bool(pieces) and self._slot(_step(_FOLDED, folded[0])) is not None
        opens_exact = bool(pieces) and self._slot(_step(_EXACT, exact[0])) is not None
        return _Word(folded, exact, opens_folded, opens_exact, pieces == ["-"], text.isspace())

    def _slot(self, key: int) -> int | None:
        slot = int(np.searchsorted(self._keys, np.uint64(key)))
        return slot if slot < len(self._keys) and int(self._keys[slot]) == key else None

    def _walk(
        self, hashes: list[int], opens: list[int], basis: int, token: list[int]
    ) -> Iterator[tuple[int, int, int]]:
        """Follow all names that begin here, one unit further each round; give start and end token, and the name."""
        if not opens:
            return
        unit = np.array([*hashes, 0], np.uint64)
        of = np.array([*token, -1], np.int64)
        start = at = np.array(opens, np.int64)
        state = np.full(len(at), basis, np.uint64)
        while len(at):
            state = state * np.uint64(_FACTOR) + unit[at]
            slot = np.minimum(np.searchsorted(self._keys, state), len(self._keys) - 1)
            known = self._keys[slot] == state
            start, at, state, slot = start[known], at[known], state[known], slot[known]
            name = self._values[slot]
            whole = (name >= 0) & (of[at] != of[at + 1])
            yield from zip(of[start[whole]].tolist(), (of[at[whole]] + 1).tolist(), name[whole].tolist(), strict=True)
            at = at + 1

    def _meaning(self, names: list[int]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the labels and concepts of names, in order."""
        labels: tuple[str, ...] = ()
        concepts: tuple[str, ...] = ()
        for name in names:
            meaning = self._meanings.get(name)
            if meaning is None:
                first, last = self._arrays["entries"][name : name + 2].tolist()
                senses = self._arrays["senses"][2 * first : 2 * last].reshape(-1, 2).tolist()
                meaning = tuple(self._labels[s] for s, _ in senses), tuple(self._concept(c) for _, c in senses)
                self._meanings[name] = meaning
            labels, concepts = labels + meaning[0], concepts + meaning[1]
        return labels, concepts

    def _concept(self, number: int) -> str:
        start, end = self._arrays["offsets"][number : number + 2].tolist()
        return self._concepts[start:end].decode()


def is_acronym(surface: str) -> bool:
    """Tell whether a name is found in its own case only ("PAD", "AIDS", "DVTs"), not in any."""
    return _ACRONYM.fullmatch(surface) is not None


def split_units(text: str) -> list[str]:
    """Cut a name into the units it is compared by; a hyphen inside it is none ("low-grade" is "low grade")."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).translate(_PLAIN)
    units = _UNIT.findall(text)
    if "-" not in units:
        return units
    return [unit for position, unit in enumerate(units) if unit != "-" or position in (0, len(units) - 1)]


def is_index(path: Path) -> bool:
    """Tell whether a file was written from `TermMatcher.to_bytes`, by this version or another."""
    with path.open("rb") as stream:
        return stream.read(len(_FAMILY)) == _FAMILY


def key_of(text: str, *, exact: bool) -> int:
    """Return what a name is stored under: by its case if `exact`, otherwise in any; 0 for a text without a unit."""
    return (_states(text, exact=exact) or [0])[-1]


@lru_cache(maxsize=1 << 16)
def _hash(unit: str) -> int:
    return int.from_bytes(blake2b(unit.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def _step(state: int, unit: int) -> int:
    return (state * _FACTOR + unit) & _MASK


def _states(surface: str, *, exact: bool) -> list[int]:
    """Return the keys of a name's beginnings, the last of them the key of the whole."""
    state = _EXACT if exact else _FOLDED
    states = []
    for unit in split_units(surface):
        state = _step(state, _hash(unit if exact else unit.casefold()))
        states.append(state)
    return states


def _compile(names: np.ndarray, senses: np.ndarray, beginnings: np.ndarray) -> dict[str, np.ndarray]:
    """Sort names, put the meanings of each together in the order given, each once.

    Parameters
    ----------
    names : array of shape (n,)
        The key of each entry.
    senses : array of shape (n, 2)
        Number of the label and of the concept of each entry.
    beginnings : array
        The keys of all proper beginnings of names.
    """
    given = np.arange(len(names))
    order = np.lexsort((given, senses[:, 1], senses[:, 0], names))
    rows = np.column_stack([names[order], senses[order].astype("<u8")])
    new = np.ones(len(rows), bool)
    new[1:] = (rows[1:] != rows[:-1]).any(axis=1)
    order = np.sort(order[new])
    order = order[np.argsort(names[order], kind="stable")]
    distinct, first = np.unique(names[order], return_index=True)
    keys = np.sort(np.concatenate([distinct, beginnings]))  # not np.unique: its hash table is slow for millions
    keys = keys[np.append(True, keys[1:] != keys[:-1])] if len(keys) else keys
    values = np.full(len(keys), -1, "<i4")
    values[np.searchsorted(keys, distinct)] = np.arange(len(distinct), dtype="<i4")
    entries = np.append(first, len(order)).astype("<u4")
    return {"keys": keys, "values": values, "entries": entries, "senses": senses[order].ravel()}
