"""The teach step: every teacher annotates every note, and every mention it gave is accounted for."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from spacy.tokens import Doc, Span
from tqdm import tqdm
from wasabi import msg

from clinical_distilled.corpora.accounting import Account
from clinical_distilled.corpora.docs import SPLITS, read_docs, write_docs
from clinical_distilled.corpora.mentions import LABELS, set_group
from clinical_distilled.errors import InputError
from clinical_distilled.teachers.live import prefetch
from clinical_distilled.teachers.loading import Teacher

_GROUP = "mentions"  # where our teachers put them
_RULER = "ruler"  # where spaCy's span ruler does
_PARALLEL = ("status", "rationale", "alternatives", "mass")


@dataclass(frozen=True)
class TeachSettings:
    """What the teach step goes by.

    Attributes
    ----------
    labels : tuple of str
        The labels of the project; mentions of others are dropped, and counted.
    max_share_lost : float
        A teacher of ours that loses a larger share of its mentions stops the run.
    """

    labels: tuple[str, ...] = LABELS
    max_share_lost: float = 0.1


@dataclass
class Report:
    """What came of the teach step.

    Attributes
    ----------
    mentions : dict
        Teacher and split to the account of its mentions.
    statuses : dict
        Teacher and split to how many mentions have which alignment status.
    left_out : dict
        Teacher to the reason why it did not teach.
    """

    mentions: dict[str, dict[str, Account]] = field(default_factory=dict)
    statuses: dict[str, dict[str, Counter[str]]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        teachers = {
            name: {
                split: account.to_json() | {"status": dict(sorted(self.statuses[name][split].items()))}
                for split, account in splits.items()
            }
            for name, splits in self.mentions.items()
        }
        return {"teachers": teachers, "left_out": self.left_out}


def teach(notes: Path, output: Path, teachers: Iterable[Teacher], settings: TeachSettings = TeachSettings()) -> Report:
    """Let teachers annotate ``<notes>/{train,dev,test}.spacy``; write ``<output>/<teacher>/<split>.spacy``.

    The folder `output` is replaced as a whole when all went well: nothing of a teacher that is no longer asked for
    stays behind, and a run that fails changes nothing.

    Raises
    ------
    InputError
        If notes are missing, a recorded teacher lacks the answer to some of the notes, a teacher loses too many
        mentions, or none is left to teach.
    """
    report = Report()
    corpus = {split: read_docs(notes / f"{split}.spacy") for split in SPLITS}
    with _replacing(output) as folder:
        for teacher in teachers:
            if teacher.covered(doc for docs in corpus.values() for doc in docs) == 0:
                report.left_out[teacher.name] = "no recorded answer to any of the notes"
                msg.warn(f"{teacher.name} is left out: it is recorded and has no answer to any of these notes.")
                continue
            _teach(teacher, notes, folder / teacher.name, settings, report)
        if not report.mentions:
            raise InputError("No teacher is left to teach. Add one that can read these notes, such as ontology.")
    return report


def _teach(teacher: Teacher, notes: Path, folder: Path, settings: TeachSettings, report: Report) -> None:
    accounts = report.mentions[teacher.name] = {}
    statuses = report.statuses[teacher.name] = {}
    for split in SPLITS:
        path = notes / f"{split}.spacy"
        prefetch(teacher.nlp, read_docs(path, teacher.nlp.vocab), f"{teacher.name} {split}")
        accounts[split], statuses[split] = Account("mentions"), Counter()
        written = []
        pairs = zip(read_docs(path), teacher.nlp.pipe(read_docs(path, teacher.nlp.vocab)), strict=True)
        for doc, taught in tqdm(pairs, f"{teacher.name} {split}", unit=" notes", leave=False):
            accounts[split] += transfer(doc, taught, teacher, settings.labels)
            statuses[split].update(doc.spans[teacher.name].attrs.get("status", ()))
            written.append(doc)
        accounts[split].print(f"{teacher.name} {split}")
        write_docs(written, folder / f"{split}.spacy")
    total = Account(f"mentions of {teacher.name}")
    for account in accounts.values():
        total += account
    total.check(settings.max_share_lost)


def transfer(doc: Doc, taught: Doc, teacher: Teacher, labels: Sequence[str] = LABELS) -> Account:
    """Take over a teacher's mentions into a document, as the span group of the teacher's name.

    The mentions are those of ``taught.spans["mentions"]`` where the teacher is one of ours, otherwise its entities,
    or the spans of a span ruler. Those that no token of `doc` begins or ends with, or of a label that the
    project has not, are dropped and counted.
    """
    group = taught.spans.get(_GROUP)
    spans = list(group) if group is not None else list(taught.ents or taught.spans.get(_RULER, ()))
    attrs = dict(group.attrs) if group is not None else {}
    lost = list(attrs.get("lost", ()))
    kept: list[tuple[int, Span]] = []
    for position, span in enumerate(spans):
        label = teacher.label_map.get(span.label_, span.label_)
        own = doc.char_span(span.start_char, span.end_char, label, kb_id=span.kb_id_)
        if own is None or label not in labels:
            reason = "crosses tokens" if own is None else "label unknown"
            lost.append({"text": span.text, "label": span.label_, "reason": reason})
        else:
            kept.append((position, own))
    parallel = {key: [attrs[key][position] for position, _ in kept] for key in _PARALLEL if key in attrs}
    set_group(doc, teacher.name, [span for _, span in kept], **parallel, lost=lost)
    reasons = Counter(str(mention["reason"]) for mention in lost)
    return Account("mentions", len(kept) + len(lost), len(kept), reasons)


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """Give a new folder that takes the place of `path` when the block ends well.

    Raises
    ------
    InputError
        If `path` holds anything but DocBins, which would be deleted with it.
    """
    foreign = [file for file in path.rglob("*") if file.is_file() and file.suffix != ".spacy"]
    if foreign or (path.exists() and not path.is_dir()):
        raise InputError(f"{path}: holds something else than teachers' DocBins, such as {(foreign or [path])[0]}.")
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as temporary:
        new = Path(temporary) / "new"
        new.mkdir()
        yield new
        if path.exists():
            path.rename(Path(temporary) / "old")
        new.rename(path)
