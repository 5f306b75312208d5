"""Compares our alignment with ``spacy.NER.v3``: the real task of spacy-llm on the very same answers."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy.tokens import Doc
from spacy_llm.registry import registry

from clinical_distilled.answers.alignment import align
from clinical_distilled.answers.folding import fold
from clinical_distilled.answers.formats import get_format
from clinical_distilled.answers.mentions import AnswerMention
from clinical_distilled.corpora.accounting import Account
from clinical_distilled.corpora.mentions import Mention
from clinical_distilled.files import read_jsonl, text_sha256

THEIRS = "spacy.NER.v3"
_EDGE = " .,;:/-+()[]\"'"


@dataclass(frozen=True)
class Answered:
    """A note, its answer as spacy.NER.v3 can read it, and the mentions that the answer says."""

    doc: Doc
    numbered: str
    mentions: tuple[AnswerMention, ...]


@dataclass(frozen=True)
class Alignment:
    """What became of the answers' mentions in one system.

    Attributes
    ----------
    account : Account
        Said = kept + lost, by reason.
    altered : int
        How many of the kept are other words than the answer said (cut at a token border, or found inside a word).
    mentions : list of list of Mention
        The kept mentions of each note.
    """

    account: Account
    altered: int
    mentions: list[list[Mention]]


def read_answered(docs: Iterable[Doc], answers: Path, format_name: str, labels: Sequence[str]) -> Iterator[Answered]:
    """Pair notes with their recorded answers, by the hash of the text; notes without an answer are passed over.

    spacy.NER.v3 reads numbered lines only: what our parser reads from another format is written as such lines.
    """
    by_hash = {row["text_sha256"]: row["response"] for _, row in read_jsonl(answers)}
    numbered = get_format("numbered")
    for doc in docs:
        answer = by_hash.get(text_sha256(doc.text))
        if answer is None:
            continue
        mentions = get_format(format_name).parse(answer, doc.text, labels).mentions
        lines = answer if format_name == numbered.name else numbered.render(mentions, doc.text)
        yield Answered(doc, lines, mentions)


def align_ours(answered: Sequence[Answered], labels: Sequence[str]) -> Alignment:
    """Align with our own task's alignment."""
    account, altered, found = Account("mentions"), 0, []
    for one in answered:
        aligned = align(one.doc, one.mentions, labels)
        spans = [mention.span(one.doc) for mention in aligned if mention.loss is None]
        account.dropped.update(mention.loss.value for mention in aligned if mention.loss is not None)
        _count(account, one, spans)
        altered += _altered(one, spans)
        found.append([Mention(span.start_char, span.end_char, span.label_) for span in spans])
    account.check()
    return Alignment(account, altered, found)


def align_theirs(answered: Sequence[Answered], labels: Sequence[str]) -> Alignment:
    """Align with spacy.NER.v3 as installed, its own parser included; it gives no reasons for what it loses."""
    task = registry.llm_tasks.get(THEIRS)(labels=list(labels))
    account, altered, found = Account("mentions"), 0, []
    for one in answered:
        copy = Doc(one.doc.vocab, words=[t.text for t in one.doc], spaces=[bool(t.whitespace_) for t in one.doc])
        (doc,) = task.parse_responses([[copy]], [[one.numbered]])
        account.dropped["no reason given"] += len(one.mentions) - len(doc.ents)
        _count(account, one, doc.ents)
        altered += _altered(one, doc.ents)
        found.append([Mention(span.start_char, span.end_char, span.label_) for span in doc.ents])
    account.check()
    return Alignment(account, altered, found)


def _count(account: Account, one: Answered, spans: Sequence[Any]) -> None:
    account.taken += len(one.mentions)
    account.kept += len(spans)


def _altered(one: Answered, spans: Sequence[Any]) -> int:
    said = Counter((fold(mention.text).strip(_EDGE), mention.label) for mention in one.mentions)
    kept = Counter((fold(span.text).strip(_EDGE), span.label_) for span in spans)
    return (kept - said).total()


SYSTEMS: dict[str, Callable[[Sequence[Answered], Sequence[str]], Alignment]] = {
    "clinical.NER.v1": align_ours,
    THEIRS: align_theirs,
}
