"""What an answer says: a mention as the model wrote it, before it is found in the text."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AnswerMention:
    """One mention of an answer.

    Attributes
    ----------
    text : str
        The mention as the answer writes it; it need not be how the note writes it.
    label : str
        The label as the answer writes it; it need not be a known one.
    rationale : str
        Why the model marked it, where the format asks for that.
    start, end : int or None
        Where the answer puts it: code point offsets into the note, end exclusive. Only a hint, models count badly.
    """

    text: str
    label: str
    rationale: str = ""
    start: int | None = None
    end: int | None = None
