"""Notes and reference annotation in, spaCy documents out."""
