"""Readers of released terminologies, on small files written by hand to the publishers' layouts."""

import gzip
import os
from pathlib import Path

import pytest

from clinical_distilled.errors import InputError
from clinical_distilled.terminology.obo import read_obo
from clinical_distilled.terminology.sources import read_terms
from clinical_distilled.terminology.terms import Term

DATA = Path(os.environ.get("CLINICAL_DATA", Path(__file__).parents[3] / "shared" / "data")) / "ontology"


HPO_ABNORMALITIES = 12_066  # of 12,226 live terms: the rest are modes of inheritance, modifiers and the like


def rxn(rxcui, sab, tty, name, *, srl="0", suppress="N", lat="ENG"):
    fields = [rxcui, lat, "", "", "", "", "", "8717795", "", rxcui, "", sab, tty, rxcui, name, srl, suppress, "4096"]
    return "|".join(fields) + "|\n"


RXNCONSO = [
    rxn("1191", "RXNORM", "IN", "aspirin"),
    rxn("1191", "DRUGBANK", "SY", "Acetylsalicylic acid"),
    rxn("1191", "MTHSPL", "SU", "ASPIRIN"),
    rxn("1191", "GS", "MTH_RXN_IN", "Licensed name", srl="3"),
    rxn("1191", "RXNORM", "SY", "old name", suppress="O"),
    rxn("1191", "MSH", "SY", "aspirina", lat="SPA"),
    rxn("83818", "RXNORM", "BN", "Ecotrin"),
    rxn("203135", "RXNORM", "MIN", "amlodipine / benazepril"),
    rxn("104474", "RXNORM", "PIN", "benazepril hydrochloride"),
    rxn("999", "RXNORM", "IN", "withdrawnol", suppress="O"),
    rxn("212033", "RXNORM", "SCD", "aspirin 325 MG Oral Tablet"),
]


@pytest.fixture
def rxnorm(tmp_path):
    path = tmp_path / "RxNorm_full" / "rrf" / "RXNCONSO.RRF"
    path.parent.mkdir(parents=True)
    path.write_text("".join(RXNCONSO))
    return path


def test_rxnorm_gives_ingredients_and_brands(rxnorm, tmp_path):
    terms = {term.concept: term for term in read_terms(tmp_path / "RxNorm_full")}
    assert terms.keys() == {"RXNORM:1191", "RXNORM:83818", "RXNORM:203135", "RXNORM:104474"}
    aspirin = terms["RXNORM:1191"]
    assert (aspirin.name, aspirin.label) == ("aspirin", "MEDICATION")
    assert aspirin.synonyms == ("Acetylsalicylic acid",)
    assert terms["RXNORM:203135"].synonyms == ("amlodipine-benazepril",)
    assert list(read_terms(rxnorm)) == list(terms.values())


def test_a_broken_rxnorm_row_is_named(rxnorm):
    rxnorm.write_text("".join(RXNCONSO[:2]) + "1191|ENG|\n")
    with pytest.raises(InputError, match=r"RXNCONSO\.RRF, line 3: 3 columns"):
        list(read_terms(rxnorm))


FSN, SYNONYM = "900000000000003001", "900000000000013009"
US = "900000000000509007"
PREFERRED, ACCEPTABLE = "900000000000548007", "900000000000549004"


def rf2(header, rows):
    return "\n".join("\t".join(row) for row in (header.split(), *rows)) + "\n"


def concept(number, active="1"):
    return (number, "20260101", active, "900000000000207008", "900000000000074008")


def description(number, of, kind, term, active="1", language="en"):
    return (number, "20260101", active, "900000000000207008", of, language, kind, term, "900000000000448009")


def is_a(number, child, parent, active="1", kind="116680003"):
    return (number, "20260101", active, "1", child, parent, "0", kind, "900000000000011006", "900000000000451002")


@pytest.fixture
def snomed(tmp_path):
    folder = tmp_path / "SnomedCT" / "Snapshot" / "Terminology"
    folder.mkdir(parents=True)
    roots = ["138875005", "64572001", "404684003", "373873005"]
    (folder / "sct2_Concept_Snapshot_INT_20260101.txt").write_text(
        rf2(
            "id effectiveTime active moduleId definitionStatusId",
            [
                *map(concept, roots),
                concept("195967001"),
                concept("49727002"),
                concept("1"),
                concept("7947003"),
                concept("2", "0"),
            ],
        )
    )
    (folder / "sct2_Relationship_Snapshot_INT_20260101.txt").write_text(
        rf2(
            "id effectiveTime active moduleId sourceId destinationId relationshipGroup typeId characteristicTypeId "
            "modifierId",
            [
                is_a("r1", "64572001", "404684003"), is_a("r2", "195967001", "64572001"),
                is_a("r3", "49727002", "404684003"), is_a("r4", "7947003", "373873005"),
                is_a("r5", "2", "64572001"), is_a("r6", "1", "64572001", active="0"),
                is_a("r7", "1", "195967001", kind="363698007"),
            ],
        )
    )  # fmt: skip
    (folder / "sct2_Description_Snapshot-en_INT_20260101.txt").write_text(
        rf2(
            "id effectiveTime active moduleId conceptId languageCode typeId term caseSignificanceId",
            [
                description("d1", "195967001", FSN, "Asthma (disorder)"),
                description("d2", "195967001", SYNONYM, "Bronchial asthma"),
                description("d3", "195967001", SYNONYM, "Airway disease", active="0"),
                description("d4", "195967001", SYNONYM, "Asma", language="es"),
                description("d5", "49727002", FSN, "Cough (finding)"),
                description("d6", "49727002", SYNONYM, "Coughing"),
                description("d7", "49727002", SYNONYM, "Observation of cough"),
                description("d8", "7947003", FSN, "Product containing aspirin (medicinal product)"),
                description("d9", "2", FSN, "Gone (disorder)"),
                description("d10", "1", FSN, "Astray (disorder)"),
            ],
        )
    )
    language = folder / "Refset" / "der2_cRefset_LanguageSnapshot-en_INT_20260101.txt"
    language.parent.mkdir()
    language.write_text(
        rf2(
            "id effectiveTime active moduleId refsetId referencedComponentId acceptabilityId",
            [
                ("l1", "20260101", "1", "1", US, "d2", ACCEPTABLE),
                ("l2", "20260101", "1", "1", US, "d6", PREFERRED),
                ("l3", "20260101", "0", "1", US, "d7", ACCEPTABLE),
            ],
        )
    )
    return tmp_path / "SnomedCT"


def test_snomed_gives_the_active_concepts_under_the_roots(snomed):
    assert list(read_terms(snomed)) == [
        Term("SNOMEDCT:195967001", "DISEASE", "Asthma", ("Bronchial asthma",)),
        Term("SNOMEDCT:49727002", "SYMPTOM", "Coughing", ("Cough",)),
        Term("SNOMEDCT:7947003", "MEDICATION", "aspirin", ()),
    ]


def test_without_a_language_reference_set_all_active_names_are_taken(snomed):
    next(snomed.rglob("der2_*")).unlink()
    cough = next(term for term in read_terms(snomed) if term.concept == "SNOMEDCT:49727002")
    assert cough == Term("SNOMEDCT:49727002", "SYMPTOM", "Cough", ("Coughing", "Observation of cough"))


def test_a_release_with_a_missing_or_broken_file_is_refused(snomed):
    file = next(snomed.rglob("sct2_Relationship*"))
    file.write_text(file.read_text().replace("sourceId", "source"))
    with pytest.raises(InputError, match=r"Relationship.*line 1: expected the columns"):
        list(read_terms(snomed))
    file.unlink()
    with pytest.raises(InputError, match="no sct2_Relationship_Snapshot"):
        list(read_terms(snomed))


OBO = """format-version: 1.2
ontology: doid

[Term]
id: DOID:1
name: angiosarcoma
synonym: "hemangiosarcoma" EXACT []
synonym: "vascular \\"sarcoma\\"" EXACT layperson [orcid.org/0000; https://example.org]
synonym: "sarcoma" BROAD []

[Term]
id: DOID:2
name: obsolete thing
is_obsolete: true

[Term]
id: UBERON:3
name: lung
"""


def test_obo_gives_live_terms_of_the_ontology_with_exact_synonyms(tmp_path):
    path = tmp_path / "doid.obo"
    path.write_text(OBO)
    assert list(read_terms(path)) == [
        Term("DOID:1", "DISEASE", "angiosarcoma", ("hemangiosarcoma", 'vascular "sarcoma"'))
    ]
    (term,) = read_obo(path, scopes=("BROAD",))
    assert term.synonyms == ("sarcoma",)


def test_of_hpo_only_abnormalities_are_taken(tmp_path):
    path = tmp_path / "hp.obo"
    terms = {"0000001": ("All", None), "0000118": ("Phenotypic abnormality", "0000001"), "0012823": ("Left", "0000001"),
             "0001945": ("Fever", "0000118")}  # fmt: skip
    path.write_text(
        "format-version: 1.2\n"
        + "".join(
            f"\n[Term]\nid: HP:{number}\nname: {name}\n" + (f"is_a: HP:{parent}\n" if parent else "")
            for number, (name, parent) in terms.items()
        )
    )
    assert [term.name for term in read_terms(path)] == ["Fever"]


def test_obo_of_another_ontology_needs_a_label(tmp_path):
    path = tmp_path / "my.obo.gz"
    path.write_bytes(gzip.compress(b"format-version: 1.2\n\n[Term]\nid: MY:1\nname: flu\n"))
    with pytest.raises(InputError, match="Say what its terms are"):
        list(read_terms(path))
    assert list(read_terms(path, "DISEASE")) == [Term("MY:1", "DISEASE", "flu", ())]
    with pytest.raises(InputError, match="ILLNESS is not one of"):
        list(read_terms(path, "ILLNESS"))


def test_a_broken_obo_file_is_named_with_its_line(tmp_path):
    path = tmp_path / "x.obo"
    path.write_text('format-version: 1.2\n\n[Term]\nid: DOID:1\nname: a\nsynonym: "b" WRONG []\n')
    with pytest.raises(InputError, match=r"x\.obo, line 6: not OBO"):
        list(read_terms(path))


def test_drugbank_and_orange_book(tmp_path):
    drugbank = tmp_path / "drugbank vocabulary.csv"
    drugbank.write_text(
        "DrugBank ID,Accession Numbers,Common name,CAS,UNII,Synonyms,Standard InChI Key\n"
        'DB00001,B1,Lepirudin,1-2,Y,"[Leu1, Thr2]-63-desulfohirudin | Lepirudin | R-HIRUDIN",\n'
    )
    assert list(read_terms(drugbank)) == [
        Term("DRUGBANK:DB00001", "MEDICATION", "Lepirudin", ("[Leu1, Thr2]-63-desulfohirudin", "r-hirudin"))
    ]
    orange_book = tmp_path / "products.txt"
    orange_book.write_text(
        "Ingredient~DF;Route~Trade_Name~Applicant~Strength~Appl_Type~Appl_No~Product_No~TE_Code~Approval_Date~RLD~RS~Type"
        "~Applicant_Full_Name\n"
        "BUDESONIDE~AEROSOL, FOAM;RECTAL~BUDESONIDE~P~2MG~A~2~001~AB~Apr 12, 2023~No~Yes~RX~P LTD\n"
        "BUDESONIDE~AEROSOL, FOAM;RECTAL~UCERIS~S~2MG~N~2~001~AB~Oct 7, 2014~Yes~No~RX~S INC\n"
        "AMLODIPINE; BENAZEPRIL~CAPSULE;ORAL~LOTREL~N~5MG~N~2~001~AB~Oct 7, 2014~Yes~No~RX~N\n"
    )
    assert list(read_terms(orange_book)) == [
        Term("FDA:budesonide", "MEDICATION", "budesonide", ("Uceris",)),
        Term("FDA:amlodipine / benazepril", "MEDICATION", "amlodipine / benazepril", ("Lotrel",)),
    ]
    orange_book.write_text(orange_book.read_text() + "A~B\n")
    with pytest.raises(InputError, match=r"products\.txt, line 5: 2 columns"):
        list(read_terms(orange_book))


def test_a_folder_is_read_by_what_is_in_it(tmp_path):
    (tmp_path / "LICENSE.txt").write_text("free\n")
    (tmp_path / "my_disease.tsv").write_text("name\tsynonyms\nflu\t\n")
    (tmp_path / "doid.obo").write_text(OBO)
    assert [term.concept for term in read_terms(tmp_path)] == ["DOID:1", "flu"]


def test_unknown_files_and_empty_folders_are_refused(tmp_path):
    (tmp_path / "LICENSE.txt").write_text("free\n")
    with pytest.raises(InputError, match="not a term file or release"):
        list(read_terms(tmp_path / "LICENSE.txt"))
    with pytest.raises(InputError, match="no term file"):
        list(read_terms(tmp_path))
    with pytest.raises(InputError, match="no such file"):
        list(read_terms(tmp_path / "nothing.csv"))


@pytest.mark.skipif(not DATA.is_dir(), reason="the published terminologies are not here (CLINICAL_DATA)")
@pytest.mark.parametrize(
    ("file", "count"),
    [("doid_2024-01-31.obo.gz", 11_501), ("hp_2017-04-13.obo.gz", HPO_ABNORMALITIES), ("symp.obo", 895),
     ("drugbank_vocabulary.csv.gz", 19_842)],
)  # fmt: skip
def test_published_files_have_the_published_number_of_terms(file, count):
    assert sum(1 for _ in read_terms(DATA / file)) == count
