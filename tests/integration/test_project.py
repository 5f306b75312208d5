"""The whole job on a small clone: every step ran for real, a second run does nothing, own notes go the same way."""

import json

import pytest
import spacy
import yaml

from clinical_distilled.corpora.docs import SPLITS, doc_id, read_docs

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("clone")]
LABELS = {"DISEASE", "SYMPTOM", "MEDICATION"}


def test_every_note_reaches_the_end_with_all_teachers(clone):
    for split in SPLITS:
        notes = read_docs(clone.folder / "corpus" / "notes" / f"{split}.spacy")
        combined = read_docs(clone.folder / "corpus" / "combined" / f"{split}.spacy")
        assert [doc_id(doc) for doc in combined] == [doc_id(doc) for doc in notes]
        for doc in combined:
            assert {"llm_guided", "llm_zero_shot", "ontology", "votes"} <= set(doc.spans)
            assert ("reference" in doc.spans) == (split != "train")


def test_rationales_of_the_guided_teacher_stay_on_its_spans(clone):
    docs = read_docs(clone.folder / "corpus" / "combined" / "train.spacy")
    spans = [span for doc in docs for span in doc.spans["llm_guided"]]
    assert len(spans) > 500
    assert all(span._.rationale for span in spans)


def test_evaluation_has_the_promised_shape(clone):
    evaluation = json.loads((clone.folder / "metrics" / "evaluation.json").read_text())
    systems = evaluation["test"]
    assert {"llm_guided", "llm_zero_shot", "ontology", "combined", "student"} <= set(systems)
    for measures in systems.values():
        assert set(measures) == {"strict", "overlap", "token"}
        for rows in measures.values():
            assert "micro" in rows
            assert set(rows) <= {"micro", *LABELS}
            for row in rows.values():
                low, high = row["ci"]
                assert 0 <= low <= row["f"] <= high <= 1


def test_our_alignment_loses_fewer_mentions_than_spacy_llm(clone):
    alignment = (clone.folder / "metrics" / "alignment.json").read_text()
    assert "spacy.NER.v3" in alignment


def test_installed_package_reads_notes(clone, tmp_path):
    program = tmp_path / "use.py"
    program.write_text(
        "import spacy, sys\n"
        'nlp = spacy.load("en_clinical_distilled")\n'
        'doc = nlp("She takes metformin for type 2 diabetes and has a headache.")\n'
        "print(nlp.meta['performance'])\n"
        "assert all(ent.label_ in {'DISEASE', 'SYMPTOM', 'MEDICATION'} for ent in doc.ents)\n"
    )
    assert "ci" in clone.ran(f"python {program}")


def test_package_and_pipeline_find_the_same(clone):
    texts = [doc.text for doc in read_docs(clone.folder / "corpus" / "notes" / "test.spacy")]
    nlp = spacy.load(clone.folder / "training" / "cpu" / "packaged")
    (clone.folder / "texts.json").write_text(json.dumps(texts))
    program = (
        "import json, spacy; nlp = spacy.load('en_clinical_distilled'); "
        "docs = nlp.pipe(json.load(open('texts.json')), batch_size=3); "
        "print('RESULT' + json.dumps([[(e.start_char, e.end_char, e.label_) for e in d.ents] for d in docs]))"
    )
    printed = clone.ran(f'python -c "{program}"')
    found = json.loads(printed.split("RESULT")[1].splitlines()[0])
    assert found == [[[e.start_char, e.end_char, e.label_] for e in doc.ents] for doc in nlp.pipe(texts)]


def test_second_run_does_nothing_and_says_so(clone):
    job = yaml.safe_load((clone.folder / "project.yml").read_text())
    printed = clone.ran("python -m spacy project run all")
    for step in job["workflows"]["all"]:
        assert f"Skipping '{step}': nothing changed" in printed


def test_own_notes_go_the_same_way_with_the_teachers_that_can_answer(workplace):
    printed = workplace.ran("python -m spacy project run build . --vars.notes my_notes/ --vars.name own_notes")
    assert "llm_guided" in printed  # left out, and said so
    evaluation = json.loads((workplace.folder / "metrics" / "evaluation.json").read_text())
    assert "test" not in evaluation  # there is no reference, so there is no score
    assert list((workplace.folder / "packages").glob("en_own_notes-*.whl"))


def test_interrupted_step_leaves_what_was_there(clone):
    before = (clone.folder / "corpus" / "notes" / "train.spacy").read_bytes()
    broken = clone.folder / "broken.jsonl"
    broken.write_text('{"doc_id": "a", "text": "Fever."}\n{"doc_id": "b", "text": \n')
    done = clone.run("python scripts/corpus.py broken.jsonl corpus/notes")
    assert done.returncode == 1
    assert "broken.jsonl, line 2" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert (clone.folder / "corpus" / "notes" / "train.spacy").read_bytes() == before
