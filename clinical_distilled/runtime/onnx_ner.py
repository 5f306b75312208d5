"""`onnx_ner`: a trained student as one ONNX graph, run on the CPU without torch."""

import json
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import srsly
from spacy.language import Language
from spacy.pipeline import Pipe
from spacy.scorer import get_ner_prf
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import minibatch
from spacy.vocab import Vocab

from .entities import set_entities
from .inputs import Input, Reader, Reading
from .registration import factory
from .tags import Scores, Tags

FORMAT = 1  # of the files `to_disk` writes


class OnnxNER(Pipe):
    """Finds entities with an ONNX graph.

    Every window of a document is a run of its own. With activations quantised at run time, windows computed
    together would change each other's rounding; alone, a document
    gives the same entities in whatever company it comes. Windows run side by side on `threads` threads.

    Parameters
    ----------
    vocab
        Of the pipeline.
    name
        Of the component in the pipeline.
    threads
        Windows computed at once; 0 for one on each core, and one in each process of ``nlp.pipe(n_process=...)``.
    """

    def __init__(self, vocab: Vocab, name: str = "onnx_ner", threads: int = 0) -> None:
        if threads < 0:
            raise ValueError(f"{name}: threads must be 0 (one on each core) or more, not {threads}")
        self.vocab = vocab
        self.name = name
        self.threads = threads
        self.tags = Tags(())
        self.reader: Reader | None = None
        self._graph = b""
        self._session: onnxruntime.InferenceSession | None = None
        self._pool: tuple[int, ThreadPoolExecutor] | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """Entity labels, sorted."""
        return self.tags.labels

    def load(self, graph: bytes, reader: Reader, labels: Iterable[str]) -> None:
        """Set what the component runs.

        Parameters
        ----------
        graph
            An ONNX model: ``ids`` (int64, 1 x pieces) and ``features`` (float32, 1 x pieces x features) in,
            logits (float32, 1 x pieces x tags) out.
        reader
            Makes its inputs.
        labels
            Of its tags, in their order.
        """
        options = onnxruntime.SessionOptions()
        # Threads are ours: one session that makes none of its own is safe to fork and to share.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._graph = graph
        self.reader = reader
        self.tags = Tags(tuple(labels))

    def __call__(self, doc: Doc) -> Doc:
        """Add the entities of one document."""
        for done in self.pipe([doc]):
            return done
        return doc

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 64) -> Iterator[Doc]:
        """Add the entities of many documents; `batch_size` are read at once."""
        handle_error = self.get_error_handler()
        for docs in minibatch(stream, size=batch_size):
            try:
                for doc, (reading, scores) in zip(docs, self.predict(docs), strict=True):
                    set_entities(doc, reading, scores, self.tags)
            except Exception as error:  # noqa: PERF203  what to do about a batch is the pipeline's choice
                handle_error(self.name, self, docs, error)
            else:
                yield from docs

    def predict(self, docs: Iterable[Doc]) -> list[tuple[Reading, Scores]]:
        """Return how each document was read, and the logits of its read tokens, shape (read tokens, tags)."""
        if self.reader is None:
            raise ValueError(f"{self.name}: no model. Load a pipeline that has one.")
        reader = self.reader
        readings = reader(list(docs))
        scores = [np.empty((len(reading.pieces.tokens), len(self.tags)), dtype=np.float32) for reading in readings]
        work = [(index, window) for index, reading in enumerate(readings) for window in reading.windows]
        # Long windows first, so that all threads end at about the same time.
        work.sort(key=lambda item: item[1].start - item[1].end)
        found = self._map(self._score, (reader.input(readings[index], window) for index, window in work))
        for (index, window), part in zip(work, found, strict=True):
            scores[index][window.keep_start : window.keep_end] = part
        return list(zip(readings, scores, strict=True))

    def _score(self, item: Input) -> Scores:
        assert self._session is not None
        (logits,) = self._session.run(None, {"ids": item.ids[None], "features": item.features[None]})
        scores: Scores = logits[0, item.first]
        return scores

    def _map(self, function: Callable[[Input], Scores], items: Iterable[Input]) -> Iterable[Scores]:
        in_child = multiprocessing.parent_process() is not None
        threads = self.threads or (1 if in_child else len(os.sched_getaffinity(0)))
        if threads == 1:
            return map(function, items)
        # A forked process inherits the object, but not its threads.
        if self._pool is None or self._pool[0] != os.getpid():
            self._pool = os.getpid(), ThreadPoolExecutor(threads, thread_name_prefix=self.name)
        return self._pool[1].map(function, items)

    def score(self, examples: Iterable[Example], **_: Any) -> dict[str, Any]:
        """Return strict precision, recall and F1 as spaCy's own ``ner`` does."""
        scores: dict[str, Any] = get_ner_prf(examples)
        return scores

    def _to_parts(self) -> dict[str, bytes]:
        if self.reader is None:
            raise ValueError(f"{self.name}: no model to save.")
        model = {"format": FORMAT, "labels": list(self.labels)}
        return {"model.json": json.dumps(model).encode(), "model.onnx": self._graph, **self.reader.to_bytes()}

    def _from_parts(self, parts: dict[str, bytes]) -> None:
        model = json.loads(parts.get("model.json", b"{}"))
        found = model.get("format")
        if found != FORMAT:
            what = (
                "install a newer version of the package"
                if isinstance(found, int) and found > FORMAT
                else "build it anew"
            )
            raise ValueError(f"{self.name}: the model is of format {found}, this code reads format {FORMAT}; {what}.")
        self.load(parts["model.onnx"], Reader.from_bytes(parts), model["labels"])

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:  # noqa: ARG002  spaCy's signature
        """Return the model as bytes; equal models give equal bytes."""
        return bytes(srsly.msgpack_dumps(self._to_parts()))

    def from_bytes(self, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> "OnnxNER":  # noqa: ARG002
        """Load what `to_bytes` gave.

        Raises
        ------
        ValueError
            If the bytes are of another format.
        """
        self._from_parts(srsly.msgpack_loads(bytes_data))
        return self

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:  # noqa: ARG002
        """Write the model into a folder."""
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in self._to_parts().items():
            (folder / name).write_bytes(data)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "OnnxNER":  # noqa: ARG002
        """Load what `to_disk` wrote.

        Raises
        ------
        ValueError
            If the files are of another format.
        """
        self._from_parts({file.name: file.read_bytes() for file in Path(path).iterdir() if file.is_file()})
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to the processes of ``nlp.pipe(n_process=...)`` where they are spawned, not forked."""
        return _rebuild, (self.vocab, self.name, self.threads, self.to_bytes())


def _rebuild(vocab: Vocab, name: str, threads: int, data: bytes) -> OnnxNER:
    return OnnxNER(vocab, name, threads).from_bytes(data)


@factory(
    "onnx_ner",
    assigns=["doc.ents", "token.ent_iob", "token.ent_type"],
    default_config={"threads": 0},
    default_score_weights={"ents_f": 1.0, "ents_p": 0.0, "ents_r": 0.0, "ents_per_type": None},
)
def make_onnx_ner(nlp: Language, name: str, threads: int) -> OnnxNER:
    """Make a recogniser that runs a trained student; see `OnnxNER`."""
    return OnnxNER(nlp.vocab, name, threads)
