"""The network: a Hugging Face token classifier that also sees the features of each token."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedModel

from clinical_distilled.runtime.inputs import Input


class Batch(NamedTuple):
    """Windows side by side.

    Attributes
    ----------
    ids : int64, shape (windows, pieces)
    features : float, shape (windows, pieces, features)
    mask : int64, shape (windows, pieces)
        One where there is a piece, zero where the window is padded.
    rows, columns : int64, shape (kept tokens of all windows)
        Where the first piece of each token stands.
    """

    ids: Tensor
    features: Tensor
    mask: Tensor
    rows: Tensor
    columns: Tensor


class Tagger(nn.Module):
    """Scores each word piece: features are added to the encoder's word embeddings.

    Parameters
    ----------
    classifier
        The encoder with its head.
    n_features
        Features of a piece. Their embeddings start at zero: an untrained feature changes nothing.
    """

    def __init__(self, classifier: PreTrainedModel, n_features: int) -> None:
        super().__init__()
        self.classifier = classifier
        self.features = nn.Linear(n_features, classifier.get_input_embeddings().embedding_dim, bias=False)
        nn.init.zeros_(self.features.weight)

    def forward(self, ids: Tensor, features: Tensor, mask: Tensor) -> Tensor:
        """Return logits, shape (windows, pieces, tags)."""
        embedded = self.classifier.get_input_embeddings()(ids) + self.features(features)
        logits: Tensor = self.classifier(inputs_embeds=embedded, attention_mask=mask).logits
        return logits

    def score(self, batch: Batch) -> Tensor:
        """Return the logits of each kept token, shape (tokens, tags), in full precision."""
        logits: Tensor = self(batch.ids, batch.features, batch.mask)
        return logits[batch.rows, batch.columns].float()

    def set_dropout(self, rate: float) -> None:
        """Set the dropout of all layers."""
        for module in self.modules():
            if isinstance(module, nn.Dropout):
                module.p = rate


def collate(inputs: Sequence[Input], device: torch.device) -> Batch:
    """Put windows side by side, padded to the longest."""
    ids = [torch.from_numpy(item.ids) for item in inputs]
    return Batch(
        pad_sequence(ids, batch_first=True).to(device),
        pad_sequence([torch.from_numpy(item.features) for item in inputs], batch_first=True).to(device),
        pad_sequence([torch.ones_like(row) for row in ids], batch_first=True).to(device),
        torch.cat([torch.full((len(item.first),), row) for row, item in enumerate(inputs)]).to(device),
        torch.cat([torch.from_numpy(item.first) for item in inputs]).to(device),
    )


def group_by_length(lengths: Sequence[int], size: int) -> list[list[int]]:
    """Group windows of like length, so that little is padded.

    Parameters
    ----------
    lengths
        Word pieces of each window.
    size
        The most pieces in a group, padding counted; a longer window is a group of its own.

    Returns
    -------
    list of list of int
        Positions in `lengths`, the longest windows first.
    """
    groups: list[list[int]] = []
    longest = 0
    for position in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        if groups and longest * (len(groups[-1]) + 1) <= size:
            groups[-1].append(position)
        else:
            groups.append([position])
            longest = lengths[position]
    return groups


def autocast(device: torch.device) -> AbstractContextManager[None]:
    """Compute in bfloat16 where the device does it in hardware, in full precision elsewhere."""
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported()
    else:
        fast = bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=fast)
