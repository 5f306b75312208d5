"""One request to a chat-completions server: what came back, or which kind of error it was.

The `openai` client does the talking, without its own retries (`retry` has them, with the ledger's count of attempts),
redirects or proxy variables (`guard`).
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import time
from typing import Any

import anyio
import certifi
import httpx2
import openai

from clinical_distilled.errors import InputError
from clinical_distilled.teachers.guard import Destination, host_of

Message = Mapping[str, str]
_NAME = re.compile(r"[\w.\- ]{1,60}")
_PASSING = {408, 409, 425, 429}
_FINAL = {400, 413, 422}
_STOPPING = {"insufficient_quota", "billing_hard_limit_reached"}  # 429 that waiting does not cure


class AskError(Exception):
    """A request without an answer; the text says why in a few words, never with words of the prompt."""


class PassingError(AskError):
    """May go well if tried again; `wait` is how many seconds the server asked for."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


class RefusedError(AskError):
    """Will not go well now (no access, no credit): worth asking again in a later run."""


class FinalError(AskError):
    """Will never go well for this prompt: too long, blocked by a filter, malformed."""


@dataclass(frozen=True)
class Completion:
    """A server's answer and the tokens it counted (0 where it did not)."""

    text: str
    finish_reason: str
    tokens_in: int = 0
    tokens_out: int = 0
    tokens_cached: int = 0


class ChatClient:
    """A connection pool to one server.

    Parameters
    ----------
    destination
        The server, already checked.
    api_key_env
        The environment variable that holds the key; read here, never stored. None: no key.
    connections
        How many requests may be under way.
    timeout
        Seconds until a request counts as lost, however much of an answer has trickled in.

    Raises
    ------
    InputError
        If the environment variable is not set.
    """

    def __init__(self, destination: Destination, api_key_env: str | None, connections: int, timeout: float) -> None:
        self._timeout = timeout
        self._host = host_of(destination.base_url)
        limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections)
        http = openai.DefaultAioHttpClient(  # half the CPU time of the default
            trust_env=False,
            follow_redirects=False,
            proxy=destination.proxy,
            verify=_certificates() if "https:" in f"{destination.base_url} {destination.proxy}" else False,
            timeout=httpx2.Timeout(timeout, connect=min(timeout, 30.0)),
            limits=limits,
        )
        self.openai = openai.AsyncOpenAI(
            api_key=_key(api_key_env), base_url=destination.base_url, max_retries=0, http_client=http
        )
        # The client takes these from the environment; they are the account's, not this server's business.
        self.openai.organization = self.openai.project = None

    async def complete(self, body: Mapping[str, Any]) -> Completion:
        """Send one request.

        Parameters
        ----------
        body
            The JSON body of ``/chat/completions``.

        Raises
        ------
        AskError
            `PassingError`, `RefusedError` or `FinalError`.
        InputError
            If the server redirects elsewhere.
        """
        try:
            with anyio.fail_after(self._timeout):
                response = await self.openai.post("/chat/completions", cast_to=httpx2.Response, body=body)
                reply = response.json()
        except (TimeoutError, openai.APITimeoutError):
            raise PassingError("timeout") from None
        except openai.APIStatusError as error:
            raise self._classify(error) from None
        except openai.APIConnectionError:
            raise PassingError("connection lost") from None
        except (ValueError, openai.APIResponseValidationError):
            raise PassingError("malformed reply") from None
        return read_completion(reply)

    async def close(self) -> None:
        """Close the connections."""
        await self.openai.close()

    def _classify(self, error: openai.APIStatusError) -> Exception:
        status = error.status_code
        if 300 <= status < 400:
            return InputError(
                f"{self._host} redirects to another address, and notes only go where the config says. "
                "Set base_url to the address it serves under."
            )
        return error_of(status, error.body, _retry_after(error.response.headers))


def error_of(status: int, body: object, wait: float = 0.0) -> AskError:
    """Return the kind of error an HTTP status and the body of an error reply stand for."""
    name = _name(body)
    reason = f"HTTP {status} {name}".strip()
    if status in _PASSING or status >= 500:
        return RefusedError(reason) if name in _STOPPING else PassingError(reason, wait)
    return FinalError(reason) if status in _FINAL else RefusedError(reason)


def read_completion(reply: Any) -> Completion:
    """Read the body of a reply.

    Raises
    ------
    PassingError
        If it is not a chat completion.
    FinalError
        If the model or a filter refused.
    """
    try:
        choice = reply["choices"][0]
        message, reason = choice["message"], str(choice.get("finish_reason") or "")
        text = message.get("content") or ""
        usage = reply.get("usage") or {}
        cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
        tokens_in, tokens_out = (int(usage.get(name) or 0) for name in ("prompt_tokens", "completion_tokens"))
    except (KeyError, IndexError, TypeError, AttributeError, ValueError):
        raise PassingError("malformed reply") from None
    if not isinstance(text, str):
        raise PassingError("malformed reply")
    if reason == "content_filter" or message.get("refusal"):
        raise FinalError("content filter" if reason == "content_filter" else "refusal")
    # JSON can carry half a surrogate pair, which no UTF-8 file can.
    return Completion(text.encode("utf-8", "replace").decode(), reason, tokens_in, tokens_out, int(cached))


def _key(variable: str | None) -> str:
    if variable is None:
        return "none"
    key = os.environ.get(variable)
    if not key:
        raise InputError(f"The environment variable {variable} is not set; the teacher's config says the key is there.")
    return key


def _certificates() -> ssl.SSLContext:
    # Both what the machine trusts (a hospital's own authority) and the usual list.
    context = ssl.create_default_context(cafile=certifi.where())
    context.load_default_certs()
    return context


def _name(body: object) -> str:
    """Return an error's code or type: a name, so never a message, which may quote the note."""
    error = body.get("error", body) if isinstance(body, dict) else {}
    names = [error.get(key) for key in ("code", "type")] if isinstance(error, dict) else []
    return next((name for name in names if isinstance(name, str) and _NAME.fullmatch(name)), "")


def _retry_after(headers: Mapping[str, str]) -> float:
    try:
        if milliseconds := headers.get("retry-after-ms"):
            return float(milliseconds) / 1000
        after = headers.get("retry-after", "0")
        return (
            float(after) if after.replace(".", "", 1).isdigit() else parsedate_to_datetime(after).timestamp() - time()
        )
    except (ValueError, TypeError):
        return 0.0
