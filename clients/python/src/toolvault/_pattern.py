"""Patterns of tools' names."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern, in which each `*` stands for any text, matches a whole text."""
    return fnmatchcase(text, re.sub(r"[?[]", r"[\g<0>]", pattern))
