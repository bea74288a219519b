"""A secret mixed into a text, so that a draw can't be repeated from the text alone."""

from __future__ import annotations

import hmac


def mixed(secret: str, text: str) -> str:
    """Return HMAC-SHA-256 of the text with the secret as key, in hexadecimal; without a secret, the text itself.

    >>> mixed("", "questions|walk|7")
    'questions|walk|7'
    >>> mixed("k" * 16, "questions|walk|7")[:16]
    'be20d0ab5dab148f'
    """
    return hmac.new(secret.encode(), text.encode(), "sha256").hexdigest() if secret else text
