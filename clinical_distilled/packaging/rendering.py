"""The templates of the files inside a package: ``templates/<name>.jinja``."""

from typing import Any

import jinja2

_TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("clinical_distilled.packaging"),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    autoescape=False,  # noqa: S701  Markdown, TOML and Python, not HTML
)


def render(template: str, /, **values: Any) -> str:
    """Fill the template of a file; a value that is missing is an error."""
    return _TEMPLATES.get_template(f"{template}.jinja").render(values)
