"""From a source's own labels to ours: what each becomes, what is left out, and what was never annotated."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from spacy.language import Language
from spacy.tokens import Doc
from tqdm import tqdm

from clinical_distilled.corpora.accounting import Account
from clinical_distilled.corpora.docs import REFERENCE, UNKNOWN_LABELS
from clinical_distilled.corpora.entities import Entity, check_labels, put_on_tokens
from clinical_distilled.corpora.gold.document import GoldDocument
from clinical_distilled.corpora.mentions import LABELS


@dataclass(frozen=True)
class LabelMap:
    """What the labels of a source become.

    Attributes
    ----------
    labels : mapping of str to str
        The source's label to ours.
    ignored : frozenset of str, optional
        Labels of the source that have no counterpart. None takes every other label as such; otherwise a label that is
        neither mapped nor ignored is an error.
    """

    labels: Mapping[str, str]
    ignored: frozenset[str] | None = frozenset()

    def unknown(self, wanted: Sequence[str] = LABELS) -> list[str]:
        """Return the wanted labels the source does not annotate: where it has none, there may be one."""
        return [label for label in wanted if label not in self.labels.values()]


def map_entities(document: GoldDocument, labels: LabelMap) -> tuple[list[Entity], Account]:
    """Give a document's entities our labels; of two that then overlap the longer is kept, or else the first.

    Returns
    -------
    list of Entity
        Sorted, without overlaps.
    Account
        Every mention of the document, those of several parts included.

    Raises
    ------
    InputError
        If the document has a label that the map does not know.
    """
    if labels.ignored is not None:
        check_labels(document.entities, {*labels.labels, *labels.ignored}, document.source)
    account = Account("mentions", taken=len(document.entities) + len(document.discontinuous))
    account.dropped["discontinuous"] = len(document.discontinuous)
    mapped: list[Entity] = []
    for entity in document.entities:
        label = labels.labels.get(entity.label)
        if label is None:
            account.dropped["label left out"] += 1
        else:
            mapped.append(Entity(entity.start, entity.end, label, entity.concept))
    kept: list[Entity] = []
    for entity in sorted(mapped, key=lambda entity: (entity.start - entity.end, entity.start)):
        if all(entity.end <= other.start or other.end <= entity.start for other in kept):
            kept.append(entity)
        else:
            account.dropped["overlaps a longer one"] += 1
    account.kept = len(kept)
    account.dropped = +account.dropped
    return sorted(kept), account


def gold_docs(
    documents: Iterable[GoldDocument], labels: LabelMap, nlp: Language, wanted: Sequence[str] = LABELS
) -> tuple[list[Doc], Account]:
    """Tokenise annotated documents and put their mapped mentions on them as ``doc.spans["reference"]``.

    Returns
    -------
    list of Doc
        With ``user_data["doc_id"]`` and ``user_data["unknown_labels"]``: the wanted labels that were not annotated.
    Account
        Every mention of the documents.
    """
    docs: list[Doc] = []
    account = Account("mentions")
    for document in tqdm(documents, desc="tokenise gold", unit="document", leave=False):
        entities, mapped = map_entities(document, labels)
        account += mapped
        doc = nlp.tokenizer(document.text)
        doc.user_data.update({"doc_id": document.doc_id, UNKNOWN_LABELS: labels.unknown(wanted)})
        put_on_tokens(doc, REFERENCE, entities)
        docs.append(doc)
    account.check()
    return docs, account
