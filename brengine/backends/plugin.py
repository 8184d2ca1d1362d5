"""A backend of a project's own: a Python class that br.toml names."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from brengine.asks import Ask, Prompt, Reply, Waiting
from brengine.errors import BackendError, BrError, InputError

HOW = 'name it in br.toml: `[build]`, `backend = "python"`, `python = "my_backend:MyBackend"`'
PARTS = ("name", "paid", "answer")


class Guarded:
    """A person's backend, whatever goes wrong in which is no reply."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.name = str(inner.name)
        self.paid = bool(inner.paid)

    def answer(self, ask: Ask, prompt: Prompt) -> Reply | Waiting:
        """What the inner one answers. Raises BackendError."""
        try:
            found = self._inner.answer(ask, prompt)
        except BrError:
            raise
        except Exception as error:
            raise BackendError(f"the backend {self.name} broke: {type(error).__name__}: {error}") from error
        if not isinstance(found, Reply | Waiting):
            raise BackendError(f"the backend {self.name} answered a {type(found).__name__}, not a Reply")
        return found


def load(named: str, folder: Path, model: str) -> Guarded:
    """The backend `module:Class` of a project's folder, made with the model's name. Raises InputError."""
    module, _, name = named.partition(":")
    if not (module and name):
        raise InputError(f"the python backend is not named: {named!r}", HOW)
    sys.path.insert(0, str(folder.resolve()))
    try:
        made = getattr(importlib.import_module(module), name)(model)
    except Exception as error:  # it is a person's own code: whatever it raises is shown as one line
        raise InputError(f"the backend {named} cannot be made: {type(error).__name__}: {error}", HOW) from error
    finally:
        sys.path.remove(str(folder.resolve()))
    missing = [part for part in PARTS if not hasattr(made, part)]
    if missing:
        raise InputError(f"the backend {named} has no {', '.join(missing)}", "see docs/backends.md for what one has")
    return Guarded(made)
