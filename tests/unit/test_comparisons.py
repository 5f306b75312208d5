"""Seen and unseen mentions, differences of two systems, tables for pages."""

import spacy

from clinical_distilled.corpora.mentions import Mention
from clinical_distilled.evaluation.compare import f1_difference
from clinical_distilled.evaluation.metrics import score_systems, truth_of
from clinical_distilled.evaluation.novelty import score_by_novelty, surfaces_of
from clinical_distilled.evaluation.report import markdown_scores, markdown_table

NLP = spacy.blank("en")
TEXT = "Took Aspirin and metformin for asthma."
GOLD = [Mention(5, 12, "MEDICATION"), Mention(17, 26, "MEDICATION"), Mention(31, 37, "DISEASE")]


def case(documents=4):
    docs = [NLP.make_doc(TEXT) for _ in range(documents)]
    for number, doc in enumerate(docs):
        doc.user_data["doc_id"] = str(number)
    return docs, truth_of(docs, [GOLD] * documents)


def test_seen_and_unseen_mentions_are_scored_apart():
    docs, truth = case()
    train = NLP.make_doc("aspirin\n and asthma")
    taught = surfaces_of([train], [[Mention(0, 7, "MEDICATION"), Mention(13, 19, "SYMPTOM")]])
    scores = score_by_novelty(truth, docs, [[GOLD[0], GOLD[2]]] * 4, taught)
    assert set(scores["seen"]) == {"micro", "MEDICATION"}
    assert scores["seen"]["micro"]["f"] == 1
    assert scores["unseen"]["MEDICATION"]["r"] == 0
    assert scores["unseen"]["DISEASE"]["f"] == 1


def test_a_difference_has_the_sign_of_the_better_one():
    _, truth = case()
    better = f1_difference(truth, [GOLD] * 4, [GOLD[:1]] * 4)
    assert better["micro"] == {"difference": 0.5, "ci": [0.5, 0.5]}
    assert better["DISEASE"]["difference"] == 1
    assert f1_difference(truth, [GOLD[:1]] * 4, [GOLD] * 4)["micro"]["difference"] == -0.5


def test_a_system_does_not_differ_from_itself():
    _, truth = case()
    assert f1_difference(truth, [GOLD[:2]] * 4, [GOLD[:2]] * 4)["micro"] == {"difference": 0, "ci": [0, 0]}


def test_tables_are_markdown():
    _, truth = case()
    page = markdown_scores(score_systems(truth, {"student": [GOLD] * 4}))
    lines = page.splitlines()
    assert lines[0] == "| system | label | P | R | strict F1 | overlap F1 | token F1 |"
    assert lines[1] == "| --- | --- | ---: | ---: | ---: | ---: | ---: |"
    assert lines[2].startswith("| student | micro | 1.000 | 1.000 | 1.000 (1.000-1.000) |")
    assert len(lines) == 5
    assert markdown_table(["a"], [["x|y"]]) == "| a |\n| --- |\n| x\\|y |\n"
