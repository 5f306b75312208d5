"""Prompts: a jinja template rendered for a note, in the sandbox that spacy-llm uses too."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import jinja2
from jinja2.sandbox import SandboxedEnvironment

from clinical_distilled.errors import InputError


class PromptTemplate:
    """A template file; it sees ``text``, ``labels``, ``label_definitions`` and ``examples``.

    Parameters
    ----------
    path
        The template, UTF-8. A name in it that is none of the above is an error, not an empty string.

    Raises
    ------
    InputError
        If the file is missing or no template; names file and line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.source = path.read_text(encoding="utf-8")
            environment = SandboxedEnvironment(undefined=jinja2.StrictUndefined, autoescape=False)
            self._template = environment.from_string(self.source)
        except FileNotFoundError:
            raise InputError(f"{path}: no such prompt template.") from None
        except UnicodeDecodeError:
            raise InputError(f"{path}: not UTF-8. Save the template as UTF-8.") from None
        except jinja2.TemplateSyntaxError as error:
            raise InputError(f"{path}, line {error.lineno}: {error.message}") from None

    def render(
        self,
        text: str,
        labels: Sequence[str],
        label_definitions: Mapping[str, str],
        examples: Sequence[Mapping[str, str]] = (),
    ) -> str:
        """Render the prompt for one text; `examples` have a ``text`` and an ``answer`` each."""
        try:
            return self._template.render(
                text=text, labels=list(labels), label_definitions=dict(label_definitions), examples=list(examples)
            )
        except jinja2.TemplateError as error:
            raise InputError(
                f"{self.path}: {error.message}. A template may use text, labels, label_definitions, examples."
            ) from None
