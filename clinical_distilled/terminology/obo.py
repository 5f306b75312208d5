"""OBO ontologies (DOID, SYMP, HPO, MONDO): live terms with their synonyms, parsed by fastobo."""

import io
import re
from collections.abc import Iterator
from pathlib import Path

import fastobo  # type: ignore[import-untyped]

from clinical_distilled.errors import InputError
from clinical_distilled.terminology.tables import open_release
from clinical_distilled.terminology.terms import Term

_LABELS = {"DOID": "DISEASE", "MONDO": "DISEASE", "SYMP": "SYMPTOM", "HP": "SYMPTOM"}
_ROOTS = {"HP": "HP:0000118"}  # phenotypic abnormality; beside it are "left", "mild", "autosomal dominant inheritance"
# The sources of a synonym are not needed, and published files get their syntax wrong (HPO 2017-04-13 fourteen times).
_SOURCES = re.compile(rb'^(synonym: "(?:[^"\\]|\\.)*"[^\[\n]*)\[.*\]', re.MULTILINE)


def read_obo(path: Path, label: str | None = None, scopes: tuple[str, ...] = ("EXACT",)) -> Iterator[Term]:
    """Read the terms of an ontology that are not obsolete.

    Parameters
    ----------
    path
        An OBO file, version 1.2 or 1.4, gzipped or not.
    label
        What the terms are. By default diseases for DOID and MONDO, symptoms for SYMP and HP; terms that such a file
        imports from another ontology are left out, and of HPO what is no phenotypic abnormality.
    scopes
        The synonyms to take: EXACT, NARROW, BROAD, RELATED. Broad and related ones are names of something else.

    Raises
    ------
    InputError
        If the file is missing, cannot be parsed (names the line), or is of another ontology and `label` is not given.
    """
    frames = _parse(path)
    labels = {str(frame.id): label or _LABELS.get(str(frame.id).partition(":")[0]) for frame in frames}
    if not any(labels.values()):
        raise InputError(f"{path}: no term of an ontology known here. Say what its terms are: {path}=DISEASE.")
    beside = _beside_roots(frames)
    for frame in frames:
        concept = str(frame.id)
        of = labels[concept]
        term = _term(frame, concept, of, scopes) if of and concept not in beside else None
        if term:
            yield term


def _parse(path: Path) -> list[fastobo.term.TermFrame]:
    with open_release(path) as stream:
        content = _SOURCES.sub(rb"\1[]", stream.read())
    try:
        document = fastobo.load(io.BytesIO(content))
    except (SyntaxError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise InputError(f"{path}{line}: not OBO ({type(error).__name__}: {error.args[0]}).") from None
    return [frame for frame in document if isinstance(frame, fastobo.term.TermFrame)]


def _beside_roots(frames: list[fastobo.term.TermFrame]) -> set[str]:
    """Return the terms of an ontology that are not below its root in `_ROOTS`, where the file has that root."""
    children: dict[str, list[str]] = {}
    for frame in frames:
        for clause in frame:
            if isinstance(clause, fastobo.term.IsAClause):
                children.setdefault(str(clause.term), []).append(str(frame.id))
    beside: set[str] = set()
    for ontology, root in _ROOTS.items():
        below, waiting = set(), [root]
        while waiting:
            new = [child for child in children.get(waiting.pop(), ()) if child not in below]
            below.update(new)
            waiting += new
        if below:
            ids = {str(frame.id) for frame in frames}
            beside |= {one for one in ids if one.startswith(f"{ontology}:") and one not in below}
    return beside


def _term(frame: fastobo.term.TermFrame, concept: str, label: str, scopes: tuple[str, ...]) -> Term | None:
    name, synonyms = "", []
    for clause in frame:
        if isinstance(clause, fastobo.term.IsObsoleteClause) and clause.obsolete:
            return None
        if isinstance(clause, fastobo.term.NameClause):
            name = clause.name
        elif isinstance(clause, fastobo.term.SynonymClause) and clause.synonym.scope in scopes:
            synonyms.append(clause.synonym.desc)
    return Term(concept, label, name, tuple(synonyms)) if name else None
