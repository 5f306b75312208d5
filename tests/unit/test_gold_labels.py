"""Labels of a source become ours: every mention is accounted for, and what was not annotated stays unknown."""

import os
from collections import Counter
from pathlib import Path

import pytest
import spacy

from clinical_distilled.corpora.docs import read_docs, write_docs
from clinical_distilled.corpora.entities import Entity, exact_mentions
from clinical_distilled.corpora.gold.document import Discontinuous, GoldDocument
from clinical_distilled.corpora.gold.jsonlines import read_gold_jsonl
from clinical_distilled.corpora.gold.labels import LabelMap, gold_docs, map_entities
from clinical_distilled.corpora.gold.public import CORPORA, public_docs, read_public
from clinical_distilled.corpora.mentions import Mention
from clinical_distilled.errors import InputError

DATA = Path(os.environ.get("CLINICAL_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))
NLP = spacy.blank("en")
MAP = LabelMap({"Disease": "DISEASE", "Chemical": "MEDICATION"}, frozenset({"Gene"}))


def document(*entities, parts=()):
    return GoldDocument("1", "lithium carbonate toxicity of the heart", tuple(sorted(entities)), parts, "a.txt, line 3")


def test_every_mention_is_accounted_for():
    part = Discontinuous(((0, 7), (18, 26)), "Disease")
    given = document(Entity(0, 17, "Chemical", "D1"), Entity(0, 26, "Disease"), Entity(34, 39, "Gene"), parts=(part,))

    entities, account = map_entities(given, MAP)

    assert entities == [Entity(0, 26, "DISEASE")]
    assert str(account) == "4 mentions = 1 kept + 1 discontinuous + 1 label left out + 1 overlaps a longer one"


def test_of_two_of_one_length_the_first_is_kept():
    entities, _ = map_entities(
        document(Entity(8, 26, "Disease"), Entity(0, 17, "Chemical"), Entity(0, 18, "Chemical")), MAP
    )

    assert entities == [Entity(0, 18, "MEDICATION")]


def test_a_label_that_is_neither_mapped_nor_left_out_is_refused():
    with pytest.raises(InputError, match=r"a\.txt, line 3: unknown label Species"):
        map_entities(document(Entity(0, 7, "Species")), MAP)

    assert map_entities(document(Entity(0, 7, "Species")), LabelMap({}, ignored=None))[0] == []


def test_labels_without_annotation_are_unknown_and_stay_so_in_storage(tmp_path):
    docs, account = gold_docs([document(Entity(0, 17, "Chemical", "D1"))], MAP, NLP)
    write_docs(docs, tmp_path / "dev.spacy")
    (doc,) = read_docs(tmp_path / "dev.spacy")

    assert account.kept == 1
    assert list(doc.user_data["unknown_labels"]) == ["SYMPTOM"]
    assert exact_mentions(doc, "reference") == [Mention(0, 17, "MEDICATION")]
    assert doc.spans["reference"][0].kb_id_ == "D1"


def test_unknown_corpora_splits_and_files(tmp_path):
    with pytest.raises(
        InputError, match=r"No split 'train' of a corpus 'i2b2'. There are ncbi_disease: train, dev, test;"
    ):
        read_public("i2b2", "train", tmp_path)
    with pytest.raises(InputError, match="No split 'eval'"):
        read_public("bc5cdr", "eval", tmp_path)
    with pytest.raises(InputError, match=r"CDR_TestSet\.PubTator\.txt: no such file"):
        read_public("bc5cdr", "test", tmp_path)


def test_maccrobat_as_published_is_cut_by_a_hash(tmp_path):
    folder = tmp_path / "maccrobat2020"
    folder.mkdir()
    for number in range(200):
        (folder / f"{number}.txt").write_text("Pain.")
        (folder / f"{number}.ann").write_text("")

    splits = {
        split: {one.doc_id for one in read_public("maccrobat2020", split, tmp_path)[0]}
        for split in CORPORA["bc5cdr"].splits
    }

    assert {split: len(ids) for split, ids in splits.items()} == {"train": 100, "dev": 40, "test": 60}
    assert len(set.union(*splits.values())) == 200
    (folder / "0.txt").unlink()
    (folder / "0.ann").unlink()
    with pytest.raises(InputError, match="199 documents, MACCROBAT 2020 has 200"):
        read_public("maccrobat2020", "dev", tmp_path)


PUBLISHED = {
    ("ncbi_disease", "train"): (592, 5134, {"DISEASE": 5134}),
    ("ncbi_disease", "dev"): (100, 787, {"DISEASE": 787}),
    ("ncbi_disease", "test"): (100, 960, {"DISEASE": 960}),
    ("bc5cdr", "train"): (500, 9385, {"DISEASE": 4182, "MEDICATION": 5203}),
    ("bc5cdr", "dev"): (500, 9591, {"DISEASE": 4244, "MEDICATION": 5347}),
    ("maccrobat2020", "train"): (100, 11996, {"DISEASE": 622, "MEDICATION": 456, "SYMPTOM": 1684}),
    ("maccrobat2020", "dev"): (40, 5327, {"DISEASE": 259, "MEDICATION": 281, "SYMPTOM": 653}),
}


@pytest.mark.parametrize(("corpus", "split"), PUBLISHED)
def test_public_corpora_have_their_published_counts(corpus, split):
    if not (DATA / "originals" / corpus).exists():
        pytest.skip("the published corpora are not here (set CLINICAL_DATA)")
    count, mentions, labels = PUBLISHED[corpus, split]

    documents, account = read_public(corpus, split, DATA / "originals")
    mapped = [entity for one in documents for entity in map_entities(one, CORPORA[corpus].labels)[0]]
    other_reader = {one.doc_id: one for one in read_gold_jsonl(DATA / "gold" / corpus / f"{split}.jsonl")}

    assert len(documents) == count
    assert account.dropped.total() == (1 if (corpus, split) == ("ncbi_disease", "train") else 0)
    assert sum(len(one.entities) for one in documents) == mentions
    assert Counter(entity.label for entity in mapped) == labels
    assert {one.doc_id for one in documents} == other_reader.keys()
    assert [one.doc_id for one in documents if not one.same_as(other_reader[one.doc_id])] == []


def test_public_documents():
    if not (DATA / "originals" / "ncbi_disease").exists():
        pytest.skip("the published corpora are not here (set CLINICAL_DATA)")

    docs, account = public_docs("ncbi_disease", "dev", DATA / "originals", NLP)

    assert account.kept == sum(len(exact_mentions(doc, "reference")) for doc in docs) == 787
    assert all(doc.user_data["unknown_labels"] == ["SYMPTOM", "MEDICATION"] for doc in docs)
