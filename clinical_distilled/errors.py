"""The one error a user is meant to see."""


class InputError(ValueError):
    """Something the user gave cannot be used.

    The message names the file, line or document, says what is wrong and what to do about it. It never
    contains the text of a note: notes are patient data, and messages end up in logs.
    """
