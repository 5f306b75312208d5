"""Preflight: finds, before `spacy train`, why a training would fail, hang or learn nothing, and says what to change."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spacy import registry, util
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from thinc.api import Config

from clinical_distilled.corpora.docs import doc_id, read_docs
from clinical_distilled.errors import InputError
from clinical_distilled.student.encoders import encoder_folder
from clinical_distilled.student.resources import (
    encoder_size,
    free_disk,
    free_memory,
    gpu_problem,
    training_disk,
    training_memory,
)

_SHOWN = 3  # documents named in a message


@dataclass
class Report:
    """What was looked at, and what is wrong with it.

    Attributes
    ----------
    facts : dict
        Counts and sizes, as JSON values.
    problems : list of str
        Each says what is wrong and what to change.
    warnings : list of str
        The training can work, but look at these.
    """

    facts: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def check_training(
    config_path: Path,
    corpus: Path,
    labels: Collection[str],
    *,
    encoder: str | None = None,
    epochs: int | None = None,
    gpu_id: int = -1,
) -> Report:
    """Check a student config against the corpus it would learn from and the machine it would run on.

    Parameters
    ----------
    config_path : Path
        A config for `spacy train` with ``[paths] train, dev``.
    corpus : Path
        The folder of ``train.spacy`` and ``dev.spacy``.
    labels : collection of str
        What the student is to learn: each must occur, and no other may.
    encoder : str, optional
        Takes the place of the config's encoder. A name on a model hub is fetched here, not half way on.
    epochs : int, optional
        Overrides ``training.max_epochs``.
    gpu_id : int
        The GPU, or -1 for the CPU.

    Returns
    -------
    Report
        All problems found, not only the first.

    Raises
    ------
    InputError
        If the config or a corpus file cannot be read at all.
    """
    paths = {split: corpus / f"{split}.spacy" for split in ("train", "dev")}
    overrides: dict[str, Any] = {f"paths.{split}": str(path) for split, path in paths.items()}
    if epochs is not None:
        overrides["training.max_epochs"] = epochs
    if encoder is not None:
        overrides[_encoder_key(_load(config_path, overrides)) or "vars.encoder"] = encoder
    config = _load(config_path, overrides)
    report = Report()
    nlp = util.load_model_from_config(Config({"nlp": {**config["nlp"], "pipeline": []}}), auto_fill=True)
    _check_components(config, nlp, report)
    examples = {
        split: _examples(config, split, nlp, read_docs(path, nlp.vocab), report) for split, path in paths.items()
    }
    for split, found in examples.items():
        _check_mentions(split, found, labels, report)
    batch_tokens = _check_batches(config, examples["train"], report)
    _check_machine(config, gpu_id, batch_tokens, report)
    return report


def _load(path: Path, overrides: dict[str, Any]) -> Config:
    if not path.exists():
        raise InputError(f"{path}: no such file. Student configs are in configs/student/.")
    try:
        given = util.load_config(path, overrides=overrides, interpolate=False)
        # As `spacy train` does: what the config leaves out has spaCy's defaults, discard_oversize = true among them.
        return Config(Language.default_config).merge(given).interpolate()
    except ValueError as error:  # what confection and configparser raise, ConfigValidationError among them
        raise InputError(f"{path}: not a config for spacy train: {str(error).strip()}") from None


def _encoder_key(config: Config) -> str | None:
    """Return where a config names its encoder: ``[vars]``, a component's ``encoder``, or a transformer's model."""
    if "encoder" in config.get("vars", {}):
        return "vars.encoder"
    for name, block in config["components"].items():
        if "encoder" in block:
            return f"components.{name}.encoder"
        if "name" in block.get("model", {}):
            return f"components.{name}.model.name"
    return None


def _encoder_name(config: Config) -> str | None:
    key = _encoder_key(config)
    if key is None:
        return None
    block: Any = config
    for part in key.split("."):
        block = block[part]
    return str(block)


def _check_components(config: Config, nlp: Language, report: Report) -> None:
    for name in config["nlp"]["pipeline"]:
        factory = config["components"].get(name, {}).get("factory", name)
        if "source" not in config["components"].get(name, {}) and not nlp.has_factory(factory):
            report.problems.append(
                f"component {name}: no factory {factory!r} is installed. Install the extra that brings it "
                "('trf' for transformer), or use another student config."
            )
    training = config["training"]
    if not (training["max_epochs"] or training["max_steps"] or training["patience"]):
        report.problems.append(
            "The training would never end: set training.max_epochs, training.max_steps or training.patience."
        )


def _examples(config: Config, split: str, nlp: Language, docs: list[Doc], report: Report) -> list[Example]:
    """Read a split through the config's own corpus reader, as `spacy train` will."""
    section, _, name = config["training"][f"{split}_corpus"].partition(".")
    try:
        reader = registry.resolve({"reader": config[section][name]})["reader"]
    except (ValueError, KeyError) as error:  # unknown names and wrong settings are ValueErrors here
        raise InputError(f"[{section}.{name}] of the config cannot be used: {error}") from None
    examples = list(reader(nlp))
    given, read = sum(map(len, docs)), sum(len(example.reference) for example in examples)
    if not given:
        report.problems.append(f"{split}: no documents. Look at what the combine step kept.")
    elif read < given:
        report.problems.append(
            f"{split}: the corpus reader leaves out {given - read} of {given} tokens, in notes of up to "
            f"{max(map(len, docs))}. Set {section}.{name}.max_length and .limit to 0; the student windows long notes."
        )
    report.facts[split] = {"notes": len(docs), "tokens": given, "longest_note_tokens": max(map(len, docs), default=0)}
    return examples


def _check_mentions(split: str, examples: list[Example], labels: Collection[str], report: Report) -> None:
    counts = Counter(span.label_ for example in examples for span in example.reference.ents)
    report.facts.setdefault(split, {})["mentions"] = dict(sorted(counts.items()))
    unknown = sorted(set(counts) - set(labels))
    if unknown:
        report.problems.append(f"{split}: mentions of {', '.join(unknown)}, none of the labels. Add it to labels.")
    missing = [label for label in labels if not counts[label]]
    if missing:
        message = f"{split}: no mention of {', '.join(missing)}. Add notes or teachers that have it, or change labels."
        # Without any mention in dev every checkpoint scores 0, and the first would be kept.
        (report.problems if split == "train" or len(missing) == len(labels) else report.warnings).append(message)
    _check_spans(split, examples, report)


def _check_spans(split: str, examples: list[Example], report: Report) -> None:
    spans = [(example, span) for example in examples for span in example.reference.ents]
    blank = [span for _, span in spans if span[0].is_space or span[-1].is_space]
    if blank:
        report.problems.append(
            f"{split}: {len(blank)} mentions begin or end with white space, which spaCy cannot learn "
            f"({_where(blank)}). Trim them in the teacher."
        )
    crossing = [span for example, span in spans if example.predicted.char_span(span.start_char, span.end_char) is None]
    if crossing:
        report.problems.append(
            f"{split}: {len(crossing)} mentions do not fit the tokens of the config's language ({_where(crossing)}). "
            "Use the same lang in the project and in the student config."
        )


def _where(spans: list[Span]) -> str:
    ids = sorted({doc_id(span.doc) for span in spans})
    more = f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else ""
    return f"documents {', '.join(ids[:_SHOWN])}{more}"


def _check_batches(config: Config, examples: list[Example], report: Report) -> int:
    """Batch the notes as `spacy train` will; return the tokens of the largest batch."""
    training = config["training"]
    batcher = registry.resolve({"batcher": training["batcher"]})["batcher"]
    alone = [example for example in examples if not list(batcher([example]))]
    batches = list(batcher(examples))
    dropped = max(len(alone), len(examples) - sum(map(len, batches)))
    if dropped:
        report.problems.append(
            f"The batcher drops {dropped} of {len(examples)} notes, the longest of {max(map(len, examples))} tokens; "
            "spacy train hangs for ever when it drops all. Set training.batcher.discard_oversize to false."
        )
    steps = len(batches) * training["max_epochs"]
    steps = min((limit for limit in (steps, training["max_steps"]) if limit > 0), default=0)
    every = registry.resolve({"every": {"_": training["eval_frequency"]}})["every"]["_"]
    if 0 < steps <= every:
        report.problems.append(
            f"The training makes about {steps} steps and is scored every {every}: the untrained "
            f"model of step 0 would be kept. Set training.eval_frequency to {max(1, steps // 4)} or less."
        )
    largest = max((sum(len(example.reference) for example in batch) for batch in batches), default=0)
    report.facts["batches"] = {"per_epoch": len(batches), "largest_tokens": largest}
    return largest


def _check_machine(config: Config, gpu_id: int, batch_tokens: int, report: Report) -> None:
    problem = gpu_problem(gpu_id)
    if problem:
        report.problems.append(problem)
    name = _encoder_name(config)
    if name is None:
        report.warnings.append("The config names no encoder, so memory and disk were not checked.")
        return
    try:
        size = encoder_size(encoder_folder(name))
    except InputError as error:
        report.problems.append(str(error))
        return
    needs = {"memory": training_memory(size, batch_tokens), "disk": training_disk(size)}
    free = {"memory": None if problem else free_memory(gpu_id), "disk": free_disk(Path("training"))}
    report.facts["encoder"] = {"name": name, "weight_bytes": size.weight_bytes}
    report.facts["machine"] = {"needs_bytes": needs, "free_bytes": free}
    advice = {
        "memory": "Close other programs, lower training.batcher.size, or take a smaller encoder.",
        "disk": "Delete old runs in training/, or take a smaller encoder.",
    }
    for what, needed in needs.items():
        there = free[what]
        if there is not None and there < needed:
            report.problems.append(
                f"Too little {what}: the training takes about {needed / 1e9:.1f} GB, {there / 1e9:.1f} GB are free. "
                f"{advice[what]}"
            )
