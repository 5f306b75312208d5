"""How fast a chat teacher is against a server that takes half a second, beside spacy-llm's own OpenAI model.

    python benchmarks/teacher_throughput.py [--notes 2000] [--memory-notes 50000] [--theirs 50]

A server on the loopback interface answers every request after 0.5 s. Measured: wall time against the ideal (notes /
concurrency * latency), this process's own CPU time per note, and its peak memory for 2,000 and for 50,000 notes (at a
latency of 0.02 s, so that it ends today). spacy-llm's model asks one request after another, so it gets few notes.
"""

import argparse
import multiprocessing
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spacy_llm.models.rest.openai.model import OpenAI

from clinical_distilled.answers.ledger import Ledger
from clinical_distilled.answers.requests import NotePrompt
from clinical_distilled.files import text_sha256
from clinical_distilled.teachers.chat_model import make_chat_model

SERVER = Path(__file__).resolve().parents[1] / "tests" / "loopback.py"
LATENCY = 0.5
CONCURRENCY = 64
NOTE = "Seen for cough and fever, on amoxicillin. " * 60  # about 400 words with the prompt around it
ANSWER = "1. cough | True | SYMPTOM | complaint\n" * 30


@contextmanager
def server(latency: float) -> Iterator[str]:
    """Run the loopback server in a process of its own and give its address."""
    command = [sys.executable, str(SERVER), "--latency", str(latency), "--answer", ANSWER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
        finally:
            process.kill()


def prompts(count: int) -> Iterator[NotePrompt]:
    """Yield a prompt for each of `count` notes."""
    for number in range(count):
        text = f"{number}. {NOTE}"
        yield NotePrompt.make(text, doc_id=str(number), note_sha256=text_sha256(text))


def ours(count: int, latency: float) -> tuple[float, float, float]:
    """Ask for `count` notes; return seconds, CPU seconds, and peak memory in MB."""
    with server(latency) as url, tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder) / "ledger.sqlite")
        model = make_chat_model(base_url=url, model="m", ledger=ledger, max_concurrency=CONCURRENCY)
        model.prefetch(prompts(1))
        wall, cpu = time.perf_counter(), time.process_time()
        model.prefetch(prompts(count))
        for answers in model([prompt] for prompt in prompts(count)):  # as the pipeline does, in order
            assert next(iter(answers)).startswith("1. cough")
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        model.close()
    return wall, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def theirs(count: int) -> float:
    """Ask spacy-llm's own model for `count` notes; return seconds."""
    # Its construction calls the vendor to verify the key: left out, or it could not start here at all.
    OpenAI._verify_auth = lambda _: None
    with server(LATENCY) as url:
        model = OpenAI("gpt-4o", f"{url}/chat/completions", {}, True, 5, 1.0, 30, None)
        started = time.perf_counter()
        list(model([prompt] for prompt in prompts(count)))
        return time.perf_counter() - started


def alone(count: int, latency: float) -> tuple[float, float, float]:
    """Run `ours` in a fresh process, so that its peak memory is its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(ours, (count, latency))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--notes", type=int, default=2000)
    parser.add_argument("--memory-notes", type=int, default=50_000)
    parser.add_argument("--theirs", type=int, default=50)
    arguments = parser.parse_args()
    notes, many = arguments.notes, arguments.memory_notes
    wall, cpu, _ = alone(notes, LATENCY)
    ideal = notes / CONCURRENCY * LATENCY
    print(f"ours:       {notes} notes in {wall:.1f} s = {wall / ideal:.2f} x the ideal {ideal:.1f} s")
    print(f"own CPU:    {1000 * cpu / notes:.2f} ms a note")
    seconds = theirs(arguments.theirs)
    each, own = seconds / arguments.theirs, wall / notes
    print(f"spacy-llm:  {arguments.theirs} notes in {seconds:.1f} s, {each / own:.0f} times as long a note")
    few, large = (alone(count, 0.02)[2] for count in (notes, many))
    print(f"memory:     {few:.0f} MB at the peak for {notes} notes, {large:.0f} MB for {many}")


if __name__ == "__main__":
    main()
