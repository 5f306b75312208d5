"""Other ways to write a name: plural, spelling, word order, numerals, possessive; and names that are none."""

import re
from collections.abc import Iterable
from functools import lru_cache

import inflect

from clinical_distilled.runtime.matcher import is_acronym
from clinical_distilled.terminology.spelling import respell

_ENGINE = inflect.engine()
_TAIL = re.compile(r" (?:of|in|on|with|without|to|from|due|after|by|for|at|and|or|during|type|stage|grade)\b| [\d(]")
_GRADED = re.compile(r"(?P<what>.+?),? (?P<how>(?:type|stage|grade|class) (?:\d+|I{1,3}|IV|V))", re.IGNORECASE)
_GRADED_FIRST = re.compile(r"(?P<how>(?:type|stage|grade|class) (?:\d+|I{1,3}|IV|V)) (?P<what>.+)", re.IGNORECASE)
_INVERTED = re.compile(r"(?P<what>[^,]+), (?P<how>[\w-]+(?: [\w-]+)?)")
_NUMERALS = {"1": "I", "2": "II", "3": "III", "4": "IV", "5": "V"}
_NUMBER = re.compile(r"(\b(?:type|stage|grade|class) )([1-5]|I{1,3}|IV|V)\b", re.IGNORECASE)
_GRADES = ("type", "stage", "grade", "class")
_NOT_COUNTED = ("ed", "ing", "ful", "al", "ous", "ary", "ness", "emia", "itis", "ly", "tension", "ic")
_KINDS_OF_DRUG = ("or", "er", "ist", "oid", "tic", "agent", "drug", "vaccine", "supplement", "vitamin", "medication")
_FORM = re.compile(
    r"(?:(?:IV|IM|PO|SL|SC|SQ|oral|topical|inhaled|intranasal|intrathecal|subcutaneous|rectal|buccal|transdermal|"
    r"(?:low|high)[- ]dose|[\d.]+ ?%) (?P<after>.+))|(?:(?P<before>.+) (?:\d+|[\d.]+ ?%|XR|XL|ER|CR|SR|CD|LA|MR|IR|CC|"
    r"EC|HFA|ODT|gtt|drip|infusion|bolus|injections?|patch(?:es)?|nebs?|nebuli[sz]ers?|inhalers?|solution|cream|gel|"
    r"ointment|lotion|shampoo|spray|suppository|powder|suspension|enema|drops|implant|tabs?|tablets?|capsules?|pills?))",
    re.IGNORECASE,
)


def variants(name: str, label: str = "") -> list[str]:
    """Return other ways to write a name, each once, without the name itself.

    A MEDICATION has a plural only where it is a kind of drug ("beta blockers"), not a drug ("aspirin").

    ``type 2 diabetes mellitus`` gives ``diabetes mellitus type 2``, ``diabetes mellitus type II`` and more;
    ``oedema`` gives ``edema`` and the plurals of both; ``Crohn's disease`` gives ``Crohn disease``.
    """
    if is_acronym(name):
        return [] if name.endswith("s") or " " in name or not name[-1].isalpha() else [f"{name}s"]
    ways = {name: None}
    for change in (
        respell,
        _reorder,
        _renumber,
        _without_possessive,
        _drug_plural if label == "MEDICATION" else _plural,
    ):
        ways |= {new: None for way in list(ways) for new in sorted(change(way))}
    return [way for way in ways if way != name]


def without_forms(names: Iterable[str]) -> list[str]:
    """Leave out a generic name with its dose, route or form where the bare name is among the names too.

    A note's "albuterol neb" names albuterol: the annotation guideline wants the name only. Brand names, which begin
    with a capital, are kept whole ("Toprol XL").
    """
    kept = list(names)
    known = {name.casefold() for name in kept}
    return [name for name in kept if not (bare := _bare(name)) or bare.casefold() not in known]


def _bare(name: str) -> str:
    found = _FORM.fullmatch(name)
    bare = (found["after"] or found["before"]) if found else ""
    return bare if bare[:1].islower() or is_acronym(bare) else ""


def _reorder(name: str) -> set[str]:
    if found := _GRADED.fullmatch(name):
        what, how = found["what"].rstrip(","), found["how"]
        return {f"{how} {what}", f"{what} {how}", f"{what}, {how}"} - {name}
    if found := _GRADED_FIRST.fullmatch(name):
        return {f"{found['what']} {found['how']}", f"{found['what']}, {found['how']}"}
    if found := _INVERTED.fullmatch(name):
        return {f"{found['how']} {found['what']}"}
    return set()


def _renumber(name: str) -> set[str]:
    def swap(found: re.Match[str]) -> str:
        number = found[2].upper()
        return found[1] + (_NUMERALS.get(number) or str(1 + list(_NUMERALS.values()).index(number)))

    return {_NUMBER.sub(swap, name)} - {name}


def _without_possessive(name: str) -> set[str]:
    return {name.replace("'s ", " "), name.replace("'s ", "s ")} - {name}


def _drug_plural(name: str) -> set[str]:
    return _plural(name) if name.endswith(_KINDS_OF_DRUG) else set()


def _plural(name: str) -> set[str]:
    """Return the plural of the head noun: the last word before a preposition; none of a capitalised one."""
    tail = _TAIL.search(name)
    phrase, rest = (name[: tail.start()], name[tail.start() :]) if tail else (name, "")
    before, _, head = phrase.rpartition(" ")
    if len(head) < 3 or not head.isalpha() or not head.islower() or head in _GRADES:
        return set()
    plural = _plural_word(head)
    return {f"{before} {plural}".strip() + rest} if plural != head else set()


@lru_cache(maxsize=1 << 16)
def _plural_word(word: str) -> str:
    is_plural = not word.endswith(("is", "us", "ss")) and _ENGINE.singular_noun(word)
    if is_plural or (word.endswith(_NOT_COUNTED) and not word.endswith(_KINDS_OF_DRUG)):
        return word
    return str(_ENGINE.plural_noun(word))
