"""Open lists of drugs: the DrugBank vocabulary (CSV) and the products of the FDA Orange Book."""

from collections.abc import Iterator
from pathlib import Path

from clinical_distilled.terminology.tables import rows
from clinical_distilled.terminology.terms import Term, tame

DRUGBANK_COLUMNS = (
    "DrugBank ID", "Accession Numbers", "Common name", "CAS", "UNII", "Synonyms", "Standard InChI Key",
)  # fmt: skip
ORANGE_BOOK_COLUMNS = (
    "Ingredient", "DF;Route", "Trade_Name", "Applicant", "Strength", "Appl_Type", "Appl_No", "Product_No", "TE_Code",
    "Approval_Date", "RLD", "RS", "Type", "Applicant_Full_Name",
)  # fmt: skip


def read_drugbank(path: Path) -> Iterator[Term]:
    """Read the DrugBank vocabulary; concepts are ``DRUGBANK:<id>``. It has no brand names.

    Raises
    ------
    InputError
        If the file is missing or a row is broken.
    """
    for row in rows(path, ",", DRUGBANK_COLUMNS, quoted=True):
        synonyms = [tame(part.strip()) for part in row[5].split(" | ") if part.strip()]
        yield Term(f"DRUGBANK:{row[0]}", "MEDICATION", row[2], tuple(name for name in synonyms if name != row[2]))


def read_orange_book(path: Path) -> Iterator[Term]:
    """Read ``products.txt`` of the Orange Book; a concept is what a product contains, its synonyms are trade names.

    The file gives all names in capitals and no identifier of an ingredient: the concept is ``FDA:<ingredients>``.

    Raises
    ------
    InputError
        If the file is missing or a row is broken.
    """
    trade_names: dict[str, dict[str, None]] = {}
    for row in rows(path, "~", ORANGE_BOOK_COLUMNS, encoding="latin-1"):
        ingredients = " / ".join(part.strip().lower() for part in row[0].split(";"))
        trade_names.setdefault(ingredients, {})[row[2].strip().title()] = None
    for ingredients, names in trade_names.items():
        brands = [name for name in names if name.lower() != ingredients]
        yield Term(f"FDA:{ingredients}", "MEDICATION", ingredients, tuple(brands))
