"""What a chat model is asked with: the settings of its config, the key of a request, the body that is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from clinical_distilled.answers.entries import Request, request_for
from clinical_distilled.answers.requests import NotePrompt
from clinical_distilled.files import text_sha256
from clinical_distilled.teachers.chat_client import Message


@dataclass(frozen=True)
class ChatSettings:
    """What is asked, and how hard. The names are those of the config (see `chat_model`)."""

    model: str
    temperature: float | None = 0.0
    seed: int | None = 0
    max_tokens: int = 2048
    max_tokens_name: str = "max_tokens"
    structured: bool = True
    extra: Mapping[str, Any] = field(default_factory=dict)
    max_concurrency: int = 16
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    max_attempts: int = 8

    def request(self, prompt: NotePrompt, *, deidentified: bool = False) -> Request:
        """Return the ledger's request for a prompt: all that decides the answer is in its key."""
        parameters = {"temperature": self.temperature, "seed": self.seed, "max_tokens": self.max_tokens, **self.extra}
        if self.structured and prompt.schema:
            parameters["schema"] = text_sha256(repr(prompt.schema))
        if deidentified:
            parameters["deidentified"] = True
        return request_for(prompt, self.model, parameters)

    def body(self, prompt: NotePrompt, messages: Sequence[Message], max_tokens: int) -> dict[str, Any]:
        """Return the JSON body that is sent."""
        parameters: dict[str, Any] = {"temperature": self.temperature, self.max_tokens_name: max_tokens, **self.extra}
        if self.structured and prompt.schema:
            schema = {"name": "mentions", "strict": True, "schema": prompt.schema}
            parameters["response_format"] = {"type": "json_schema", "json_schema": schema}
        if self.seed is not None:
            parameters["seed"] = self.seed + prompt.sample
        given = {name: value for name, value in parameters.items() if value is not None}
        return {"model": self.model, "messages": list(messages), **given}
