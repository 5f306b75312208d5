"""A chat-completions server on the loopback interface, with real sockets, that misbehaves as told.

``Server`` runs one in a thread; ``python loopback.py --latency 0.5`` runs one in its own process and prints its port.
What a fault is, is decided by the prompt and how often it came, so a run can be repeated.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

FAULTS = ("429", "500", "hang", "reset", "malformed", "empty", "truncated", "half")


@dataclass
class Plan:
    """How a server answers.

    ``answer(prompt)`` is the right answer; ``fault(prompt, nth)`` names one of `FAULTS`, ``"400:code"`` or any
    other status with a code, or ``""``.
    """

    answer: Callable[[str], str] = lambda prompt: "answer " + hashlib.sha256(prompt.encode()).hexdigest()[:12]
    fault: Callable[[str, int], str] = lambda prompt, nth: ""
    latency: Callable[[str], float] = lambda prompt: 0.0
    tokens: Callable[[str], int] = lambda text: max(1, len(text) // 4)
    hold: Callable[[Log, str], bool] = lambda log, prompt: False  # not to be answered yet
    location: str = ""  # answer everything with a redirect to here


def random_faults(seed: int, share: float, most: int = 3) -> Callable[[str, int], str]:
    """Return a fault plan: each of a prompt's first `most` requests fails with probability `share`."""

    def fault(prompt: str, nth: int) -> str:
        dice = random.Random(f"{seed}/{nth}/{prompt}")
        return dice.choice(FAULTS) if nth < most and dice.random() < share else ""

    return fault


@dataclass
class Log:
    """What a server saw."""

    requests: list[dict] = field(default_factory=list)
    headers: list[dict] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)  # prompts whose right answer was sent in full
    seen: Counter = field(default_factory=Counter)
    most_at_once: int = 0
    keep: bool = True


class Server:
    """A loopback server in a thread: ``with Server(Plan()) as server: server.url``."""

    def __init__(self, plan: Plan | None = None) -> None:
        self.plan, self.log = plan or Plan(), Log()
        self.batches: dict[str, dict] = {}
        self.files: dict[str, bytes] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._open = 0

    def __enter__(self) -> Server:
        self._thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self.start(), self._loop).result()
        self.url = f"http://127.0.0.1:{self.port}/v1"
        return self

    def __exit__(self, *exc: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def start(self, port: int = 0) -> int:
        server = await asyncio.start_server(self._serve, "127.0.0.1", port, backlog=1024)
        self._server = server
        return server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *lines = head.decode().split("\r\n")
                method, path, _ = first.split(" ", 2)
                headers = dict(line.lower().split(": ", 1) for line in lines if line)
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                if self.log.keep:
                    self.log.headers.append(headers)
                    self.log.paths.append(f"{method} {path}")
                self._open += 1
                self.log.most_at_once = max(self.log.most_at_once, self._open)
                try:
                    await self._respond(method, path, headers, body, writer)
                finally:
                    self._open -= 1
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _respond(self, method: str, path: str, headers: dict, body: bytes, writer: asyncio.StreamWriter) -> None:
        if self.plan.location:
            _send(writer, 307, b"{}", f"Location: {self.plan.location}\r\n")
        elif path.endswith("/chat/completions"):
            await self._chat(json.loads(body), writer)
        elif path.startswith(("/v1/files", "/v1/batches")):
            status, reply = await self._batch(method, path.split("/v1/", 1)[1], headers, body)
            _send(writer, status, reply)
        else:
            _send(writer, 404, b'{"error": {"code": "not_found"}}')

    async def _chat(self, request: dict, writer: asyncio.StreamWriter) -> None:
        prompt = request["messages"][0]["content"]
        nth = self.log.seen[prompt]
        if self.log.keep:
            self.log.requests.append(request)
            self.log.seen[prompt] += 1
        if latency := self.plan.latency(prompt):
            await asyncio.sleep(latency)
        while self.plan.hold(self.log, prompt):
            await asyncio.sleep(0.01)
        fault = self.plan.fault(prompt, nth)
        if fault == "hang":
            await asyncio.sleep(3600)
        elif fault == "reset":
            writer.transport.abort()
        elif fault == "429":
            _send(writer, 429, b'{"error": {"code": "rate_limit_exceeded"}}', "Retry-After: 0.05\r\n")
        elif fault == "malformed":
            _send(writer, 200, b'{"choices": [{"message": {"con')
        elif fault and fault[0] in "345":
            status, _, code = fault.partition(":")
            error = {"error": {"message": f"about {prompt}", "type": "a_type", "code": code or None}}
            _send(writer, int(status), json.dumps(error).encode())
        else:
            self._complete(fault, request, prompt, writer)

    def _complete(self, fault: str, request: dict, prompt: str, writer: asyncio.StreamWriter) -> None:
        answer = self.plan.answer(prompt)
        reply = self.completion(request, prompt, answer, fault)
        data = json.dumps(reply).encode()
        if fault == "half":
            writer.write(_head(200, len(data)) + data[: len(data) // 2])
            writer.close()
            return
        _send(writer, 200, data)
        if self.log.keep and not fault:
            self.log.answered.append(prompt)

    def completion(self, request: dict, prompt: str, answer: str, fault: str = "") -> dict:
        reason = "stop"
        if fault == "empty":
            answer = ""
        elif fault == "truncated":
            answer, reason = answer[: len(answer) // 2], "length"
        elif fault in {"content_filter", "refusal"}:
            answer, reason = "", "content_filter"
        usage = {"prompt_tokens": self.plan.tokens(prompt), "completion_tokens": self.plan.tokens(answer)}
        usage["total_tokens"] = sum(usage.values())
        choice = {"index": 0, "message": {"role": "assistant", "content": answer}, "finish_reason": reason}
        return {
            "id": "c",
            "object": "chat.completion",
            "created": 0,
            "model": request["model"],
            "choices": [choice],
            "usage": usage,
        }

    async def _batch(self, method: str, path: str, headers: dict, body: bytes) -> tuple[int, bytes]:
        what, _, rest = path.partition("/")
        name = rest.split("/")[0]
        if what == "files" and method == "POST":
            name = f"file-{len(self.files)}"
            self.files[name] = _multipart_file(headers["content-type"], body)
            return 200, json.dumps(_file(name)).encode()
        if what == "files" and method == "DELETE":
            del self.files[name]
            return 200, json.dumps({"id": name, "object": "file", "deleted": True}).encode()
        if what.startswith("batches?"):
            rows = list(self.batches.values())
            return 200, json.dumps({"object": "list", "data": rows, "has_more": False}).encode()
        if what == "files" and rest.endswith("/content"):
            return (200, self.files[name]) if name in self.files else (404, b"{}")
        if what == "batches" and method == "POST":
            name = f"batch-{len(self.batches)}"
            self.batches[name] = _new_batch(name, json.loads(body))
            return 200, json.dumps(self.batches[name]).encode()
        return (200, json.dumps(self.batches[name]).encode()) if name in self.batches else (404, b"{}")

    def finish_batches(self) -> None:
        """Let every batch in progress complete: answers in reverse order, faults as error lines."""
        for batch in self.batches.values():
            if batch["status"] != "in_progress":
                continue
            good, bad = [], []
            for line in reversed(self.files[batch["input_file_id"]].decode().splitlines()):
                item = json.loads(line)
                prompt = item["body"]["messages"][0]["content"]
                self.log.seen[prompt] += 1
                fault = self.plan.fault(prompt, self.log.seen[prompt] - 1)
                if fault and fault[0] in "45":
                    response = {"status_code": int(fault[:3]), "body": {"error": {"code": fault[4:] or None}}}
                    bad.append({"custom_id": item["custom_id"], "response": response, "error": None})
                    continue
                body = self.completion(item["body"], prompt, self.plan.answer(prompt), fault)
                good.append(
                    {"custom_id": item["custom_id"], "response": {"status_code": 200, "body": body}, "error": None}
                )
            for key, rows in (("output_file_id", good), ("error_file_id", bad)):
                if rows:
                    batch[key] = f"file-{len(self.files)}"
                    self.files[batch[key]] = "\n".join(map(json.dumps, rows)).encode()
            batch["status"] = "completed"


def _file(name: str) -> dict:
    return {
        "id": name,
        "object": "file",
        "bytes": 1,
        "created_at": 0,
        "filename": "f",
        "purpose": "batch",
        "status": "processed",
    }


def _new_batch(name: str, request: dict) -> dict:
    return {
        "id": name,
        "object": "batch",
        "endpoint": "/v1/chat/completions",
        "input_file_id": request["input_file_id"],
        "metadata": request.get("metadata"),
        "completion_window": "24h",
        "created_at": 0,
        "status": "in_progress",
    }


def _multipart_file(content_type: str, body: bytes) -> bytes:
    boundary = content_type.split("boundary=", 1)[1].encode()
    for part in body.split(b"--" + boundary):
        head, _, data = part.partition(b"\r\n\r\n")
        if b"filename=" in head:
            return data.removesuffix(b"\r\n")
    raise ValueError("no file in the form")


def _head(status: int, length: int, more: str = "") -> bytes:
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{more}\r\n"
    return head.encode()


def _send(writer: asyncio.StreamWriter, status: int, body: bytes, more: str = "") -> None:
    writer.write(_head(status, len(body), more) + body)


def main() -> None:
    """Serve in this process until killed; the first line printed is the port."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--answer", default="")
    arguments = parser.parse_args()

    async def serve() -> None:
        plan = Plan(latency=lambda prompt: arguments.latency)
        if arguments.answer:
            plan.answer = lambda prompt: arguments.answer
        server = Server(plan)
        server.log.keep = False
        print(await server.start(), flush=True)
        await asyncio.Event().wait()

    asyncio.run(serve())


if __name__ == "__main__":
    main()
