"""The formats of human annotation by name."""

from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path

from clinical_distilled.corpora.accounting import Account
from clinical_distilled.corpora.gold.brat import read_brat
from clinical_distilled.corpora.gold.conll import read_conll
from clinical_distilled.corpora.gold.document import GoldDocument, without_repeats
from clinical_distilled.corpora.gold.jsonlines import read_gold_jsonl
from clinical_distilled.corpora.gold.pubtator import read_pubtator
from clinical_distilled.errors import InputError


class GoldFormat(str, Enum):
    """A format that can be read."""

    JSONL = "jsonl"
    BRAT = "brat"
    PUBTATOR = "pubtator"
    CONLL = "conll"


_READERS: dict[GoldFormat, Callable[[Path], Iterator[GoldDocument]]] = {
    GoldFormat.JSONL: read_gold_jsonl,
    GoldFormat.BRAT: read_brat,
    GoldFormat.PUBTATOR: read_pubtator,
    GoldFormat.CONLL: read_conll,
}


def read_gold(path: Path, kind: GoldFormat) -> tuple[list[GoldDocument], Account]:
    """Read annotated documents: a file, or for BRAT a folder.

    Returns
    -------
    list of GoldDocument
    Account
        Documents; one that is given twice is kept once.

    Raises
    ------
    InputError
        If a row is malformed (names file, line and document), or there is no document.
    """
    documents, account = without_repeats(_READERS[kind](path))
    if not documents:
        raise InputError(f"{path}: no documents in it. Is it {kind.value}?")
    return documents, account
