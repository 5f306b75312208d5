"""Full-size figures of the terminology index: a SNOMED CT release of a million descriptions, generated.

Compile it, load it, match notes against it; prints seconds of wall clock and processor, and the peak of memory.
"""

import json
import random
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import spacy
import typer
from wasabi import msg

from clinical_distilled import console
from clinical_distilled.files import read_jsonl
from clinical_distilled.runtime.matcher import TermMatcher
from clinical_distilled.terminology.index import Source, build_index
from clinical_distilled.terminology.sources import read_terms

DISEASE, IS_A, FULLY_SPECIFIED, SYNONYM = "64572001", "116680003", "900000000000003001", "900000000000013009"
_BEFORE = ("acute", "chronic", "recurrent", "severe", "mild", "congenital", "bilateral", "left", "right", "primary")
_AFTER = ("finger", "wrist", "elbow", "shoulder", "hip", "knee", "ankle", "foot", "neck", "back", "chest", "abdomen")
_HOW = ("due to infection", "with complication", "in remission", "without complication", "due to trauma", "type 2")


def main(
    terms: Annotated[Path, typer.Option(help="Term files whose names are varied.")] = Path("assets/terms"),
    notes: Annotated[Path, typer.Option(help="Notes to match, JSONL.")] = Path("assets/notes/train.jsonl"),
    descriptions: Annotated[int, typer.Option(help="How many to generate.")] = 1_000_000,
    seed: int = 0,
) -> None:
    """Generate, compile, load, match."""
    figures: dict[str, float] = {"descriptions": descriptions}
    with TemporaryDirectory() as temporary:
        release, index = Path(temporary) / "release", Path(temporary) / "index.terms"
        generate(release, [term.name for term in read_terms(terms)], descriptions, random.Random(seed))
        with _timed("compile", figures):
            built = build_index([Source(terms), Source(release)])
        built.save(index)
        figures["names"] = len(built.matcher)
        figures["index_mib"] = index.stat().st_size / 2**20
        with _timed("load", figures):
            matcher = TermMatcher.from_bytes(index.read_bytes())
    texts = [row["text"] for _, row in read_jsonl(notes)][:1000]
    words = sum(len(text.split()) for text in texts)
    docs = list(spacy.blank("en").pipe(texts))
    with _timed("match", figures):
        figures["matches"] = sum(len(matcher(doc)) for doc in docs)
    figures["words_per_second"] = words / figures["match_cpu_s"]
    figures["peak_gib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    msg.table([(name, f"{value:,.2f}") for name, value in figures.items()], aligns="lr")
    msg.text(json.dumps(figures))


def generate(folder: Path, names: list[str], descriptions: int, chance: random.Random) -> None:
    """Write a snapshot in release format 2: three descriptions to a concept, all under "disease"."""
    folder.mkdir()
    concepts = [str(10_000_000_000 + number) for number in range(descriptions // 3 + 1)]
    with (folder / "sct2_Concept_Snapshot_X.txt").open("w") as file:
        file.write("id\teffectiveTime\tactive\tmoduleId\tdefinitionStatusId\n")
        file.writelines(f"{concept}\t20260101\t1\t1\t1\n" for concept in (DISEASE, *concepts))
    with (folder / "sct2_Relationship_Snapshot_X.txt").open("w") as file:
        file.write(
            "id\teffectiveTime\tactive\tmoduleId\tsourceId\tdestinationId\trelationshipGroup\ttypeId"
            "\tcharacteristicTypeId\tmodifierId\n"
        )
        file.writelines(f"{c}1\t20260101\t1\t1\t{c}\t{DISEASE}\t0\t{IS_A}\t1\t1\n" for c in concepts)
    with (folder / "sct2_Description_Snapshot_X.txt").open("w") as file:
        file.write("id\teffectiveTime\tactive\tmoduleId\tconceptId\tlanguageCode\ttypeId\tterm\tcaseSignificanceId\n")
        for number in range(descriptions):
            name = f"{chance.choice(_BEFORE)} {chance.choice(names)} of {chance.choice(_AFTER)} {chance.choice(_HOW)}"
            kind, term = (FULLY_SPECIFIED, f"{name} (disorder)") if number % 3 == 0 else (SYNONYM, name)
            file.write(f"{number}\t20260101\t1\t1\t{concepts[number // 3]}\ten\t{kind}\t{term}\t1\n")


@contextmanager
def _timed(name: str, figures: dict[str, float]) -> Iterator[None]:
    wall, processor = time.perf_counter(), time.process_time()
    yield
    figures[f"{name}_s"] = time.perf_counter() - wall
    figures[f"{name}_cpu_s"] = time.process_time() - processor


if __name__ == "__main__":
    console.run(main)
