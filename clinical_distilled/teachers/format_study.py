"""The format study: what is read, and what is lost, of one model's answers in each output format."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from spacy.tokens import Doc

from clinical_distilled.answers.alignment import align
from clinical_distilled.answers.formats import Format
from clinical_distilled.corpora.accounting import Account
from clinical_distilled.corpora.mentions import Mention
from clinical_distilled.errors import InputError
from clinical_distilled.files import read_jsonl, text_sha256


@dataclass
class FormatResult:
    """What became of the answers in one format.

    Attributes
    ----------
    docs : list of Doc
        The notes answered, in the order of the file.
    found : list of list of Mention
        The mentions of each.
    account : Account
        Said = kept + lost, by reason.
    problems : Counter
        How many answers had which problem.
    tokens : int
        Of all answers together.
    offsets_given, offsets_right : int
        Mentions whose answer says where they are, and how many of them are there.
    """

    docs: list[Doc] = field(default_factory=list)
    found: list[list[Mention]] = field(default_factory=list)
    account: Account = field(default_factory=lambda: Account("mentions"))
    problems: Counter[str] = field(default_factory=Counter)
    tokens: int = 0
    offsets_given: int = 0
    offsets_right: int = 0


def study(
    format_: Format, answers: Path, docs: Mapping[str, Doc], labels: Sequence[str], count: Callable[[str], int]
) -> FormatResult:
    """Parse and align the answers of one format.

    Parameters
    ----------
    answers
        JSON lines ``{"doc_id", "text_sha256", "response"}``.
    docs
        The notes by identifier.
    count
        Counts the tokens of an answer.

    Raises
    ------
    InputError
        If an answer is for a note that is not there, or for another text of it.
    """
    result = FormatResult()
    for number, row in read_jsonl(answers):
        doc = docs.get(row["doc_id"])
        if doc is None or text_sha256(doc.text) != row["text_sha256"]:
            raise InputError(f"{answers}, line {number}: no note {row['doc_id']!r} with this text. Run `corpus` first.")
        parsed = format_.parse(row["response"], doc.text, labels)
        aligned = align(doc, parsed.mentions, labels)
        result.docs.append(doc)
        result.tokens += count(row["response"])
        result.problems.update([parsed.problem.value] if parsed.problem else [])
        spans = [one.span(doc) for one in aligned if one.loss is None]
        result.found.append([Mention(span.start_char, span.end_char, span.label_) for span in spans])
        lost = Counter(one.loss.value for one in aligned if one.loss is not None)
        result.account += Account("mentions", len(aligned), len(spans), lost)
        for one in aligned:
            if one.place is not None and one.mention.start is not None:
                result.offsets_given += 1
                result.offsets_right += one.mention.start == one.place.offset
    result.account.check()
    return result
