"""A reasoning model's thoughts, told from its answer by the marks around them as text streams in.

Servers without a reasoning parser leave the thoughts in the answer's text. Some chat templates
write the opening mark themselves, so that only the closing one arrives.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from web.tutor.gate.lexis import folded


class Mark(NamedTuple):
    """What a mark says of the text beside it: thoughts follow, or what stands before it is some.

    pair: a name that an opening and its closing mark share. Empty for a mark that stands around the
    answer: it is dropped, and says nothing of the text.
    """

    pair: str = ""
    closes: bool = False


HELD_LIMIT_CHARS = 32_768
"""Of text that may turn out to be thoughts. A hint is far shorter, so the rest is not kept."""

TAGS = (
    *("think", "thinking", "thought", "thoughts", "reason", "reasoning", "reflection", "analysis"),
    *("scratchpad", "antthinking", "monologue", "rationale", "ponder"),
)
"""`<think>` … `</think>`, also with blanks or attributes inside, and in names of several words as
`<seed:think>`, `<mm:think>` and `<thought_process>`."""
FRAMES = ("answer", "final_answer", "final", "response", "solution", "hint")
"""`<answer>` … `</answer>` stand around the answer."""
BRACKETED = ("think", "thinking", "thought", "reasoning")
"""`[THINK]` … `[/THINK]` (Mistral), `◁think▷` … `◁/think▷` (Kimi)."""
TOKENS = {
    "start_thinking": Mark("thinking"),
    "end_thinking": Mark("thinking", closes=True),
    "begin_of_thought": Mark("thought"),
    "end_of_thought": Mark("thought", closes=True),
    "inner_prefix": Mark("inner"),
    "inner_suffix": Mark("inner", closes=True),
    "think": Mark("think"),
    "/think": Mark("think", closes=True),
    "end": Mark("channel", closes=True),
    **dict.fromkeys(("message", "return", "start_response", "end_response"), Mark()),
    **dict.fromkeys(("begin_of_solution", "end_of_solution"), Mark()),
}
"""By the name in `<|name|>`: of Cohere, Sky-T1, Apertus, and the harmony format of gpt-oss."""

# No sentence may end inside a mark: the gate, which reads by sentences, looks for marks as well.
_INSIDE = r"(?:[ \t][^<>\[◁\n.!?。？…]{0,50})?"
_BLANK = r"[ \t]{0,3}"
_NAME = rf"(?:[a-z0-9]{{1,8}}[:_-]){{0,2}}(?:{'|'.join(TAGS)})(?:[:_-][a-z0-9]{{1,8}})?"
_NAME = rf"{_NAME}|{'|'.join(FRAMES)}"
_TAG = rf"<{_BLANK}(?P<slash>/?){_BLANK}(?P<tag>{_NAME}){_INSIDE}/?>"
# A name after `<|channel|>` may go on in the next piece, so another character must have come.
_CHANNEL = (
    rf"<\|(?:channel\|?>{_BLANK}(?P<channel>[a-z]{{1,20}}+)|start\|>[a-z]{{1,20}}+)(?=[^a-z])"
)
STARTS, ENDS = re.compile(r"[<\[◁]"), re.compile(r"[>\]▷]")
MARK = re.compile(
    rf"{_TAG}|{_CHANNEL}|<\|(?P<token>/?[a-z_]{{1,20}})\|>|(?P<gemma><channel\|>)"
    rf"|(?P<open>[\[◁])(?P<end>/?)(?:{'|'.join(BRACKETED)})[\]▷]",
    re.IGNORECASE,
)
"""Whatever may be a mark; `read` says which one. All parts are bounded: a search is linear."""
_BEGUN = re.compile(
    rf"<(?:{_BLANK}/?{_BLANK}(?:[a-z0-9:_-]{{0,40}}|(?:{_NAME}){_INSIDE}/?)"
    rf"|channel\|?|\|/?[a-z_]{{0,20}}\|?|\|(?:channel\|?|start\|)>{_BLANK}[a-z]{{0,20}})"
    r"|[\[◁]/?[a-z]{0,9}",
    re.IGNORECASE,
)
"""Any text that could still become a mark."""


def read(found: re.Match[str]) -> Mark | None:
    """What a match of MARK says. None for a token that is not in TOKENS, which is plain text."""
    tag, channel = (found["tag"] or "").lower(), (found["channel"] or "").lower()
    if found["token"]:
        return TOKENS.get(found["token"].lower())
    if found["open"]:
        return Mark(found["open"], closes=bool(found["end"]))
    if found["gemma"] or channel:
        return Mark("channel", closes=bool(found["gemma"]) or channel == "final")
    # An empty element, `<think/>`, holds no thoughts.
    if not tag or tag in FRAMES or found[0].endswith("/>"):
        return Mark()
    return Mark(tag, closes=bool(found["slash"]))


def tells_thoughts(text: str) -> bool:
    """Rule R9: whether a known mark stands in this text, which then is thoughts or holds some."""
    text = folded(text)
    # What is left of harmony's marks where a server drops special tokens is this one word.
    return "assistantfinal" in text or any(map(read, MARK.finditer(f"{text}\n")))


def begun(text: str) -> int:
    """Index at which a mark begins that the next piece may complete; the text's length for none."""
    start = max(text.rfind("<"), text.rfind("["), text.rfind("◁"))
    return start if start >= 0 and _BEGUN.fullmatch(text, start) else len(text)


class Thoughts:
    """Passes the answer on and drops the thoughts; the result does not depend on the pieces.

    may_think: the model may think without an opening mark. So nothing is passed on until a block is
    closed or the text ends, and all before the last closing mark was thoughts. Where it is false,
    text is passed on at once.
    A closing mark without its opening one shows that text which was passed on was thoughts. It is
    passed on too, so that the gate refuses the text. After a block that is never closed there is no
    answer.
    """

    def __init__(self, *, may_think: bool) -> None:
        self.seen = False
        """Some mark was seen."""
        self.chars = 0
        """Characters of thoughts that were dropped, without their marks."""
        self.answered = False
        """Some text was passed on, and not only blanks."""
        self._holds = may_think
        self._inside = ""
        """The pair of the open block; empty outside."""
        self._held: list[str] = []
        self._held_chars = 0
        self._begun = ""

    @property
    def thinking(self) -> bool:
        """Whether a block is open, or no text has come so far that must be answer."""
        return bool(self._holds or self._inside or (self.seen and not self.answered))

    def feed(self, text: str) -> str:
        """Takes the next piece; returns the text that is now known to be answer."""
        if not self._begun and not STARTS.search(text):
            return self._text(text)
        text = self._begun + text
        end = begun(text)
        self._begun = text[end:]
        return self._read(text, end)

    def finish(self) -> str:
        """The text has ended; returns the rest of the answer."""
        text, self._begun = self._begun, ""
        answer = self._read(text, len(text))
        if self._inside:
            self._drop()
        elif self._holds:
            self._holds = False
            answer = self._text("".join(self._held))
        return answer

    def _read(self, text: str, end: int) -> str:
        answer, start = [], 0
        for found in MARK.finditer(text) if ENDS.search(text) else ():
            if mark := read(found):
                answer += [self._text(text[start : found.start()]), self._mark(mark, found[0])]
                start = found.end()
        answer.append(self._text(text[start:end]))
        return "".join(answer)

    def _text(self, text: str) -> str:
        """What of this text, which holds no mark, is answer."""
        if self._inside:
            self.chars += len(text)
            return ""
        if self._holds:
            self._held.append(text[: max(0, HELD_LIMIT_CHARS - self._held_chars)])
            self._held_chars += len(text)
            return ""
        if self.seen and not self.answered:
            text = text.lstrip()
        self.answered = self.answered or bool(text.strip())
        return text

    def _mark(self, mark: Mark, text: str) -> str:
        """The mark itself if it shows that what was passed on was thoughts; else nothing."""
        self.seen = True
        if not mark.closes:
            self._inside = self._inside or mark.pair
        elif self._inside in ("", mark.pair):
            # The text before this mark was passed on as answer, and now turns out to be thoughts.
            stray = self.answered and not self._inside
            self._inside, self._holds = "", False
            self._drop()
            return text if stray else ""
        return ""

    def _drop(self) -> None:
        self.chars += self._held_chars
        self._held, self._held_chars = [], 0
