"""The optimizer: AdamW with a learning rate for each depth of the network, warmed up and brought down to zero."""

import re
from dataclasses import dataclass

import torch
from torch import nn

_LAYER = re.compile(r"\.layers?\.(\d+)\.")


@dataclass(frozen=True)
class Schedule:
    """Learning rates.

    Attributes
    ----------
    learn_rate : float
        Of the encoder's top layer, at its highest.
    head_learn_rate : float
        Of the new parts: the head and the features' embeddings.
    layer_decay : float
        A layer learns this much slower than the one above it; 1 for all alike.
    warmup : float
        Share of the steps in which the rate rises from zero; it falls to zero in a line after that.
    weight_decay : float
        Of AdamW, on matrices only.
    """

    learn_rate: float
    head_learn_rate: float
    layer_decay: float
    warmup: float
    weight_decay: float


class Optimizer:
    """Steps a network's weights.

    Parameters
    ----------
    network
        A `Tagger`; ``features`` and the classifier's head are the new parts.
    schedule
        Learning rates.
    steps
        Steps until the rate is zero.
    """

    def __init__(self, network: nn.Module, schedule: Schedule, steps: int) -> None:
        self._parameters = [p for p in network.parameters() if p.requires_grad]
        # One kernel for all weights of a group: several times faster than a loop over them.
        self._adamw = torch.optim.AdamW(_groups(network, schedule), fused=True)
        warm = max(1, round(schedule.warmup * steps))

        def rate(step: int) -> float:
            return min((step + 1) / warm, max(0.0, (steps - step) / max(1, steps - warm)))

        self._rate = torch.optim.lr_scheduler.LambdaLR(self._adamw, rate)

    def step(self) -> None:
        """Apply the gradients, clipped to norm 1, and forget them."""
        nn.utils.clip_grad_norm_(self._parameters, 1.0)
        self._adamw.step()
        self._rate.step()
        self._adamw.zero_grad()


def _groups(network: nn.Module, schedule: Schedule) -> list[dict[str, object]]:
    named = [(name, parameter) for name, parameter in network.named_parameters() if parameter.requires_grad]
    layers = [int(found[1]) for name, _ in named if (found := _LAYER.search(name))]
    depth = max(layers, default=-1) + 1
    rates: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in named:
        found = _LAYER.search(name)
        if found:
            rate = schedule.learn_rate * schedule.layer_decay ** (depth - 1 - int(found[1]))
        elif "embedding" in name:
            rate = schedule.learn_rate * schedule.layer_decay**depth
        elif name.startswith(("features.", "classifier.classifier", "classifier.score", "classifier.head")):
            rate = schedule.head_learn_rate
        else:
            rate = schedule.learn_rate
        decay = schedule.weight_decay if parameter.dim() > 1 else 0.0
        rates.setdefault((rate, decay), []).append(parameter)
    return [{"params": members, "lr": rate, "weight_decay": decay} for (rate, decay), members in rates.items()]
