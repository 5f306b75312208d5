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
        imports from another ontology are left out.
    scopes
        The synonyms to take: EXACT, NARROW, BROAD, RELATED. Broad and related ones are names of something else.

    Raises
    ------
    InputError
        If the file is missing, cannot be parsed (names the line), or is of another ontology and `label` is not given.
    """
    with open_release(path) as stream:
        content = _SOURCES.sub(rb"\1[]", stream.read())
    try:
        document = fastobo.load(io.BytesIO(content))
    except (SyntaxError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise InputError(f"{path}{line}: not OBO ({type(error).__name__}: {error.args[0]}).") from None
    found = False
    for frame in document:
        if isinstance(frame, fastobo.term.TermFrame):
            concept = str(frame.id)
            of = label or _LABELS.get(concept.partition(":")[0])
            term = _term(frame, concept, of, scopes) if of else None
            found = found or bool(of)
            if term:
                yield term
    if not found:
        raise InputError(f"{path}: no term of an ontology known here. Say what its terms are: {path}=DISEASE.")


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
