"""Two systems compared on the same documents: the difference of their F1, with its interval."""

from collections.abc import Sequence

import numpy as np

from clinical_distilled.evaluation.metrics import MICRO, Mentions, Truth, counts_of, f1, resample_weights


def f1_difference(
    truth: Truth, first: Sequence[Mentions], second: Sequence[Mentions], measure: str = "strict", seed: int = 0
) -> dict[str, dict[str, float | list[float]]]:
    """Return F1 of `first` minus F1 of `second`, per label and ``micro``.

    Both are resampled together (paired bootstrap, Efron and Tibshirani 1993): documents that are hard for both do
    not widen the interval.

    Returns
    -------
    dict
        ``{"micro"|LABEL: {"difference", "ci": [low, high]}}``; a label that is in neither is left out.
    """
    ours, theirs = counts_of(truth, first)[measure], counts_of(truth, second)[measure]
    weights = resample_weights(len(truth.ids), seed)
    result: dict[str, dict[str, float | list[float]]] = {}
    for name in (MICRO, *truth.labels):
        if not (ours[name].any() or theirs[name].any()):
            continue
        a, b = ours[name].astype(np.float64), theirs[name].astype(np.float64)
        drawn = np.nan_to_num(f1(weights @ a)) - np.nan_to_num(f1(weights @ b))
        low, high = np.percentile(drawn, [2.5, 97.5])
        point = float(np.nan_to_num(f1(a.sum(axis=0))) - np.nan_to_num(f1(b.sum(axis=0))))
        result[name] = {"difference": round(point, 4), "ci": [round(float(low), 4), round(float(high), 4)]}
    return result
