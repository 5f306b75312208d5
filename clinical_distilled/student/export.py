"""Export: a trained `distilled_ner` as one ONNX graph with 8-bit weights, checked against the original."""

import logging
import tempfile
import warnings
from enum import Enum
from math import ceil
from pathlib import Path

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from spacy.vocab import Vocab
from torch import Tensor, nn

from clinical_distilled.errors import InputError
from clinical_distilled.runtime.inputs import Reader
from clinical_distilled.runtime.onnx_ner import OnnxNER
from clinical_distilled.student.component import DistilledNER
from clinical_distilled.student.network import Tagger

_NARROW = 64  # matrices with a side this small (head, features) stay in float32: they cost nothing


class Precision(str, Enum):
    """What of the graph is 8-bit."""

    INT8 = "int8"
    MIXED = "int8, the lowest layers' second feed-forward matrices float32"
    FLOAT = "float32"


class _Graph(nn.Module):
    """The network as the runtime runs it: one window, nothing padded."""

    def __init__(self, network: Tagger) -> None:
        super().__init__()
        self.network = network

    def forward(self, ids: Tensor, features: Tensor) -> Tensor:
        """Return logits, shape (1, pieces, tags)."""
        logits: Tensor = self.network(ids, features, torch.ones_like(ids))
        return logits


def to_onnx(component: DistilledNER, vocab: Vocab, precision: Precision) -> OnnxNER:
    """Return the component that runs a trained one without torch.

    Weights are rounded to 8 bits, each column of a matrix on its own scale; activations when they are computed.

    Raises
    ------
    InputError
        If the component is not trained.
    """
    if component.network is None or component.reader is None:
        raise InputError(f"{component.name}: not trained, so there is nothing to export.")
    with tempfile.TemporaryDirectory() as folder:
        graph, rounded = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        _export(component.network, component.reader, graph)
        model = onnx.load(graph)
        if precision is not Precision.FLOAT:
            quantize_dynamic(
                graph,
                rounded,
                op_types_to_quantize=["MatMul", "Gather"],
                nodes_to_exclude=_exact_nodes(model, precision),
                weight_type=QuantType.QInt8,
                per_channel=True,
            )
            model = onnx.load(rounded)
    ready = OnnxNER(vocab)
    ready.load(_without_traces(model).SerializeToString(deterministic=True), component.reader, component.labels)
    return ready


def _exact_nodes(model: onnx.ModelProto, precision: Precision) -> list[str]:
    """Return the names of the matrix products that stay in float32."""
    shapes = {weight.name: tuple(weight.dims) for weight in model.graph.initializer}
    narrow, contracting = [], []
    for node in model.graph.node:
        shape = next((shapes[name] for name in node.input if len(shapes.get(name, ())) == 2), None)
        if node.op_type != "MatMul" or shape is None:
            continue
        if min(shape) <= _NARROW:
            narrow.append(node.name)
        elif shape[0] > shape[1]:
            contracting.append(node.name)
    # What the lowest layers' activation functions put out has outliers that spoil the common scale of 8 bits: keeping
    # the matrices that read it in a third of the layers undoes nearly as much of the loss as keeping all of them.
    return narrow + (contracting[: ceil(len(contracting) / 3)] if precision is Precision.MIXED else [])


def _without_traces(model: onnx.ModelProto) -> onnx.ModelProto:
    """Remove what the exporter notes about the machine: source files and stack traces."""
    parts = [model, model.graph, *model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output]
    for part in [*parts, *model.graph.initializer, *model.functions]:
        del part.metadata_props[:]
        part.ClearField("doc_string")
    return model


def _export(network: Tagger, reader: Reader, path: Path) -> None:
    wordpieces = reader.wordpieces
    longest = reader.settings.window + len(wordpieces.prefix) + len(wordpieces.suffix)
    pieces = torch.export.Dim("pieces", min=2, max=longest)
    device = next(network.parameters()).device
    # The exporter reports on libraries it could use if they were there, and on the names of its own axes.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Graph(network.cpu()).eval(),
            (torch.zeros(1, 16, dtype=torch.int64), torch.zeros(1, 16, len(reader.feature_names))),
            path,
            input_names=["ids", "features"],
            output_names=["logits"],
            dynamic_shapes={"ids": {1: pieces}, "features": {1: pieces}},
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    network.to(device)
