"""Prices: the built-in table, dated model names, the user's table."""

import json

import pytest

from clinical_distilled.answers.prices import Price, price_of
from clinical_distilled.errors import InputError


def test_cached_tokens_and_batches_cost_less():
    price = Price(2.0, 8.0, cached=0.5)

    assert price.of(1_000_000, 1_000_000) == 10.0
    assert price.of(1_000_000, 0, 500_000) == 1.25
    assert price.of(1_000_000, 1_000_000, batched=True) == 5.0
    assert Price(2.0, 8.0).of(1_000_000, 0, 500_000) == 2.0


def test_a_dated_name_costs_what_its_model_does_and_a_longer_name_is_another_model():
    assert price_of("gpt-4o-2024-08-06") == price_of("gpt-4o")
    assert price_of("gpt-4o-mini") != price_of("gpt-4o")
    assert price_of("gpt-4o-mega") is None
    assert price_of("my-local-model") is None


def test_the_users_table_comes_first(tmp_path):
    path = tmp_path / "prices.json"
    path.write_text(json.dumps({"gpt-4o": {"input": 1, "output": 2}, "mine": {"input": 0, "output": 0, "cached": 0}}))

    assert price_of("gpt-4o", path) == Price(1.0, 2.0)
    assert price_of("mine", path) == Price(0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    "table",
    [
        "[1]",
        '{"m": {"input": 1}}',
        '{"m": {"input": 1, "output": -1}}',
        '{"m": 3}',
        "{",
        '{"m": {"input": 1, "output": 1, "x": 1}}',
    ],
)
def test_a_table_that_is_none_is_refused_by_name(tmp_path, table):
    path = tmp_path / "prices.json"
    path.write_text(table)

    with pytest.raises(InputError, match=r"prices\.json"):
        price_of("m", path)
