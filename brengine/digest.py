"""Canonical JSON and tagged SHA-256 digests: the one way in which anything is hashed."""

from __future__ import annotations

import hashlib
import json

SHORT = 16
"""Hex digits of a short digest: 64 bits, for per-input digests that are only ever compared for one task."""


def canonical(value: object) -> str:
    """JSON with sorted keys, no spaces and no NaN: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def of_bytes(content: bytes) -> str:
    """The SHA-256 of a file's content, 64 hex digits."""
    return hashlib.sha256(content).hexdigest()


def of_text(text: str) -> str:
    """The SHA-256 of a text in UTF-8, 64 hex digits; lone surrogates are kept apart, not refused."""
    return of_bytes(text.encode("utf-8", "surrogatepass"))


def of_value(tag: str, value: object) -> str:
    """The SHA-256 of a value under a tag (so that two kinds of things never share a digest)."""
    return of_text(f"{tag}\0{canonical(value)}")


def short(tag: str, value: object) -> str:
    """The first 16 hex digits of `of_value`: for the per-input digests of a Key."""
    return of_value(tag, value)[:SHORT]
