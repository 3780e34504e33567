"""What many prompts begin with, as the dispatcher's picture of an engine's cache has it."""

from __future__ import annotations

from hashlib import blake2b

from web.tutor.writing.room import ascii_chars

ASCII_PER_TOKEN, OTHERS_PER_TOKEN = 4.5, 1.8
"""Characters a token, roughly, and rather too many: a prefix that is counted longer than it is
takes room from others in that picture."""
CACHE_BLOCK_TOKENS = 16


def key(*parts: str) -> str:
    """16 hex digits that are equal exactly when all parts are."""
    return blake2b("\0".join(parts).encode(), digest_size=8).hexdigest()


def tokens(text: str) -> int:
    """About how many tokens it is. text: without half characters.

    0 below two blocks of vLLM's prefix cache: such a prefix is not worth a detour.
    """
    plain = ascii_chars(text)
    count = plain / ASCII_PER_TOKEN + (len(text) - plain) / OTHERS_PER_TOKEN
    return int(count) if count >= 2 * CACHE_BLOCK_TOKENS else 0
