"""The teach step: loading teachers, taking over their mentions, the accounts, the folder it writes."""

import json

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span

from clinical_distilled.corpora.docs import read_docs, write_docs
from clinical_distilled.corpora.mentions import set_group
from clinical_distilled.errors import InputError
from clinical_distilled.teachers.loading import Teacher, check_names, load_teacher
from clinical_distilled.teachers.run import TeachSettings, teach, transfer

SPLITS = ("train", "dev", "test")


@pytest.fixture
def notes(tmp_path):
    nlp = spacy.blank("en")
    for split in SPLITS:
        doc = nlp("Fever and flu")
        doc.user_data["doc_id"] = f"{split}-1"
        doc.spans["reference"] = [Span(doc, 0, 1, "SYMPTOM")]
        write_docs([doc], tmp_path / "notes" / f"{split}.spacy")
    return tmp_path / "notes"


@pytest.fixture
def configs(tmp_path):
    folder = tmp_path / "configs"
    folder.mkdir()
    (folder / "ontology.cfg").write_text(
        '[paths]\nterms = "nowhere"\n[nlp]\nlang = "en"\npipeline = ["ontology_matcher"]\n'
        '[components]\n[components.ontology_matcher]\nfactory = "ontology_matcher"\n'
        "[initialize]\n[initialize.components]\n[initialize.components.ontology_matcher]\nterms = ${paths.terms}\n"
    )
    (folder / "ruler.cfg").write_text(
        '[nlp]\nlang = "en"\npipeline = ["entity_ruler"]\n[components]\n[components.entity_ruler]\n'
        'factory = "entity_ruler"\n[teacher]\n[teacher.labels]\nCHEMICAL = "MEDICATION"\n'
        "[initialize]\n[initialize.components]\n[initialize.components.entity_ruler]\n"
        'patterns = {"@misc": "test.patterns"}\n'
    )
    return folder


@pytest.fixture
def terms(tmp_path):
    folder = tmp_path / "terms"
    folder.mkdir()
    (folder / "my_symptom.tsv").write_text("name\tsynonyms\nfever\t\n")
    return folder


@pytest.fixture
def ontology(configs, terms):
    return load_teacher("ontology", configs, terms)


def blank(name="guest"):
    return Teacher(name, spacy.blank("en"))


def test_writes_mentions_and_keeps_what_the_notes_hold(notes, ontology, tmp_path):
    report = teach(notes, tmp_path / "out", [ontology])
    (doc,) = read_docs(tmp_path / "out" / "ontology" / "dev.spacy")
    assert doc.user_data["doc_id"] == "dev-1"
    assert [span.text for span in doc.spans["ontology"]] == ["Fever"]
    assert [span.text for span in doc.spans["reference"]] == ["Fever"]
    assert not doc.ents
    assert report.to_json()["teachers"]["ontology"]["dev"] == {
        "taken": 1, "kept": 1, "dropped": {}, "status": {"exact": 1},
    }  # fmt: skip
    json.dumps(report.to_json())


def test_the_same_run_writes_the_same_bytes(notes, ontology, tmp_path):
    for name in ("one", "two"):
        teach(notes, tmp_path / name, [ontology])
    first, second = (tmp_path / name / "ontology" / "train.spacy" for name in ("one", "two"))
    assert first.read_bytes() == second.read_bytes()


def test_nothing_stays_of_a_teacher_no_longer_asked_for(notes, ontology, tmp_path):
    teach(notes, tmp_path / "out", [ontology, blank()])
    teach(notes, tmp_path / "out", [ontology])
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["ontology"]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_failed_run_changes_nothing(notes, ontology, tmp_path):
    teach(notes, tmp_path / "out", [ontology])
    before = (tmp_path / "out" / "ontology" / "dev.spacy").read_bytes()
    with pytest.raises(InputError, match="were lost"):
        teach(notes, tmp_path / "out", [blank("other"), Teacher("loser", losing_pipeline())])
    assert (tmp_path / "out" / "ontology" / "dev.spacy").read_bytes() == before
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["ontology"]


def test_a_folder_with_other_files_is_not_replaced(notes, ontology, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match=r"thesis\.txt"):
        teach(notes, tmp_path / "out", [ontology])
    assert (tmp_path / "out" / "thesis.txt").read_text() == "mine"


class Recorded:
    """Stands for a recorded model: has answers to some notes, by the hash of their text."""

    def __init__(self, known):
        self.known = known

    def covers(self, hashes):
        return set(hashes) if self.known else set()


class RecordedPipe:
    def __init__(self, known):
        self._model = Recorded(known)

    def __call__(self, doc):
        return doc


@Language.factory("recorded_stand_in", default_config={"known": False})
def make_recorded(nlp, name, known):
    return RecordedPipe(known)


def test_a_recorded_teacher_without_any_answer_is_left_out(notes, ontology, tmp_path):
    recorded = spacy.blank("en")
    recorded.add_pipe("recorded_stand_in")
    report = teach(notes, tmp_path / "out", [Teacher("llm", recorded), ontology])
    assert report.to_json()["left_out"] == {"llm": "no recorded answer to any of the notes"}
    assert list(report.mentions) == ["ontology"]
    with pytest.raises(InputError, match="No teacher is left"):
        teach(notes, tmp_path / "out2", [Teacher("llm", recorded)])
    assert not (tmp_path / "out2").exists()


def test_a_guest_pipeline_teaches_by_its_entities_and_a_label_map(configs, notes, tmp_path):
    spacy.registry.misc("test.patterns", func=lambda: [{"label": "CHEMICAL", "pattern": "flu"}])
    teacher = load_teacher("ruler", configs)
    teach(notes, tmp_path / "out", [teacher])
    (doc,) = read_docs(tmp_path / "out" / "ruler" / "test.spacy")
    assert [(span.text, span.label_) for span in doc.spans["ruler"]] == [("flu", "MEDICATION")]


@Language.component("loser")
def lose(doc):
    set_group(doc, "mentions", [], status=[], lost=[{"text": "x", "label": "DISEASE", "reason": "not in text"}])
    return doc


def losing_pipeline():
    nlp = spacy.blank("en")
    nlp.add_pipe("loser")
    return nlp


def test_losses_may_be_allowed(notes, tmp_path):
    report = teach(notes, tmp_path / "out", [Teacher("loser", losing_pipeline())], TeachSettings(max_share_lost=1.0))
    assert report.mentions["loser"]["dev"].dropped == {"not in text": 1}


def test_attributes_run_parallel_to_the_mentions_that_are_kept():
    nlp = spacy.blank("en")
    doc = nlp("fever flu cold")
    taught = Doc(nlp.vocab, words=["fe", "ver", "flu", "cold"], spaces=[False, True, True, False])
    spans = [Span(taught, 1, 2, "SYMPTOM"), Span(taught, 2, 3, "DISEASE", kb_id="D1"), Span(taught, 3, 4, "PERSON")]
    set_group(taught, "mentions", spans, status=["a", "b", "c"], rationale=["1", "2", "3"])
    account = transfer(doc, taught, blank())
    group = doc.spans["guest"]
    assert [(span.text, span.label_, span.kb_id_) for span in group] == [("flu", "DISEASE", "D1")]
    assert (group.attrs["status"], group.attrs["rationale"]) == (["b"], ["2"])
    assert [mention["reason"] for mention in group.attrs["lost"]] == ["crosses tokens", "label unknown"]
    assert (account.taken, account.kept) == (3, 1)


@pytest.mark.parametrize(
    ("name", "message"), [("nobody", "no teacher of that name.*ontology"), ("reference", "cannot be called that")]
)
def test_unknown_and_reserved_names_are_refused(configs, name, message):
    with pytest.raises(InputError, match=message):
        load_teacher(name, configs)


def test_a_broken_config_is_named(tmp_path):
    (tmp_path / "x.cfg").write_text(
        '[nlp]\nlang = "en"\npipeline = ["nix"]\n[components]\n[components.nix]\nfactory = "nix"\n'
    )
    with pytest.raises(InputError, match=r"x\.cfg"):
        load_teacher("x", tmp_path)


@pytest.mark.parametrize("names", [[], ["a", "a"]])
def test_names_are_checked(names):
    with pytest.raises(InputError):
        check_names(names)
