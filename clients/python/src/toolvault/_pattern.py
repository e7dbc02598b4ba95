"""Patterns of tools' names."""

from __future__ import annotations


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern, in which each `*` stands for any text, matches a whole text."""
    first, *others = pattern.split("*")
    if not others:
        return pattern == text
    *middle, last = others
    if not text.startswith(first) or len(text) < len(first) + len(last) or not text.endswith(last):
        return False
    text = text[len(first) : len(text) - len(last)]
    for part in middle:
        at = text.find(part)
        if at < 0:
            return False
        text = text[at + len(part) :]
    return True
