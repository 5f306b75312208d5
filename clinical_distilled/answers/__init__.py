"""What an LLM said: output formats, alignment to the text, and the ledger that keeps it."""
