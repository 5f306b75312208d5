"""Public corpora with human annotation: where their files are, which splits they have, what their labels mean here."""

import hashlib
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from clinical_distilled.corpora.accounting import Account
from clinical_distilled.corpora.gold.brat import read_brat
from clinical_distilled.corpora.gold.document import GoldDocument, without_repeats
from clinical_distilled.corpora.gold.labels import LabelMap, gold_docs
from clinical_distilled.corpora.gold.pubtator import read_pubtator
from clinical_distilled.errors import InputError

_MACCROBAT_CUTS = {"train": (0, 100), "dev": (100, 140), "test": (140, 200)}


@dataclass(frozen=True)
class PublicCorpus:
    """One corpus.

    Attributes
    ----------
    labels : LabelMap
        What its labels become. "Disease" of BC5CDR includes symptoms, and its "Chemical" is wider than medication.
    read : callable
        Takes the corpus' folder and a split, gives its documents.
    splits : tuple of str
    """

    labels: LabelMap
    read: Callable[[Path, str], Iterable[GoldDocument]]
    splits: tuple[str, ...]


def read_public(corpus: str, split: str, folder: Path) -> tuple[list[GoldDocument], Account]:
    """Read a split of a public corpus with its own labels.

    Parameters
    ----------
    corpus : str
        A name in `CORPORA`.
    split : str
        One of the corpus' splits.
    folder : Path
        Holds ``<corpus>/`` with the published files, gzipped or not.

    Returns
    -------
    list of GoldDocument
    Account
        Documents; one that is given twice is kept once.

    Raises
    ------
    InputError
        If there is no such corpus, split or file, or a file is malformed.
    """
    known = CORPORA.get(corpus)
    if known is None or split not in known.splits:
        have = "; ".join(f"{name}: {', '.join(entry.splits)}" for name, entry in CORPORA.items())
        raise InputError(f"No split {split!r} of a corpus {corpus!r}. There are {have}.")
    return without_repeats(known.read(folder / corpus, split))


def public_docs(corpus: str, split: str, folder: Path, nlp: Language) -> tuple[list[Doc], Account]:
    """Read a split of a public corpus as documents with our labels; see `read_public` and `labels.gold_docs`."""
    documents, _ = read_public(corpus, split, folder)
    return gold_docs(documents, CORPORA[corpus].labels, nlp)


def _one_of(folder: Path, name: str) -> Path:
    found = [path for path in (folder / name, folder / f"{name}.gz") if path.exists()]
    if not found:
        raise InputError(f"{folder / name}: no such file, gzipped or not. Run `spacy project assets`.")
    return found[0]


def _read_ncbi(folder: Path, split: str) -> Iterator[GoldDocument]:
    name = {"train": "train", "dev": "develop", "test": "test"}[split]
    return read_pubtator(_one_of(folder, f"NCBI{name}set_corpus.txt"))


def _read_bc5cdr(folder: Path, split: str) -> Iterator[GoldDocument]:
    name = {"train": "Training", "dev": "Development", "test": "Test"}[split]
    return read_pubtator(_one_of(folder, f"CDR_{name}Set.PubTator.txt"))


def _read_maccrobat(folder: Path, split: str) -> Iterator[GoldDocument]:
    """Read the published folder of 200 pairs, or an archive with a folder per split.

    No split was published: documents are ordered by the SHA-1 of their PubMed identifier and cut 100 / 40 / 60.
    """
    archive = folder / "maccrobat2020_train_dev.tar.gz"
    if archive.exists():
        with tempfile.TemporaryDirectory() as unpacked:
            yield from read_brat(_unpack(archive, split, Path(unpacked)))
        return
    documents = sorted(read_brat(folder), key=lambda document: hashlib.sha1(document.doc_id.encode()).hexdigest())  # noqa: S324
    if len(documents) != _MACCROBAT_CUTS["test"][1]:
        raise InputError(f"{folder}: {len(documents)} documents, MACCROBAT 2020 has 200. Run `spacy project assets`.")
    yield from documents[slice(*_MACCROBAT_CUTS[split])]


def _unpack(archive: Path, split: str, target: Path) -> Path:
    """Write the files of one folder of an archive under their bare names, so that none lands elsewhere."""
    with tarfile.open(archive) as members:
        for member in members:
            content = members.extractfile(member)
            if content is not None and Path(member.name).parent == Path(split):
                (target / Path(member.name).name).write_bytes(content.read())
    return target


CORPORA = {
    "ncbi_disease": PublicCorpus(
        LabelMap(dict.fromkeys(("SpecificDisease", "DiseaseClass", "CompositeMention", "Modifier"), "DISEASE")),
        _read_ncbi,
        ("train", "dev", "test"),
    ),
    "bc5cdr": PublicCorpus(
        LabelMap({"Disease": "DISEASE", "Chemical": "MEDICATION"}), _read_bc5cdr, ("train", "dev", "test")
    ),
    "maccrobat2020": PublicCorpus(
        LabelMap({"Disease_disorder": "DISEASE", "Medication": "MEDICATION", "Sign_symptom": "SYMPTOM"}, ignored=None),
        _read_maccrobat,
        ("train", "dev", "test"),
    ),
}
