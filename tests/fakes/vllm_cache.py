"""The fake vLLM's KV blocks: shared prefixes, least recently used ones given up first."""

from __future__ import annotations

from collections import Counter, OrderedDict
from hashlib import blake2b

BLOCK_TOKENS = 16
TOKEN_CHARS = 4
BLOCK_CHARS = BLOCK_TOKENS * TOKEN_CHARS


def count_tokens(text: str) -> int:
    return -(-len(text) // TOKEN_CHARS)


def chain(prompt: str, salt: str) -> list[bytes]:
    """One name for each full block of the prompt, which stands for all text up to its end.

    The last token is never read from the cache, so its block is not among them.
    """
    digest = blake2b(salt.encode(), digest_size=16)
    names = []
    for start in range(0, len(prompt) - BLOCK_CHARS, BLOCK_CHARS):
        digest.update(prompt[start : start + BLOCK_CHARS].encode())
        names.append(digest.copy().digest())
    return names


class Blocks:
    """held: blocks of running sequences, with their number; kept: free to go, oldest first."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._held: Counter[bytes] = Counter()
        self._kept: OrderedDict[bytes, None] = OrderedDict()
        self._own = 0
        """Blocks nobody else can use: ends of prompts, and what was generated."""

    @property
    def usage(self) -> float:
        return (len(self._held) + self._own) / self.capacity

    def found(self, names: list[bytes]) -> int:
        """How many leading blocks need no prefill."""
        for index, name in enumerate(names):
            if name not in self._held and name not in self._kept:
                return index
        return len(names)

    def take(self, names: list[bytes], own: int) -> bool:
        """Holds these and so many own ones; False, and nothing done, if they do not fit."""
        new = sum(name not in self._held for name in names)
        if len(self._held) + self._own + new + own > self.capacity:
            return False
        for name in names:
            self._kept.pop(name, None)
            self._held[name] += 1
        self._own += own
        self._make_room()
        return True

    def release(self, names: list[bytes], own: int) -> None:
        """The first block of a prompt is the last to be given up."""
        for name in reversed(names):
            self._held[name] -= 1
            if not self._held[name]:
                del self._held[name]
                self._kept[name] = None
        self._own -= own

    def clear(self) -> None:
        self._kept.clear()

    def _make_room(self) -> None:
        while len(self._held) + len(self._kept) + self._own > self.capacity:
            self._kept.popitem(last=False)
