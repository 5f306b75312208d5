"""What models cost: a dated table of list prices, which a JSON file of the user replaces model by model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import srsly

from clinical_distilled.errors import InputError

MILLION = 1_000_000


@dataclass(frozen=True)
class Price:
    """US dollars per million tokens.

    Attributes
    ----------
    input, output : float
        Of the prompt, and of the answer.
    cached : float or None
        Of prompt tokens the provider had in its cache; None: as `input`.
    batch : float
        What a request in a provider's batch job costs, as a share of that.
    """

    input: float
    output: float
    cached: float | None = None
    batch: float = 0.5

    def of(self, tokens_in: int, tokens_out: int, tokens_cached: int = 0, *, batched: bool = False) -> float:
        """Return the price of a request in US dollars; `tokens_cached` are among `tokens_in`."""
        cached = self.input if self.cached is None else self.cached
        full = (tokens_in - tokens_cached) * self.input + tokens_cached * cached + tokens_out * self.output
        return full / MILLION * (self.batch if batched else 1.0)


FREE = Price(0.0, 0.0)  # a server of one's own
AS_OF = "2026-10-07"  # list prices change: check them, and override what differs
PRICES = {
    "gpt-5.5": Price(5.0, 30.0, 0.5),
    "gpt-5.4": Price(2.5, 15.0, 0.25),
    "gpt-5.4-mini": Price(0.75, 4.5, 0.075),
    "gpt-5": Price(1.25, 10.0, 0.125),
    "gpt-5-mini": Price(0.25, 2.0, 0.025),
    "gpt-4o": Price(2.5, 10.0, 1.25),
    "gpt-4o-mini": Price(0.15, 0.6, 0.075),
    "claude-opus-5-5": Price(4.0, 20.0, 0.2),
    "claude-opus-5": Price(5.0, 25.0, 0.5),
    "claude-sonnet-5-5": Price(2.0, 10.0, 0.1),
    "claude-sonnet-4-5": Price(3.0, 15.0, 0.3),
    "claude-haiku-5-5": Price(0.1, 0.5, 0.01),  # prompts up to 100,000 tokens
    "claude-haiku-4-5": Price(1.0, 5.0, 0.1),
    "gemini-3.8-flash": Price(0.75, 3.75),
    "gemini-3.5-flash": Price(1.5, 9.0),
    "gemini-3.5-flash-lite": Price(0.3, 2.5),
    "gemini-2.5-flash": Price(0.3, 2.5),
}


def read_prices(path: Path) -> dict[str, Price]:
    """Read a price table: ``{"model": {"input": 2.5, "output": 10, "cached": 1.25}}``, dollars per million tokens.

    Raises
    ------
    InputError
        If the file is missing, or an entry is not of that form.
    """
    try:
        table = srsly.read_json(path)
    except (ValueError, OSError) as error:
        raise InputError(f"{path}: cannot be read as JSON ({type(error).__name__}).") from None
    if not isinstance(table, dict):
        raise InputError(f"{path}: expected one object with a price for each model.")
    return {model: _price(entry, f"{path}, {model!r}") for model, entry in table.items()}


def price_of(model: str, table: Path | None = None) -> Price | None:
    """Return a model's price: from the user's table, else the built-in one, also for a dated name of a listed model.

    ``gpt-4o-2024-08-06`` costs what ``gpt-4o`` does. None: not known.
    """
    prices = PRICES | (read_prices(table) if table else {})
    names = [name for name in prices if model == name or _is_dated(model, name)]
    return prices[max(names, key=len)] if names else None


def _is_dated(model: str, name: str) -> bool:
    rest = model.removeprefix(f"{name}-")
    return rest != model and rest.replace("-", "").isdigit()


def _price(entry: object, where: str) -> Price:
    known = {"input", "output", "cached", "batch"}
    if not isinstance(entry, dict) or not {"input", "output"} <= set(entry) <= known:
        raise InputError(f"{where}: expected input and output, and perhaps cached and batch.")
    if not all(isinstance(value, (int, float)) and value >= 0 for value in entry.values()):
        raise InputError(f"{where}: prices are numbers, not below 0.")
    return Price(**{name: float(value) for name, value in entry.items()})
