"""Prompt templates: Jinja files with a front matter (name, version, inputs). Spec text is a value, never a template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from brengine.errors import InputError, diagnose, nearest
from brengine.source import Source, Span

KEYS = ("name", "version", "inputs")


@dataclass(frozen=True, slots=True)
class Template:
    """A loaded template. The version, not the wording, is part of the ask Key."""

    name: str
    version: int
    inputs: tuple[str, ...]
    body: str
    path: str


def front_matter(text: str, path: str) -> tuple[str, int, tuple[str, ...]]:
    """(name, version, inputs) from the lines between the first two `---`. Needs neither YAML nor Jinja."""
    source = Source(path, text)
    lines = source.lines
    if not lines or lines[0].strip() != "---" or "---" not in [line.strip() for line in lines[1:]]:
        raise _bad(source, 1, "a template begins with a front matter between --- lines", "name, version, inputs")
    end = [line.strip() for line in lines[1:]].index("---") + 1
    values: dict[str, str] = {}
    for number, line in enumerate(lines[1:end], start=2):
        key, separator, value = line.partition(":")
        if not separator or key.strip() not in KEYS:
            close = nearest(key.strip(), KEYS)
            raise _bad(source, number, f"unknown key {key.strip()!r} in the front matter", f"did you mean {close!r}?")
        values[key.strip()] = value.strip()
    missing = [key for key in KEYS if key not in values]
    if missing or not values["version"].isdigit():
        raise _bad(source, 1, f"the front matter lacks {', '.join(missing) or 'a whole number as version'}", "")
    inputs = tuple(name.strip() for name in values["inputs"].strip("[]").split(",") if name.strip())
    return values["name"], int(values["version"]), inputs


def load(source: Source) -> Template:
    """A template, checked: it parses, and uses no variable that its inputs do not name. Raises InputError."""
    from jinja2 import meta
    from jinja2.exceptions import TemplateSyntaxError
    from jinja2.sandbox import SandboxedEnvironment

    name, version, inputs = front_matter(source.text, source.path)
    head, body = _split(source.text)
    environment = SandboxedEnvironment()
    try:
        unknown = meta.find_undeclared_variables(environment.parse(body)) - set(inputs)
    except TemplateSyntaxError as error:
        raise _bad(source, head + error.lineno, f"the template does not parse: {error.message}", "") from error
    if unknown:
        first = sorted(unknown)[0]
        place = source.find(first, head + 1)
        close = nearest(first, inputs)
        raise _bad(source, place.line, f"unknown variable {first!r} in the template", f"did you mean {close!r}?")
    return Template(name, version, inputs, body, source.path)


def render(template: Template, values: Mapping[str, object]) -> str:
    """The text of a template. Raises InputError where an input that it names is not given."""
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    unknown = next((name for name in template.inputs if name not in values), "")
    if unknown:
        hint = f"inputs are: {', '.join(values)}"
        raise InputError(f"{template.path}: there is no input {unknown!r} for this template", hint)
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    return environment.from_string(template.body).render({name: values[name] for name in template.inputs})


def _split(text: str) -> tuple[int, str]:
    """(lines of the front matter, the body after it)."""
    lines = text.replace("\r\n", "\n").split("\n")
    end = [line.strip() for line in lines[1:]].index("---") + 2
    return end, "\n".join(lines[end:])


def _bad(source: Source, line: int, message: str, hint: str) -> InputError:
    text = source.lines[line - 1] if line <= len(source.lines) else ""
    span = Span(line, 1, line, max(1, len(text)))
    return InputError(message, hint, (diagnose(source, span, "template", "error", message, hint),))
