"""The labeler report: how much each teacher marks, how far teachers agree, token by token, and how right they are."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc

from clinical_distilled.evaluation.metrics import Scores

Codes = NDArray[np.int64]  # shape (tokens,): 0 for no label, else the number of the label


def labeler_report(
    docs: Sequence[Doc], declared: Mapping[str, Sequence[str]], labels: Sequence[str], dev: Mapping[str, Scores]
) -> dict[str, Any]:
    """Describe the teachers on `docs`.

    Parameters
    ----------
    declared
        Teacher -> the labels it can give; it is described for no other.
    dev
        The teachers' scores against dev's reference; empty where there is none.

    Returns
    -------
    dict
        ``{"labels": {label: {teacher: {...}}}, "kappa": {"a / b": {label or "all": kappa}}}`` with, per teacher and
        label, ``coverage`` (share of the tokens marked so by any teacher), ``overlap`` (share of its tokens that
        another teacher marks so too), ``conflict`` (share of its tokens to which another gives another label), and
        strict ``precision`` and ``recall`` on dev. Kappa is Cohen's (1960), over all tokens, for one label against
        all else, and for all labels.
    """
    codes = {teacher: _codes(docs, teacher, labels) for teacher in declared}
    numbers = dict(zip(labels, range(1, len(labels) + 1), strict=True))
    return {
        "labels": {
            label: {
                teacher: _row(codes, teacher, number, [name for name in declared if label in declared[name]])
                | _right(dev, teacher, label)
                for teacher in declared
                if label in declared[teacher]
            }
            for label, number in numbers.items()
        },
        "kappa": {
            f"{a} / {b}": {
                label: round(cohen_kappa(codes[a] == number, codes[b] == number), 4)
                for label, number in numbers.items()
                if label in declared[a] and label in declared[b]
            }
            | {"all": round(cohen_kappa(codes[a], codes[b]), 4)}
            for a, b in combinations(declared, 2)
        },
    }


def cohen_kappa(first: NDArray[Any], second: NDArray[Any]) -> float:
    """Return Cohen's kappa of two codings of the same things; 1 where both say the same one thing throughout."""
    names, numbers = np.unique(np.concatenate([first, second]), return_inverse=True)
    a, b = numbers[: len(first)], numbers[len(first) :]
    table = np.bincount(a * len(names) + b, minlength=len(names) ** 2).reshape(len(names), -1) / len(first)
    by_chance = float(table.sum(axis=1) @ table.sum(axis=0))
    return 1.0 if by_chance == 1 else (float(np.trace(table)) - by_chance) / (1 - by_chance)


def _row(codes: Mapping[str, Codes], teacher: str, number: int, voters: Sequence[str]) -> dict[str, float]:
    mine = codes[teacher] == number
    others = [codes[name] for name in codes if name != teacher]
    anyone = np.any([codes[name] == number for name in voters], axis=0)
    same = np.any([code == number for code in others], axis=0) if others else np.zeros_like(mine)
    another = np.any([(code != number) & (code != 0) for code in others], axis=0) if others else np.zeros_like(mine)
    return {
        "coverage": _share(mine, anyone),
        "overlap": _share(mine & same, mine),
        "conflict": _share(mine & another, mine),
    }


def _right(dev: Mapping[str, Scores], teacher: str, label: str) -> dict[str, float]:
    row = dev.get(teacher, {}).get("strict", {}).get(label)
    return {"precision": row["p"], "recall": row["r"]} if row else {}


def _share(part: NDArray[np.bool_], whole: NDArray[np.bool_]) -> float:
    return round(int(part.sum()) / int(whole.sum()), 4) if whole.any() else 0.0


def _codes(docs: Sequence[Doc], teacher: str, labels: Sequence[str]) -> Codes:
    """Return the number of each token's label, longer spans over shorter ones; white space is left out."""
    parts = []
    for doc in docs:
        code = np.zeros(len(doc), dtype=np.int64)
        for span in sorted(doc.spans[teacher], key=len):
            if span.label_ in labels:
                code[span.start : span.end] = labels.index(span.label_) + 1
        parts.append(code[[not token.is_space for token in doc]])
    return np.concatenate(parts)
