"""The machine: how much memory, disk and GPU there is, and about how much a training takes."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from thinc import compat

_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")
_BASE_BYTES = 1_200_000_000  # Python with torch and spaCy, and the documents
_COPIES = 4  # weights, gradients, Adam's two moments
# Activations per layer and word piece kept for the backward pass: 34 values of two bytes per hidden unit in half
# precision (Korthikanti et al. 2022, "Reducing Activation Recomputation in Large Transformer Models"), twice in single.
_ACTIVATION_BYTES = 68
_PIECES_PER_TOKEN = 1.5  # clinical words break more often than plain English
_SAVED_MODELS = 5  # model-best, model-last, the exported one and the wheel, with room for writing one anew


@dataclass(frozen=True)
class EncoderSize:
    """What an encoder weighs.

    Attributes
    ----------
    weight_bytes : int
        Size of its weights on disk, taken for single precision.
    layers, hidden : int
        Number of layers and units per layer; 0 where its ``config.json`` does not say.
    """

    weight_bytes: int
    layers: int
    hidden: int


def encoder_size(folder: Path) -> EncoderSize:
    """Read an encoder's size from its folder, without loading it."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    weights = [*folder.glob("*.safetensors")] or [*folder.glob("pytorch_model*.bin")]
    return EncoderSize(
        sum(path.stat().st_size for path in weights),
        int(config.get("num_hidden_layers", config.get("n_layers", 0))),
        int(config.get("hidden_size", config.get("dim", 0))),
    )


def training_memory(encoder: EncoderSize, batch_tokens: int) -> int:
    """Estimate the bytes a training takes whose largest batch has `batch_tokens` tokens."""
    activations = _ACTIVATION_BYTES * encoder.layers * encoder.hidden * batch_tokens * _PIECES_PER_TOKEN
    return int(_BASE_BYTES + _COPIES * encoder.weight_bytes + activations)


def training_disk(encoder: EncoderSize) -> int:
    """Estimate the bytes that the trained models take on disk."""
    return _SAVED_MODELS * encoder.weight_bytes


def free_memory(gpu_id: int = -1) -> int | None:
    """Return the bytes of memory a new program can have, on a GPU or (-1) the machine; None where unknown."""
    if gpu_id >= 0:
        return int(compat.torch.cuda.mem_get_info(gpu_id)[0])
    known = [size for size in (_available(), _left_in_container()) if size is not None]
    return min(known) if known else None


def free_disk(path: Path) -> int:
    """Return the free bytes of the file system a path is, or would be, on."""
    path = path.absolute()
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


def gpu_problem(gpu_id: int) -> str | None:
    """Return why a GPU cannot be used and what to do, or None. -1 is the CPU, which can."""
    if gpu_id < 0:
        return None
    instead = "or use the CPU with --gpu-id -1"
    if not compat.has_torch_cuda_gpu:
        return f"gpu_id {gpu_id}: torch sees no CUDA device. Install torch for your CUDA version, {instead}."
    if not compat.has_cupy_gpu:
        return f"gpu_id {gpu_id}: cupy sees no CUDA device. Install the extra 'gpu' (cupy), {instead}."
    count = compat.torch.cuda.device_count()
    if gpu_id >= count:
        return f"gpu_id {gpu_id}: there are {count} GPUs, numbered from 0. Choose one of them, {instead}."
    return None


def _available() -> int | None:
    if not _MEMINFO.exists():
        return None
    for line in _MEMINFO.read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _left_in_container() -> int | None:
    """Read what a container (cgroup version 2) may still take; the page cache in its account can be given back."""
    try:
        limit = (_CGROUP / "memory.max").read_text().strip()
        used = int((_CGROUP / "memory.current").read_text())
        stat = dict(line.split() for line in (_CGROUP / "memory.stat").read_text().splitlines())
    except OSError:
        return None
    return None if limit == "max" else int(limit) - used + int(stat.get("inactive_file", 0))
