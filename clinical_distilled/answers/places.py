"""Places: every stretch of a document where a mention's name stands on token borders."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from ahocorasick_rs import AhoCorasick
from spacy.tokens import Doc

from clinical_distilled.answers.folding import fold, fold_doc

# What models put around a name that is not part of it; tried only where the name as written is not found.
_SHORT = 2  # names this short must be written as in the text
_AROUND = " \"'*_`.,;:|()[]<>-"


@dataclass(frozen=True)
class Place:
    """A stretch of tokens, end exclusive.

    Attributes
    ----------
    start, end : int
        Token indices.
    offset : int
        Where it starts, in code points.
    text : str
        The text there.
    """

    start: int
    end: int
    offset: int
    text: str


@dataclass(frozen=True)
class Places:
    """Where one name stands.

    Attributes
    ----------
    key : str
        The folded name.
    places : list of Place
        In the order of the text.
    inside : bool
        Whether it also stands somewhere inside a word.
    """

    key: str
    places: list[Place]
    inside: bool


def find_places(doc: Doc, names: Sequence[str]) -> list[Places]:
    """Find the places of each name, by folded text; time grows with the text and the number of places.

    Returns
    -------
    list of Places
        One per name; the same name has the same object.
    """
    keys = {name: fold(name) for name in dict.fromkeys(names)}
    bare = {name: key.strip(_AROUND) for name, key in keys.items()}
    found = _find_keys(doc, {key for key in (*keys.values(), *bare.values()) if key})
    nothing = Places("", [], False)
    result = {}
    for name, key in keys.items():
        whole, trimmed = found.get(key, nothing), found.get(bare[name], nothing)
        chosen = whole if whole.places or not trimmed.places else trimmed
        result[name] = _as_written(chosen, name) if len(chosen.key) <= _SHORT else chosen
    return [result[name] for name in names]


def _as_written(places: Places, name: str) -> Places:
    """Keep the places where the text is as written: the "D" of vitamin D is not the "d" of d/c."""
    kept = [place for place in places.places if name in place.text or place.text in name]
    return Places(places.key, kept, places.inside)


def _find_keys(doc: Doc, keys: set[str]) -> dict[str, Places]:
    folded = fold_doc(doc)
    patterns = sorted(keys)
    places: dict[int, list[Place]] = defaultdict(list)
    inside = set()
    for index, start, end in AhoCorasick(patterns).find_matches_as_indexes(folded.text, overlapping=True):
        first, last = folded.token_from(start), folded.token_to(end)
        if first is None or last is None or last < first:
            inside.add(index)
        else:
            places[index].append(Place(first, last + 1, doc[first].idx, doc[first : last + 1].text))
    return {key: Places(key, places[i], i in inside) for i, key in enumerate(patterns)}
