"""Gold formats: what is written is read back the same, and a malformed row is named by file and line."""

import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical_distilled.corpora.entities import Entity
from clinical_distilled.corpora.gold.brat import read_brat, write_brat
from clinical_distilled.corpora.gold.conll import read_conll, write_conll
from clinical_distilled.corpora.gold.document import Discontinuous, GoldDocument, without_repeats
from clinical_distilled.corpora.gold.formats import GoldFormat, read_gold
from clinical_distilled.corpora.gold.jsonlines import read_gold_jsonl, write_gold_jsonl
from clinical_distilled.corpora.gold.pubtator import read_pubtator, write_pubtator
from clinical_distilled.errors import InputError

CHARS = st.one_of(
    st.sampled_from("ab1 .,-/|#\\\t\n;=é\u2005\xa0\u2028😀"),
    st.characters(exclude_categories=["Cs"], exclude_characters="\r"),
)
LABELS = st.sampled_from(["DISEASE", "Sign_symptom", "X-1"])
CONCEPTS = st.sampled_from(["", "D008661", "OMIM:215600", "D1|D2"])


@st.composite
def documents(draw, lines=None, overlaps=True, outer_space=True, concepts=CONCEPTS, parts=0):
    """Draw a text and mentions in it; `lines` limits how many lines it may have."""
    text = draw(st.text(CHARS, min_size=1, max_size=60).filter(str.strip))
    if lines:
        head, *rest = text.split("\n")
        text = "\n".join([head or "x", " ".join(rest)][:lines])
    spans = draw(st.lists(st.tuples(st.integers(0, len(text)), st.integers(0, len(text))), max_size=6))
    entities, taken = set(), set()
    for start, end in spans:
        covered = set(range(start, end))
        surface = text[start:end]
        if (
            not surface.strip()
            or (not overlaps and covered & taken)
            or (not outer_space and surface != surface.strip())
        ):
            continue
        taken |= covered
        entities.add(Entity(start, end, draw(LABELS), draw(concepts)))
    found = [(entity.start, entity.end) for entity in entities]
    several = [Discontinuous((found[0], found[-1]), draw(LABELS), draw(concepts))] if parts and len(found) > 1 else []
    return GoldDocument("doc.1", text, tuple(sorted(entities)), tuple(several))


def collections(**options):
    return st.lists(documents(**options), max_size=3).map(
        lambda found: [
            GoldDocument(f"d{number}.v1", one.text, one.entities, one.discontinuous) for number, one in enumerate(found)
        ]
    )


def same(found, given_):
    found, given_ = sorted(found, key=lambda one: one.doc_id), sorted(given_, key=lambda one: one.doc_id)
    assert [one.doc_id for one in found] == [one.doc_id for one in given_]
    for one, other in zip(found, given_, strict=True):
        assert (one.text, one.entities, one.discontinuous) == (other.text, other.entities, other.discontinuous)


@settings(deadline=None)
@given(collections(parts=1))
def test_jsonl_round_trip(tmp_path_factory, given_):
    path = tmp_path_factory.mktemp("gold") / "a.jsonl.gz"
    write_gold_jsonl(given_, path)
    same(read_gold_jsonl(path), given_)


@settings(deadline=None)
@given(collections(parts=1).filter(len))
def test_brat_round_trip(tmp_path_factory, given_):
    folder = tmp_path_factory.mktemp("gold")
    write_brat(given_, folder)
    same(read_brat(folder), given_)


@settings(deadline=None)
@given(collections(lines=2))
def test_pubtator_round_trip(tmp_path_factory, given_):
    path = tmp_path_factory.mktemp("gold") / "a.txt"
    write_pubtator(given_, path)
    same(read_pubtator(path), given_)


@settings(deadline=None)
@given(collections(overlaps=False, outer_space=False, concepts=st.just("")))
def test_conll_round_trip(tmp_path_factory, given_):
    path = tmp_path_factory.mktemp("gold") / "a.conll"
    write_conll(given_, path)
    same(read_conll(path), given_)


def test_pubtator_as_published(tmp_path):
    path = tmp_path / "corpus.txt.gz"
    content = (
        "\n1|t|Copper toxicosis in dogs.\n1|a|Wilson disease and low back pain.\n"
        "1\t0\t16\tCopper toxicosis\tModifier\t OMIM:215600\n"
        "1\t26\t40\t Wilson disease \tDisease\tD006527\n"
        "1\t45\t58\tlow back pain\tDisease\tD1|D2\tlow pain|back pain\n"
        "1\tCID\tD1\tD2\n\n2|t|No abstract\n"
    )
    path.write_bytes(gzip.compress(content.encode()))

    first, second = read_pubtator(path)

    assert first.text == "Copper toxicosis in dogs.\nWilson disease and low back pain."
    assert first.entities == (
        Entity(0, 16, "Modifier", "OMIM:215600"),
        Entity(26, 40, "Disease", "D006527"),
        Entity(45, 58, "Disease", "D1|D2"),
    )
    assert (second.text, second.entities) == ("No abstract", ())


def test_brat_as_published(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.txt").write_text("Pain in left and\nright arm.")
    (tmp_path / "a" / "1.ann").write_text(
        "T1\tSign_symptom 0 4\tPain\nE1\tSign_symptom:T1 \n#1\tAnnotatorNotes T1\tsee\n*\tOVERLAP E1 E2\n"
        "A1\tPOLARITY E1 NEG\nR1\tMODIFY Arg1:T2 Arg2:E1\t\nN1\tReference T1 HPO:0012531\tPain\n"
        "T2\tBiological_structure 8 12;23 26\tleft arm\nT3\tBiological_structure 13 22\tand right\n"
    )

    (document,) = read_brat(tmp_path)

    assert document.doc_id == "a/1"
    assert document.entities == (Entity(0, 4, "Sign_symptom", "HPO:0012531"), Entity(13, 22, "Biological_structure"))
    assert document.discontinuous == (Discontinuous(((8, 12), (23, 26)), "Biological_structure"),)


def test_conll_in_common_layouts(tmp_path):
    path = tmp_path / "dev.conll"
    path.write_text(
        "-DOCSTART- -X- -X- O\n\nType NN B-NP B-D\n2 CD I-NP I-D\ndiabetes NN I-NP I-D\n. . O O\n\nNo DT O O\n"
        "fever NN B-NP B-S\nrash NN B-NP B-S\n\n-DOCSTART- -X- -X- O\n\nFine JJ O O\n"
    )

    first, second = read_conll(path)

    assert (first.doc_id, second.doc_id, second.text) == ("dev-1", "dev-2", "Fine")
    assert first.text == "Type 2 diabetes .\nNo fever rash"
    assert first.entities == (Entity(0, 15, "D"), Entity(21, 26, "S"), Entity(27, 31, "S"))


def test_conll_without_document_marks_is_one_document_named_by_its_file(tmp_path):
    path = tmp_path / "test.tsv"
    path.write_text("Fever\tB-S\n\nCough\tB-S")

    (document,) = read_conll(path)

    assert (document.doc_id, document.text) == ("test", "Fever\nCough")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("1|a|Text\n", "line 1: expected a title"),
        ("1\t0\t4\tPain\tDisease\n", "line 1: expected a title"),
        ("1|t|Pain\n2|a|Text\n", r"line 2: expected the abstract '1\|a\|"),
        ("1|t|Pain\n2\t0\t4\tPain\tDisease\n", "line 2, document 1: the row belongs to another"),
        ("1|t|Pain\n1\t0\t4\tPain\n", "line 2, document 1: 4 columns"),
        ("1|t|Pain\n1\t0\tx\tPain\tDisease\n", "line 2, document 1: start or end is not"),
        ("1|t|Pain\n1\t0\t9\tPain\tDisease\n", "line 2, document 1, entity 0-9: outside"),
        ("1|t|Pain\n1\t0\t3\tPain\tDisease\n", "line 2, document 1, entity 0-3: its surface is not"),
        ("1|t|Pain\n1\t0\t4\tPain\t\tD1\n", "line 2, document 1, entity 0-4: has no label"),
    ],
)
def test_pubtator_rows_that_are_malformed(tmp_path, content, message):
    path = tmp_path / "a.txt"
    path.write_text(content)

    with pytest.raises(InputError, match=message) as caught:
        list(read_pubtator(path))

    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("T1 Disease 0 4 Pain", "line 2, document 1: not a BRAT row"),
        ("T1\tDisease 0\tPain", "line 2, document 1: not a BRAT row"),
        ("T1\tDisease 0 9\tPain", "line 2, document 1, entity 0-9: outside"),
        ("T1\tDisease 0 4\tRash", "line 2, document 1, entity 0 4: its surface is not"),
        ("T0\tDisease 0 4\tPain", "line 2, document 1: T0 occurs twice"),
        ("X1\tDisease", "line 2, document 1: not a BRAT row"),
        ("N1\tReference T9 D1\tPain", "document 1: a normalisation refers to T9"),
    ],
)
def test_brat_rows_that_are_malformed(tmp_path, row, message):
    (tmp_path / "1.txt").write_text("Pain")
    (tmp_path / "1.ann").write_text(f"T0\tDisease 0 4\tPain\n{row}\n")

    with pytest.raises(InputError, match=message) as caught:
        list(read_brat(tmp_path))

    assert str(tmp_path / "1.ann") in str(caught.value)


def test_brat_files_without_their_pair(tmp_path):
    with pytest.raises(InputError, match=r"no \.txt and \.ann files"):
        list(read_brat(tmp_path))
    (tmp_path / "1.txt").write_text("Pain")
    with pytest.raises(InputError, match=r"1\.txt: has no 1\.ann beside it"):
        list(read_brat(tmp_path))
    with pytest.raises(InputError, match="no such folder"):
        list(read_brat(tmp_path / "none"))


def test_brat_does_not_write_outside_its_folder(tmp_path):
    with pytest.raises(InputError, match="no file name below"):
        write_brat([GoldDocument("../x", "Pain")], tmp_path / "out")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("Pain\n", "line 1, document a: one column"),
        ("Pain\tX\n", "line 1, document a: 'X' is not a BIO tag"),
        ("Pain\tS-X\n", "'S-X' is not a BIO tag"),
        ("Pain\tI-X\n", "line 1, document a: I-X follows O"),
        ("Pain\tB-X\nin\tI-Y\n", "line 2, document a: I-Y follows B-X"),
        ("Pain\tB-X\n\nin\tI-X\n", "line 3, document a: I-X follows O"),
    ],
)
def test_conll_lines_that_are_malformed(tmp_path, content, message):
    path = tmp_path / "a.conll"
    path.write_text(content)

    with pytest.raises(InputError, match=message) as caught:
        list(read_conll(path))

    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"doc_id": 7}, "line 1: doc_id or text is missing"),
        ({"text": None}, "line 1: doc_id or text is missing"),
        ({"entities": {}}, "line 1, document 1: 'entities' is not a list"),
        ({"entities": [{"start": 0, "end": 9, "label": "D"}]}, "line 1, document 1, entity 0-9: outside"),
        ({"discontinuous": [{"fragments": [[0, 1], [2]], "label": "D"}]}, "document 1: a discontinuous mention needs"),
        ({"discontinuous": [{"fragments": [[0, 1], [2, 9]], "label": "D"}]}, "document 1, entity 2-9: outside"),
    ],
)
def test_jsonl_rows_that_are_malformed(tmp_path, changes, message):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"doc_id": "1", "text": "Pain"} | changes))

    with pytest.raises(InputError, match=message) as caught:
        list(read_gold_jsonl(path))

    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("write", "document"),
    [
        (write_pubtator, GoldDocument("1", "a\nb\nc")),
        (write_pubtator, GoldDocument("1", "\nb")),
        (write_pubtator, GoldDocument("1 2", "a")),
        (write_pubtator, GoldDocument("1", "a", (Entity(0, 1, "two words"),))),
        (write_pubtator, GoldDocument("1", "abc", (), (Discontinuous(((0, 1), (2, 3)), "D"),))),
        (write_conll, GoldDocument("1", "abc", (Entity(0, 2, "D"), Entity(1, 3, "D")))),
        (write_conll, GoldDocument("1", "abc", (Entity(0, 2, "D", "C1"),))),
        (write_conll, GoldDocument("1", "abc", (), (Discontinuous(((0, 1), (2, 3)), "D"),))),
    ],
)
def test_what_a_format_cannot_hold_is_refused_and_nothing_is_written(tmp_path, write, document):
    with pytest.raises(InputError, match="document 1"):
        write([GoldDocument("0", "fine"), document], tmp_path / "a.txt")

    assert list(tmp_path.iterdir()) == []


def test_documents_given_twice():
    document = GoldDocument("8528200", "Machado-Joseph disease", (Entity(0, 22, "D"),), source="line 1")

    kept, account = without_repeats([document, GoldDocument("2", "x"), document])

    assert [one.doc_id for one in kept] == ["8528200", "2"]
    assert str(account) == "3 documents = 2 kept + 1 given twice"
    with pytest.raises(InputError, match="line 9: another document has its identifier: line 1"):
        without_repeats([document, GoldDocument("8528200", "other", source="line 9")])


def test_a_file_of_another_format_is_refused(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("\n\n")

    with pytest.raises(InputError, match=r"a\.txt: no documents in it\. Is it pubtator"):
        read_gold(path, GoldFormat.PUBTATOR)


@pytest.mark.parametrize("kind", GoldFormat)
def test_every_format_is_read_by_its_name(tmp_path, kind):
    writers = {"jsonl": write_gold_jsonl, "brat": write_brat, "pubtator": write_pubtator, "conll": write_conll}
    given_ = [GoldDocument("1", "Fever\nand rash", (Entity(0, 5, "S"),))]
    writers[kind.value](given_, tmp_path / "gold")

    documents, account = read_gold(tmp_path / "gold", kind)

    same(documents, given_)
    assert account.kept == 1
