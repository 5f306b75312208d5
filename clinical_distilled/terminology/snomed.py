"""SNOMED CT releases (RF2 snapshots): active disorders, findings and pharmaceutical products with their English names.

Layout: "SNOMED CT Release File Specifications", component and language reference set files: tab-separated, with header.
"""

from collections.abc import Collection, Iterator
from pathlib import Path

from clinical_distilled.errors import InputError
from clinical_distilled.terminology.tables import rows
from clinical_distilled.terminology.terms import Term

# The top of each label's branch, most specific first: what is no disease but a finding is a symptom or sign.
ROOTS = {"64572001": "DISEASE", "404684003": "SYMPTOM", "373873005": "MEDICATION"}

_CONCEPT = ("id", "effectiveTime", "active", "moduleId", "definitionStatusId")
_DESCRIPTION = (
    "id", "effectiveTime", "active", "moduleId", "conceptId", "languageCode", "typeId", "term", "caseSignificanceId",
)  # fmt: skip
_RELATIONSHIP = (
    "id", "effectiveTime", "active", "moduleId", "sourceId", "destinationId", "relationshipGroup", "typeId",
    "characteristicTypeId", "modifierId",
)  # fmt: skip
_LANGUAGE = ("id", "effectiveTime", "active", "moduleId", "refsetId", "referencedComponentId", "acceptabilityId")
_IS_A = "116680003"
_FULLY_SPECIFIED, _SYNONYM = "900000000000003001", "900000000000013009"
_PREFERRED = "900000000000548007"


def read_snomed(folder: Path, language: str = "en") -> Iterator[Term]:
    """Read the snapshot of a release.

    A name is taken if its description is active, in the language, and, where the release has a language reference
    set, acceptable or preferred there; the preferred one is the concept's name. Concepts are ``SNOMEDCT:<SCTID>``.

    Parameters
    ----------
    folder
        A folder that has ``sct2_Concept_Snapshot*.txt``, ``sct2_Description_Snapshot*.txt``,
        ``sct2_Relationship_Snapshot*.txt`` and, if there is one, ``der2_cRefset_LanguageSnapshot*.txt`` at any depth;
        several of a kind (an edition and an extension) are read together.
    language
        ISO 639-1 code.

    Raises
    ------
    InputError
        If a file is missing or a row is broken, or no concept is under the roots.
    """
    active = {row[0] for row in _active(folder, "sct2_Concept_Snapshot", _CONCEPT)}
    labels = _labels(folder, active)
    if not labels:
        raise InputError(f"{folder}: no active concept under {', '.join(ROOTS)}.")
    acceptability = _acceptability(folder, language)
    preferred: dict[str, str] = {}
    specified: dict[str, str] = {}
    names: dict[str, list[str]] = {}
    for row in _active(folder, "sct2_Description_Snapshot", _DESCRIPTION):
        number, concept, code, kind, term = row[0], row[4], row[5], row[6], row[7]
        if concept not in labels or code != language:
            continue
        if kind == _FULLY_SPECIFIED:
            specified[concept] = _without_tag(term)
        elif kind == _SYNONYM and (not acceptability or number in acceptability):
            names.setdefault(concept, []).append(term)
            if acceptability.get(number) == _PREFERRED:
                preferred.setdefault(concept, term)
    for concept, label in labels.items():
        surfaces = [preferred.get(concept), specified.get(concept), *names.get(concept, ())]
        if label == "MEDICATION":
            surfaces = [_product(surface) for surface in surfaces if surface]
        distinct = list(dict.fromkeys(surface for surface in surfaces if surface))
        if distinct:
            yield Term(f"SNOMEDCT:{concept}", label, distinct[0], tuple(distinct[1:]))


def _labels(folder: Path, active: Collection[str]) -> dict[str, str]:
    """Return the label of each active concept below the roots, the roots themselves left out."""
    children: dict[str, list[str]] = {}
    for row in _active(folder, "sct2_Relationship_Snapshot", _RELATIONSHIP):
        if row[7] == _IS_A:
            children.setdefault(row[5], []).append(row[4])
    labels: dict[str, str] = {}
    for root, label in ROOTS.items():
        below = [root]
        while below:
            for child in children.get(below.pop(), ()):
                if child in active and child not in labels and child not in ROOTS:
                    labels[child] = label
                    below.append(child)
    return labels


def _acceptability(folder: Path, language: str) -> dict[str, str]:
    kind = "der2_cRefset_LanguageSnapshot"
    files = [file for file in folder.rglob(f"{kind}*.txt") if f"-{language}" in file.name]
    found: dict[str, str] = {}
    for file in sorted(files):
        for row in rows(file, "\t", _LANGUAGE):
            if row[2] == "1" and found.get(row[5]) != _PREFERRED:
                found[row[5]] = row[6]
    return found


def _active(folder: Path, kind: str, columns: tuple[str, ...]) -> Iterator[list[str]]:
    files = sorted(folder.rglob(f"{kind}*.txt"))
    if not files:
        raise InputError(f"{folder}: no {kind}*.txt. Give the folder of the release (its Snapshot is read).")
    for file in files:
        yield from (row for row in rows(file, "\t", columns) if row[2] == "1")


def _without_tag(name: str) -> str:
    """Drop the semantic tag of a fully specified name: ``Asthma (disorder)``."""
    return name[: name.rindex(" (")] if name.endswith(")") and " (" in name else name


def _product(name: str) -> str:
    """Return what a product contains: ``Product containing aspirin``, ``Aspirin-containing product``."""
    for beginning in ("Product containing only ", "Product containing precisely ", "Product containing "):
        name = name.removeprefix(beginning)
    return name.removesuffix("-containing product").removesuffix(" only product").removesuffix(" product")
