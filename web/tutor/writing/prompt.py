"""Builds the messages for one hint: what never changes first, the student's part last."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

from broker.contract.job import Message
from web.tutor.gate.lexis import printable
from web.tutor.languages import Locale
from web.tutor.levels import EXAMPLE_LINES, LEVELS
from web.tutor.writing.policy import HEADINGS, LEFT_OUT, RETRY, RULES

TEMPLATE_VERSION = "4"
"""Raise it with any change of the policy's texts, of a level's form or of the prompt's order: keys
of caches hold it."""
# Together about 1,500 tokens, so that a model with a context of 2,048 still has room to answer.
LIMITS_CHARS = {"result": 600, "code": 3_000, "diagnosis": 600, "question": 400}
"""Of the student's parts, by their field in PromptTask, in the prompt's order."""
# Characters a token, roughly. Too many rather than too few: a prefix that is counted longer than it
# is takes room from others in the dispatcher's picture of an engine's cache.
ASCII_PER_TOKEN = 4.5
OTHERS_PER_TOKEN = 1.8
CACHE_BLOCK_TOKENS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptTask:
    """What one hint is about. The reference solution is left out on purpose.

    hint, mistakes: the author's, in this locale and for this level; result: L0 in words.
    diagnosis: what is wrong, as a model has found and running its fix has proved, in English.
    retry: reason why the gate refused the first try, `leak` or `off_template`.
    """

    level: int
    locale: Locale
    statement: str
    hint: str
    mistakes: str
    result: str
    code: str
    diagnosis: str = ""
    question: str = ""
    retry: str | None = None


def policy(level: int, locale: Locale) -> str:
    """The system message: the same bytes for every student and exercise."""
    return f"{RULES[locale]}\n\n{_form(level, locale)}"


def build(task: PromptTask, nonce: str) -> list[Message]:
    """System and user message, the same bytes up to the test result for one exercise and level.

    nonce: unguessable, new for each hint; it marks where the student's text begins and ends.
    """
    shared = [
        _part(task.locale, field, getattr(task, field))
        for field in ("statement", "hint", "mistakes")
    ]
    own = [_student(task, field, nonce) for field in LIMITS_CHARS]
    # Small models heed the last words most, so the level's form is said once more.
    last = [RETRY[task.locale][task.retry]] if task.retry else []
    last.append(_form(task.level, task.locale))
    content = "\n\n".join(filter(None, [*shared, *own, " ".join(last)]))
    return [
        {"role": "system", "content": policy(task.level, task.locale)},
        {"role": "user", "content": content},
    ]


def prefix_key(model: str, exercise: str, revision: int, level: int, locale: Locale) -> str:
    """16 hex digits that are equal exactly when the shared part of the prompt is."""
    parts = (model, TEMPLATE_VERSION, exercise, str(revision), str(level), locale)
    return blake2b("\0".join(parts).encode(), digest_size=8).hexdigest()


# Each request for a hint asks for it, and it looks at every character.
@lru_cache(maxsize=256)
def shared_tokens(level: int, locale: Locale, statement: str, mistakes: str) -> int:
    """About how many tokens all prompts of an exercise and level begin with.

    0 below two blocks of vLLM's prefix cache: such a prefix is not worth a detour. The author's
    hint is left out: it is short.
    """
    text = policy(level, locale) + statement + mistakes
    ascii_chars = sum(char.isascii() for char in text)
    tokens = ascii_chars / ASCII_PER_TOKEN + (len(text) - ascii_chars) / OTHERS_PER_TOKEN
    return int(tokens) if tokens >= 2 * CACHE_BLOCK_TOKENS else 0


def _form(level: int, locale: Locale) -> str:
    low, high = LEVELS[level].aim_words
    return LEVELS[level].form[locale].format(low=low, high=high, lines=EXAMPLE_LINES)


def _part(locale: Locale, field: str, text: str) -> str:
    return f"{HEADINGS[locale][field]}:\n{text.strip()}" if text.strip() else ""


def _student(task: PromptTask, field: str, nonce: str) -> str:
    """One part in marks that its author cannot guess; empty when there is no text."""
    text = printable(getattr(task, field)).replace(nonce, "").strip("\n")
    if not text.strip():
        return ""
    if (more := len(text) - LIMITS_CHARS[field]) > 0:
        notice = LEFT_OUT[task.locale].format(count=f"{more:,}")
        text = f"{text[: LIMITS_CHARS[field]]}\n{notice}"
    marked = f"<student-{nonce}>\n{text}\n</student-{nonce}>"
    return _part(task.locale, field, marked)
