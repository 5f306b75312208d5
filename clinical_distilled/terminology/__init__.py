"""Terminologies: read them, compile them into an index, match them against text."""
