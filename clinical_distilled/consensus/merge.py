"""The teachers' files of a split made into one document per note; what wins among their mentions is for ``rules``."""

from collections.abc import Mapping, Sequence

from spacy.tokens import Doc, Span, SpanGroup

from clinical_distilled.corpora.docs import REFERENCE, doc_id
from clinical_distilled.corpora.mentions import set_group
from clinical_distilled.errors import InputError


def merge(answers: Mapping[str, Sequence[Doc]]) -> list[Doc]:
    """Put all teachers' span groups, and the reference where there is one, on new documents.

    Parameters
    ----------
    answers
        Teacher -> its documents, each with ``doc.spans[teacher]``. Tokens are the first teacher's.

    Returns
    -------
    list of Doc
        In the first teacher's order; without entities.

    Raises
    ------
    InputError
        If there is no teacher, a document is missing from a teacher's file, comes twice, has another text or
        other tokens, or has no span group of the teacher's name. Names teacher and document.
    """
    if not answers:
        raise InputError("There is no teacher to combine. Run the teach step first, or name the teachers.")
    by_id = {teacher: _by_id(teacher, docs) for teacher, docs in answers.items()}
    first = next(iter(by_id))
    for teacher, docs in by_id.items():
        _same_documents(first, by_id[first], teacher, docs)
    return [_merged({teacher: docs[name] for teacher, docs in by_id.items()}) for name in by_id[first]]


def _by_id(teacher: str, docs: Sequence[Doc]) -> dict[str, Doc]:
    found: dict[str, Doc] = {}
    for doc in docs:
        if doc_id(doc) in found:
            raise InputError(f"Teacher {teacher}: document {doc_id(doc)} comes twice. Run the teach step again.")
        if teacher not in doc.spans:
            raise InputError(
                f"Teacher {teacher}: document {doc_id(doc)} has no span group {teacher!r}. Run the teach step again."
            )
        found[doc_id(doc)] = doc
    return found


def _same_documents(first: str, expected: Mapping[str, Doc], teacher: str, docs: Mapping[str, Doc]) -> None:
    for names, has, lacks in (
        (expected.keys() - docs.keys(), first, teacher),
        (docs.keys() - expected.keys(), teacher, first),
    ):
        if names:
            raise InputError(
                f"{len(names)} documents of {has} are not in the file of {lacks}: {', '.join(sorted(names)[:5])}. "
                "Run the teach step again, so that all teachers annotate the same notes."
            )
    for name, doc in docs.items():
        if doc.text != expected[name].text:
            raise InputError(f"Document {name}: {first} and {teacher} have different texts. Run the teach step again.")


def _merged(docs: Mapping[str, Doc]) -> Doc:
    base = next(iter(docs.values()))
    doc = Doc(base.vocab, words=[token.text for token in base], spaces=[bool(token.whitespace_) for token in base])
    # Keys that are no strings belong to extension attributes of whatever pipeline the teacher was.
    doc.user_data.update({key: value for key, value in base.user_data.items() if isinstance(key, str)})
    annotated = next((other for other in docs.values() if REFERENCE in other.spans), None)
    if annotated is not None:
        _copy_group(annotated.spans[REFERENCE], doc, "the reference")
    for teacher, other in docs.items():
        _copy_group(other.spans[teacher], doc, f"teacher {teacher}")
    return doc


def _copy_group(group: SpanGroup, doc: Doc, whose: str) -> None:
    spans = [_moved(span, doc, whose) for span in group]
    set_group(doc, group.name, spans, **dict(group.attrs))


def _moved(span: Span, doc: Doc, whose: str) -> Span:
    moved = doc.char_span(span.start_char, span.end_char, label=span.label_, kb_id=span.kb_id_)
    if moved is None:
        raise InputError(
            f"Document {doc.user_data['doc_id']}: {whose} marks {span.start_char}-{span.end_char}, which are no token "
            "borders of the other teachers. Let all teachers use the tokenizer of the notes."
        )
    return moved
