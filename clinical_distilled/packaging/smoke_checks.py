"""The checks that an installed package passes, run by the python of an empty environment.

Usage: ``python -I smoke_checks.py PACKAGE EXPECTED.json GROUP``. Imports spaCy and the standard library, nothing else;
prints one JSON object per line: ``{"fact", "value"}`` or ``{"check", "seconds", "failure"}``. No output holds the text
of a note.
"""

import importlib
import importlib.util
import json
import re
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin

LIMIT_S = 300  # for one check: a deadlock between processes has to end
DEVICE = "zorbotron"  # a word no pipeline knows

Entity = tuple[int, int, str]


class CheckError(Exception):
    """A check's own finding; its message names notes by their id only."""


@dataclass
class Subject:
    """What is checked: the installed package, and what its pipeline directory found in the test notes.

    Attributes
    ----------
    package : str
        Name of the installed package.
    nlp : Language
        The pipeline; `fresh` gives one that a check may change.
    texts, ids, entities : list
        One entry per note, in the same order.
    needs_torch : bool
        Whether the package asks for torch.
    """

    package: str
    nlp: Language
    ids: list[str]
    texts: list[str]
    entities: list[list[Entity]]
    needs_torch: bool

    def fresh(self) -> Language:
        """Load the package anew."""
        return spacy.load(self.package)

    def compare(self, docs: Iterable[Doc]) -> None:
        """Raise unless `docs` have the entities that are expected of the notes."""
        found = [entities_of(doc) for doc in docs]
        require(len(found) == len(self.ids), f"{len(self.ids)} notes in, {len(found)} out")
        wrong = [name for name, here, there in zip(self.ids, found, self.entities, strict=True) if here != there]
        require(not wrong, f"other entities in {len(wrong)} of {len(found)} notes, the first is {(wrong or [''])[0]}")


def require(holds: bool, otherwise: str) -> None:
    """Raise `CheckError` unless something holds."""
    if not holds:
        raise CheckError(otherwise)


def entities_of(doc: Doc) -> list[Entity]:
    """Return start, end and label of each entity."""
    return [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]


def stands_alone(subject: Subject) -> None:
    """Check that nothing of the repository is there, and no torch unless the package asks for it."""
    require(importlib.util.find_spec("clinical_distilled") is None, "clinical_distilled can be imported")
    if not subject.needs_torch:
        require(importlib.util.find_spec("torch") is None, "torch is installed")


def same_entities(subject: Subject) -> None:
    """Check that it finds what the pipeline directory found, whatever the batch size, and one note at a time."""
    for batch_size in (7, 64):
        subject.compare(subject.nlp.pipe(subject.texts, batch_size=batch_size))
    subject.compare(map(subject.nlp, subject.texts))


def two_processes(subject: Subject) -> None:
    """Check that ``nlp.pipe`` with two processes finds the same."""
    subject.compare(subject.nlp.pipe(subject.texts, n_process=2, batch_size=16))


def odd_notes(subject: Subject) -> None:
    """Check that empty and white notes come out as they were, without an entity."""
    texts = ["", " ", "\n\n", "\t \r\n", "\u00a0"]
    for text, doc in zip(texts, subject.nlp.pipe(texts), strict=True):
        require(doc.text == text and not doc.ents, f"{text!r} came out changed or with an entity")


def to_bytes(subject: Subject) -> None:
    """Check that a pipeline made from the bytes of another finds the same."""
    copy = spacy.util.get_lang_class(subject.nlp.lang).from_config(subject.nlp.config)
    subject.compare(copy.from_bytes(subject.nlp.to_bytes()).pipe(subject.texts))


def to_disk(subject: Subject) -> None:
    """Check that a saved pipeline loads again, here and in a python that has not imported the package."""
    with tempfile.TemporaryDirectory() as folder:
        subject.nlp.to_disk(folder)
        subject.compare(spacy.load(folder).pipe(subject.texts))
        command = [sys.executable, "-I", "-c", "import spacy, sys; spacy.load(sys.argv[1])", folder]
        require(subprocess.run(command, check=False).returncode == 0, "another python could not load it")


def doc_bin(subject: Subject) -> None:
    """Check that documents survive a DocBin with their entities."""
    stored = DocBin(docs=subject.nlp.pipe(subject.texts), store_user_data=True).to_bytes()
    subject.compare(DocBin().from_bytes(stored).get_docs(spacy.blank(subject.nlp.lang).vocab))


def ruler_before(subject: Subject) -> None:
    """Check that entities which an ``entity_ruler`` set first stay, and all else is as before."""
    nlp = subject.fresh()
    nlp.add_pipe("entity_ruler", "smoke_ruler", first=True).add_patterns([{"label": "DEVICE", "pattern": DEVICE}])  # type: ignore[attr-defined]
    subject.compare(nlp.pipe(subject.texts))
    require(entities_of(nlp(DEVICE)) == [(0, len(DEVICE), "DEVICE")], "the ruler's entity is gone")


def ruler_after(subject: Subject) -> None:
    """Check that an ``entity_ruler`` behind the pipeline adds its entities to those that are there."""
    nlp = subject.fresh()
    # A model may well take a word it never saw for a medication: the ruler has the last word.
    ruler: Any = nlp.add_pipe("entity_ruler", "smoke_ruler", config={"overwrite_ents": True})
    ruler.add_patterns([{"label": "DEVICE", "pattern": DEVICE}])
    for before, doc in zip(subject.entities, nlp.pipe(f"{text}\n{DEVICE}" for text in subject.texts), strict=True):
        start = len(doc.text) - len(DEVICE)
        require((start, len(doc.text), "DEVICE") in entities_of(doc), "the ruler's entity is missing")
        require(not before or len(doc.ents) > 1, "the pipeline's own entities are gone")


def sentencizer(subject: Subject) -> None:
    """Check that a ``sentencizer`` runs before or behind the pipeline, and the entities stay the same."""
    for position in ({"first": True}, {"last": True}):
        nlp = subject.fresh()
        nlp.add_pipe("sentencizer", "smoke_sentencizer", **position)  # type: ignore[arg-type]
        docs = list(nlp.pipe(subject.texts))
        subject.compare(docs)
        require(all(doc.has_annotation("SENT_START") for doc in docs if len(doc) > 1), "no sentences")


def says_what_it_is(subject: Subject) -> None:
    """Check that the meta carries test scores or agreement, no training scores, and the labels it gives."""
    meta = subject.nlp.meta
    require(bool({"test", "test_agreement"} & set(meta["performance"])), "no scores in meta.json")
    require(not any(name.endswith("_loss") for name in meta["performance"]), "training scores in meta.json")
    labels = {label for labels in meta["labels"].values() for label in labels}
    require({label for found in subject.entities for _, _, label in found} <= labels, "a label is not in meta.json")


def negex(subject: Subject) -> None:
    """Check that negspacy's ``negex`` sees the entities: what is denied is negated, what is there is not."""
    importlib.import_module("negspacy.negation")  # registers the component
    nlp = _followed_by(subject, "negex")
    text = "Patient denies chest pain. No fever. He takes aspirin for hypertension."
    found = {ent.text: ent._.negex for ent in nlp(text).ents}
    expected = {"chest pain": True, "fever": True, "aspirin": False, "hypertension": False}
    require(expected.items() <= found.items(), f"expected {expected}, found {found}")
    _say(fact="negated_of_its_own", value=[ent.text for ent in subject.nlp(text).ents if found.get(ent.text)])


def abbreviations(subject: Subject) -> None:
    """Check that scispaCy's abbreviation detector behind the pipeline resolves what the text defines."""
    importlib.import_module("scispacy.abbreviation")  # registers the component
    nlp = _followed_by(subject, "abbreviation_detector")
    doc = nlp("History of chronic obstructive pulmonary disease (COPD). COPD is stable.")
    found = [(short.text, short._.long_form.text) for short in doc._.abbreviations]
    require(found == [("COPD", "chronic obstructive pulmonary disease")] * 2, f"found {found}")


def _followed_by(subject: Subject, component: str) -> Language:
    """Put a component behind the pipeline; a ruler makes sure that also a poor one gives it something to work on."""
    nlp = subject.fresh()
    nlp.add_pipe("sentencizer", "smoke_sentencizer")
    patterns = {"chest pain": "SYMPTOM", "fever": "SYMPTOM", "aspirin": "MEDICATION", "hypertension": "DISEASE"}
    ruler: Any = nlp.add_pipe("entity_ruler", "smoke_ruler", config={"overwrite_ents": True})
    ruler.add_patterns([{"label": label, "pattern": pattern} for pattern, label in patterns.items()])
    nlp.add_pipe(component)
    return nlp


Check = Callable[[Subject], None]
GROUPS: dict[str, tuple[Check, ...]] = {
    "alone": (
        stands_alone,
        says_what_it_is,
        same_entities,
        two_processes,
        odd_notes,
        to_bytes,
        to_disk,
        doc_bin,
        ruler_before,
        ruler_after,
        sentencizer,
    ),
    "companions": (stands_alone, same_entities, negex, abbreviations),
}


def main(package: str, expected: str, group: str) -> int:
    """Load the package, run the checks of a group, and return the number that failed."""
    known = json.loads(Path(expected).read_text(encoding="utf-8"))
    started = time.perf_counter()
    nlp = spacy.load(package)
    _say(fact="load_seconds", value=round(time.perf_counter() - started, 2))
    _say(fact="loaded_mb", value=_memory_mb("VmRSS"))
    notes = known["notes"]
    subject = Subject(
        package=package,
        nlp=nlp,
        ids=[note["id"] for note in notes],
        texts=[note["text"] for note in notes],
        entities=[[tuple(entity) for entity in note["entities"]] for note in notes],
        needs_torch=known["needs_torch"],
    )
    failures = sum(not _passes(check, subject) for check in GROUPS[group])
    _say(fact="peak_mb", value=_memory_mb("VmHWM"))
    return failures


def _passes(check: Check, subject: Subject) -> bool:
    started, failure = time.perf_counter(), None
    signal.signal(signal.SIGALRM, _out_of_time)
    signal.alarm(LIMIT_S)
    try:
        check(subject)
    except CheckError as error:
        failure = str(error)
    except Exception as error:  # anything at all is a finding; the message may hold the text of a note
        where = traceback.extract_tb(error.__traceback__)[-1]
        code = re.match(r"\[[EW]\d+\]", str(error))
        failure = f"{type(error).__name__} {code.group() if code else ''} at {where.filename}:{where.lineno}"
    finally:
        signal.alarm(0)
    _say(check=check.__name__, seconds=round(time.perf_counter() - started, 1), failure=failure)
    return failure is None


def _out_of_time(*_: Any) -> None:
    raise CheckError(f"not done after {LIMIT_S} s")


def _memory_mb(kind: str) -> int:
    """Read this process's memory: ``VmRSS`` now or ``VmHWM`` at most; ``ru_maxrss`` has the parent's in it."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(kind))
    return int(line.split()[1]) // 1024


def _say(**values: Any) -> None:
    print(json.dumps(values), flush=True)


if __name__ == "__main__":
    sys.exit(1 if main(*sys.argv[1:]) else 0)
