"""`distilled_ner`: a trainable entity recogniser on a Hugging Face encoder, driven by `spacy train`."""

import json
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import safetensors.torch
import srsly
import torch
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc
from spacy.training import Example, validate_examples, validate_get_examples
from spacy.vocab import Vocab
from thinc.api import Model, get_torch_default_device

from clinical_distilled.errors import InputError
from clinical_distilled.runtime.entities import set_entities
from clinical_distilled.runtime.inputs import SHAPE_FEATURES, Reader, Reading, ReadingSettings
from clinical_distilled.runtime.tags import Scores, Tags
from clinical_distilled.runtime.windows import Window, windows
from clinical_distilled.runtime.wordpieces import WordPieces
from clinical_distilled.student.encoders import build_encoder, load_encoder
from clinical_distilled.student.network import Tagger, autocast, collate, group_by_length
from clinical_distilled.student.optimizer import Optimizer, Schedule
from clinical_distilled.student.targets import loss, targets
from clinical_distilled.terminology.matching import load_matcher

FORMAT = 1  # of the files `to_disk` writes
_MORE_STEPS = 1000  # in which the learning rate falls when a loaded component is trained further


@dataclass(frozen=True)
class Settings:
    """What a config says of the component; see `clinical_distilled.student.factory.make_distilled_ner`."""

    encoder: str
    window: int
    overlap: int
    batch_pieces: int
    feature_dropout: float
    soft_weight: float
    schedule: Schedule


class _Item(NamedTuple):
    """A window to be scored, with the targets of its kept tokens."""

    window: Any
    shares: Scores
    unknown: np.ndarray


def _never_run(model: Model, inputs: Any, is_train: bool) -> tuple[Any, Callable[[Any], Any]]:
    raise NotImplementedError(
        f"{model.name} computes in torch; call predict or update (training: {is_train}, {inputs})"
    )


def shifted_windows(counts: np.ndarray, size: int) -> list[Window]:
    """Cut a sequence of tokens into windows that do not overlap; where it is cut is left to chance.

    Parameters
    ----------
    counts
        Word pieces of each token.
    size
        The most word pieces in a window.
    """
    if counts.sum() <= size:
        return windows(counts, size, 0)
    first = max(1, int(np.searchsorted(np.cumsum(counts), random.randint(size // 2, size), side="right")))
    rest = windows(counts[first:], size, 0)
    return [Window(0, first, 0, first), *(Window(*(edge + first for edge in window)) for window in rest)]


class DistilledNER(TrainablePipe):
    """Finds entities with a transformer and a terminology.

    Trained weights live in a torch network, read and stepped here: spaCy's optimizer is not used, its
    learning rate has no effect.

    Parameters
    ----------
    vocab
        Of the pipeline.
    name
        Of the component in the pipeline.
    settings
        From the config.
    scorer
        Scoring method.
    """

    def __init__(self, vocab: Vocab, name: str, settings: Settings, scorer: Callable | None = None) -> None:
        # spaCy asks every trainable component for a thinc model; ours is torch's, this one is never run.
        super().__init__(vocab, Model(name, _never_run), name)
        self.settings = settings
        self.scorer = scorer
        self.tags = Tags(())
        self.reader: Reader | None = None
        self.network: Tagger | None = None
        self.optimizer: Optimizer | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """Entity labels, sorted."""
        return self.tags.labels

    @property
    def label_data(self) -> tuple[str, ...]:
        """What `initialize` takes as `labels`."""
        return self.tags.labels

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,  # noqa: ARG002  spaCy's signature
        labels: Sequence[str] | None = None,
        terms: str | None = None,
        epochs: int = 10,
        batch_size: int = 8,
    ) -> None:
        """Load the encoder, the terminology and the labels.

        Parameters
        ----------
        get_examples
            Gives the training examples.
        nlp
            The pipeline.
        labels
            Entity labels; by default those of the examples.
        terms
            A terminology file, or a folder of them; without one, there are no term features.
        epochs, batch_size
            How often and in what batches the examples will be seen: the learning rate falls to zero by then.

        Raises
        ------
        InputError
            If there is no label, or the encoder or the terminology cannot be read.
        """
        validate_get_examples(get_examples, "DistilledNER.initialize")
        count = 0
        seen: set[str] = set()
        for example in get_examples():
            count += 1
            seen.update(span.label_ for span in example.reference.ents)
        self.tags = Tags(sorted(labels or seen))
        if not self.labels:
            raise InputError(f"{self.name}: the training documents have no entities, so there is nothing to learn.")
        classifier, tokenizer = load_encoder(self.settings.encoder, len(self.tags))
        matcher = load_matcher(Path(terms)) if terms else None
        reading = ReadingSettings(self._window(classifier.config), self.settings.overlap, self.labels if terms else ())
        self.reader = Reader(WordPieces(tokenizer), reading, matcher)
        self.network = Tagger(classifier, len(self.reader.feature_names)).to(get_torch_default_device())
        steps = max(1, epochs) * ceil(count / batch_size)
        self.optimizer = Optimizer(self.network, self.settings.schedule, steps)

    def predict(self, docs: Iterable[Doc]) -> list[tuple[Reading, Scores]]:
        """Return how each document was read, and the logits of its read tokens, shape (read tokens, tags)."""
        reader, network = self._ready()
        readings = reader(list(docs))
        scores = [np.zeros((len(reading.pieces.tokens), len(self.tags)), dtype=np.float32) for reading in readings]
        work = [(index, window) for index, reading in enumerate(readings) for window in reading.windows]
        inputs = [reader.input(readings[index], window) for index, window in work]
        network.eval()
        device = next(network.parameters()).device
        for group in group_by_length([len(item.ids) for item in inputs], self.settings.batch_pieces):
            with torch.inference_mode(), autocast(device):
                found = network.score(collate([inputs[i] for i in group], device)).cpu().numpy()
            parts = np.split(found, np.cumsum([len(inputs[i].first) for i in group])[:-1])
            for i, part in zip(group, parts, strict=True):
                index, window = work[i]
                scores[index][window.keep_start : window.keep_end] = part
        return list(zip(readings, scores, strict=True))

    def set_annotations(self, docs: Iterable[Doc], scores: list[tuple[Reading, Scores]]) -> None:
        """Add the entities of the scores to ``doc.ents``; those already there stay."""
        for doc, (reading, logits) in zip(docs, scores, strict=True):
            set_entities(doc, reading, logits, self.tags)

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: object = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Add the gradients of a batch; `finish_update` applies them.

        Parameters
        ----------
        examples
            The batch.
        drop
            Dropout of the network.
        sgd
            Where given, the gradients are applied at once; the optimizer used is the component's own.
        losses
            Loss by component, added to: the sum over tokens of the cross-entropy, divided by the batch's tokens.
        """
        losses = {} if losses is None else losses
        losses.setdefault(self.name, 0.0)
        examples = list(examples)
        validate_examples(examples, "DistilledNER.update")
        items = self._items([example.reference for example in examples])
        total = sum(len(item.shares) for item in items)
        if total:
            losses[self.name] += self._add_gradients(items, drop, total)
        if sgd not in (None, False):
            self.finish_update(sgd)
        return losses

    def finish_update(self, sgd: object) -> None:  # noqa: ARG002  spaCy passes its own optimizer
        """Apply the gradients added since the last time."""
        if self.optimizer is None:
            self.optimizer = Optimizer(self._ready()[1], self.settings.schedule, _MORE_STEPS)
        self.optimizer.step()

    def _items(self, docs: Sequence[Doc]) -> list[_Item]:
        reader, _ = self._ready()
        items = []
        for doc, reading in zip(docs, reader(docs), strict=True):
            wanted = targets(doc, reading, self.tags, self.settings.soft_weight)
            # Windows that overlap would compute twice what is learnt once; they begin elsewhere each time instead.
            for window in shifted_windows(reading.pieces.counts, self.settings.window):
                window_input = reader.input(reading, window)
                if random.random() < self.settings.feature_dropout:
                    window_input.features[:, len(SHAPE_FEATURES) :] = 0
                kept = slice(window.keep_start, window.keep_end)
                items.append(_Item(window_input, wanted.shares[kept], wanted.unknown[kept]))
        return items

    def _add_gradients(self, items: Sequence[_Item], drop: float, total: int) -> float:
        _, network = self._ready()
        network.train()
        network.set_dropout(drop)
        device = next(network.parameters()).device
        value = torch.zeros((), device=device)
        for group in group_by_length([len(item.window.ids) for item in items], self.settings.batch_pieces):
            members = [items[i] for i in group]
            shares, unknown = (
                torch.from_numpy(np.concatenate(parts)).to(device)
                for parts in ([item.shares for item in members], [item.unknown for item in members])
            )
            with autocast(device):
                logits = network.score(collate([item.window for item in members], device))
            part = loss(logits, shares, unknown).sum() / total
            part.backward()
            value += part.detach()
        return float(value)

    def _window(self, config: Any) -> int:
        """Return the window, checked against what the encoder can read."""
        limit = getattr(config, "max_position_embeddings", None)
        # Two special tokens, and in the RoBERTa family two positions that are never used.
        if limit and limit > 0 and self.settings.window > limit - 4:
            raise InputError(
                f"{self.name}: window = {self.settings.window}, but {self.settings.encoder} reads {limit} word "
                f"pieces. Set window to {limit - 4} or less."
            )
        return self.settings.window

    def _ready(self) -> tuple[Reader, Tagger]:
        if self.reader is None or self.network is None:
            raise InputError(f"{self.name}: not trained yet. Call initialize, or load a trained pipeline.")
        return self.reader, self.network

    def _to_parts(self) -> dict[str, bytes]:
        reader, network = self._ready()
        model = {"format": FORMAT, "labels": list(self.labels), "encoder": network.classifier.config.to_diff_dict()}
        weights = {key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()}
        return {
            **reader.to_bytes(),
            "model.json": json.dumps(model, sort_keys=True).encode(),
            "weights.safetensors": safetensors.torch.save(weights),
        }

    def _from_parts(self, parts: dict[str, bytes]) -> None:
        model = json.loads(parts.get("model.json", b"{}"))
        if model.get("format") != FORMAT:
            raise InputError(
                f"{self.name}: the data are of format {model.get('format')}, this library reads {FORMAT}. "
                "Train the pipeline anew, or install the clinical-distilled it was trained with."
            )
        self.tags = Tags(model["labels"])
        self.reader = Reader.from_bytes(parts)
        network = Tagger(build_encoder(model["encoder"]), len(self.reader.feature_names))
        network.load_state_dict(safetensors.torch.load(parts["weights.safetensors"]))
        self.network = network.to(get_torch_default_device())
        self.optimizer = None

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:  # noqa: ARG002  spaCy's signature
        """Return the trained component as bytes; equal components give equal bytes."""
        return bytes(srsly.msgpack_dumps(self._to_parts()))

    def from_bytes(self, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> "DistilledNER":  # noqa: ARG002
        """Load what `to_bytes` gave."""
        self._from_parts(srsly.msgpack_loads(bytes_data))
        return self

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:  # noqa: ARG002
        """Write the trained component into a folder."""
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in self._to_parts().items():
            (folder / name).write_bytes(data)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "DistilledNER":  # noqa: ARG002
        """Load what `to_disk` wrote."""
        self._from_parts({file.name: file.read_bytes() for file in Path(path).iterdir() if file.is_file()})
        return self
