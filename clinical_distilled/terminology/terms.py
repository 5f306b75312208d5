"""A term: one concept of a terminology with its names, whatever file it was read from."""

from typing import NamedTuple


class Term(NamedTuple):
    """A concept.

    Attributes
    ----------
    concept : str
        Its identifier in the terminology ("DOID:9352", "RXNORM:6809"), or its name where it has none.
    label : str
        What it is: DISEASE, SYMPTOM or MEDICATION.
    name : str
        The preferred name.
    synonyms : tuple of str
        Other names.
    """

    concept: str
    label: str
    name: str
    synonyms: tuple[str, ...] = ()


def tame(name: str) -> str:
    """Write a name that a source gives in capitals ("ASPIRIN") in small letters; a short one may be an acronym."""
    return name.lower() if name.isupper() and any(len(word) > 5 for word in name.split()) else name
