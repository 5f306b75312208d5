"""clinical distilled: LLMs and medical terminologies teach a small spaCy pipeline to read clinical notes."""

__version__ = "0.1.0"
