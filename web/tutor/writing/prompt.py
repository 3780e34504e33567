"""Builds the messages for one hint: what never changes first, the student's part last."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from broker.contract.job import Message, Sampling
from web.tutor import prefix
from web.tutor.diagnosis.finding import numbered
from web.tutor.languages import Locale
from web.tutor.marks import between, inert
from web.tutor.writing import room
from web.tutor.writing.fault import Fault
from web.tutor.writing.versions import PromptWords, version

TEMPLATE_VERSION = version().label
"""Of the version in use: keys of caches hold it, and what was measured is of one version."""
MOST_TOKENS = 3_600
"""Of all messages together, as room.tokens counts them. With an answer of 400 they fit into a
context of 4,096; a usual prompt has 1,200 to 2,200."""
SHARED_TOKENS = {"statement": 700, "mistakes": 200, "hint": 400, "avoid": 60, "examples": 300}
"""Most tokens of what all students of an exercise share, by field of PromptTask, in order."""
OWN_TOKENS = {
    "question": 150, "result": 250, "code": 1_000, "facts": 300, "earlier": 300, "diagnosis": 200,
    "refused": 100,
}  # fmt: skip
"""The same of a student's own parts; the question comes first, as it is to be answered first."""
SEPARATORS_TOKENS = 40
"""Of what stands between all parts and messages."""
SAMPLES_NONCE = "00000000"
"""In the marks of the samples, which are the same for everybody."""
BY_WEIGHT = ("result", "question", "code", "refused", "diagnosis", "facts", "earlier")
"""The own parts as they get what room is left."""
assert set(BY_WEIGHT) == OWN_TOKENS.keys()


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptTask:
    """What one hint is about. The reference solution is left out on purpose.

    hint, mistakes, examples, avoid: the author's, in this locale and for this level; examples are
    answers as they should be, avoid has words that no hint may say. result: L0 in words; facts:
    what the program did, a text each. earlier: hints that the student has had here, oldest first.
    diagnosis: what is wrong, as a model has found and running its fix has proved, in English.
    fault: of the first answer, for which the gate refused it; refused: the sentence that has it.
    version: of the prompt's words; empty for the one in use.
    """

    level: int
    locale: Locale
    statement: str
    hint: str
    mistakes: str
    result: str
    code: str
    examples: tuple[str, ...] = ()
    avoid: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    earlier: tuple[str, ...] = ()
    diagnosis: str = ""
    question: str = ""
    fault: Fault | None = None
    refused: str = ""
    version: str = ""


@lru_cache(maxsize=64)
def policy(level: int, locale: Locale, name: str = "") -> str:
    """The system message: the same bytes for every student and exercise. name: of the version."""
    words = version(name).words[locale]
    return f"{words.rules}\n\n{words.levels[level].form}"


@lru_cache(maxsize=64)
def samples(level: int, locale: Locale, name: str = "") -> tuple[Message, ...]:
    """Good hints for other programs, as if a student had asked and the model had answered.

    What they have said themselves small models follow better than what they are told.
    """
    words = version(name).words[locale]
    asked, said = words.levels[level], list[Message]()
    for sample in asked.samples:
        own = {"result": sample.result, "code": numbered(sample.code)}
        parts = [_student(words.headings[field], own[field], SAMPLES_NONCE) for field in own]
        said.append({"role": "user", "content": "\n\n".join([*parts, asked.form])})
        said.append({"role": "assistant", "content": sample.hint})
    return tuple(said)


@lru_cache(maxsize=64)
def told(level: int, locale: Locale, name: str = "") -> str:
    """What a hint may not repeat of what the model is asked: its rules, and the samples' hints."""
    words = version(name).words[locale]
    asked = words.levels[level]
    return "\n\n".join([words.rules, asked.form, *(sample.hint for sample in asked.samples)])


def with_room(asked: Sampling, level: int, locale: Locale, name: str = "") -> Sampling:
    """With the room that a hint of this level needs, and no more than was allowed."""
    if asked.max_tokens is None:
        return asked
    needed = version(name).words[locale].levels[level].answer_tokens
    return replace(asked, max_tokens=min(asked.max_tokens, needed))


def build(task: PromptTask, nonce: str) -> list[Message]:
    """System message, samples, question: the same bytes for an exercise and level up to the
    student's parts.

    nonce: unguessable, new for each hint; it marks where the student's text begins and ends.
    Raises: BadVersion for a version that is not there.
    """
    words = version(task.version).words[task.locale]
    system = policy(task.level, task.locale, task.version)
    shared = _shared(
        task.version, task.locale, task.statement, task.mistakes, task.hint, task.avoid,
        task.examples,
    )  # fmt: skip
    # Small models heed the last words most, so the level's form is said once more.
    fault = words.faults[task.fault] if task.fault else ""
    last = " ".join(filter(None, [fault, words.levels[task.level].form]))
    shown = samples(task.level, task.locale, task.version)
    said = [system, *(message["content"] for message in shown), shared, last]
    left = MOST_TOKENS - sum(map(room.tokens, said)) - SEPARATORS_TOKENS
    own = _own(task, words, nonce, left)
    content = "\n\n".join(filter(None, [shared, *own, last]))
    return [
        {"role": "system", "content": system},
        *shown,
        {"role": "user", "content": content},
    ]


def prefix_key(
    model: str, exercise: str, revision: int, level: int, locale: Locale, name: str = ""
) -> str:
    """16 hex digits that are equal exactly when the shared part of the prompt is."""
    return prefix.key(model, version(name).label, exercise, str(revision), str(level), locale)


# Each request for a hint asks for it, and it looks at every character.
@lru_cache(maxsize=256)
def shared_tokens(level: int, locale: Locale, statement: str, mistakes: str) -> int:
    """About how many tokens all prompts of an exercise and level begin with."""
    # The author's hint is left out: it is short.
    texts = {"statement": statement, "mistakes": mistakes}
    cut = [room.cut(inert(texts[field]), SHARED_TOKENS[field], "") for field in texts]
    shown = [message["content"] for message in samples(level, locale)]
    return prefix.tokens("".join([policy(level, locale), *shown, *cut]))


# A worker writes for a class that has the same exercise.
@lru_cache(maxsize=256)
def _shared(
    name: str, locale: Locale, statement: str, mistakes: str, hint: str, avoid: tuple[str, ...],
    examples: tuple[str, ...],
) -> str:  # fmt: skip
    words = version(name).words[locale]
    texts = {
        "statement": statement, "mistakes": mistakes, "hint": hint, "avoid": ", ".join(avoid),
        "examples": _listed(examples),
    }  # fmt: skip
    parts = [
        f"{words.headings[field]}:\n{room.cut(text, SHARED_TOKENS[field], words.left_out)}"
        for field, text in ((field, inert(texts[field]).strip()) for field in SHARED_TOKENS)
        if text
    ]
    return "\n\n".join(parts)


def _own(task: PromptTask, words: PromptWords, nonce: str, left: float) -> list[str]:
    """The student's parts in the prompt's order, within the tokens that are left."""
    texts = {
        "question": task.question, "result": task.result, "facts": _listed(task.facts),
        "earlier": _listed(task.earlier[::-1]), "diagnosis": task.diagnosis,
        "refused": task.refused,
        "code": numbered(_beginning(task.code, "code")) if task.code.strip() else "",
    }  # fmt: skip
    parts = dict.fromkeys(OWN_TOKENS, "")
    for field in BY_WEIGHT:
        # Marks are taken out before the text is cut, as that makes it longer.
        text = inert(_beginning(texts[field], field))
        heading = words.headings[field]
        most = min(OWN_TOKENS[field], left - room.tokens(_student(heading, "", nonce)))
        if text.strip() and most > 0:
            parts[field] = _student(heading, room.cut(text, most, words.left_out), nonce)
            left -= room.tokens(parts[field])
    return list(parts.values())


def _beginning(text: str, field: str) -> str:
    """More of it than has room in its part: the rest is not even read."""
    return text[: 2 * room.most_chars(OWN_TOKENS[field])]


def _student(heading: str, text: str, nonce: str) -> str:
    return f"{heading}:\n{between('student', nonce, text)}"


def _listed(texts: tuple[str, ...]) -> str:
    return "\n".join(f"- {' '.join(text.split())}" for text in texts)
