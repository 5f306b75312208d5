"""Abbreviations that a note defines itself, as an ``abbreviation_detector`` (scispaCy's, for one) found them."""

from collections.abc import Iterator

from spacy.tokens import Doc, Span


def defined_abbreviations(doc: Doc) -> Iterator[tuple[Span, Span]]:
    """Yield each use of an abbreviation with the long form it stands for; nothing where no detector ran.

    Both forms of ``doc._.abbreviations`` are read: spans with ``span._.long_form``, and the serialisable dicts.
    """
    if not Doc.has_extension("abbreviations"):
        return
    for found in doc._.abbreviations or ():
        if isinstance(found, dict):
            short = doc[found["short_start"] : found["short_end"]]
            yield short, doc[found["long_start"] : found["long_end"]]
        else:
            yield found, found._.long_form
