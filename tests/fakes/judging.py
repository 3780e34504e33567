"""How the fakes judge a hint: honestly by a table of leaks, or broken in a way that they are told.

Asked what is wrong with a program they do not know.

A judge's request is known by its words and takes nothing from a script: a test that says nothing
of a judge has an honest one that knows of no leak.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import log
from typing import Any

from tests.fakes import wire
from web.tutor.diagnosis import finding
from web.tutor.gate import judge

WAYS = (
    "honest",
    "wordy",
    "500",
    "429",
    "hangs",
    "nonsense",
    "empty",
    "cuts",
    "no-logprobs",
    "slow",
)
"""wordy: says a word, and never how sure it is. no-logprobs: 400 for a request that asks for it.
slow: honest, each answer after SLOW_S."""
SLOW_S = 0.5
GIVES_UP = json.dumps(
    {"fact": "", "misconception": "", "lines": [], "contradiction": "", "fixed_code": ""}
)
"""The diagnosis of a model that knows none."""
SURE = log(0.98), log(0.02)
INSIDE = re.compile(
    r"[<＜]data-.*?>(.*?)(?:[<＜]/\s*(?:data|student)\b[^>]*>|(?=[<＜][|｜]|[<＜]/?s>|\[/?INST\]))",
    re.DOTALL | re.IGNORECASE,
)


@dataclass(slots=True)
class FakeJudge:
    """leaks: a hint that holds one of these texts is one; `*`: every hint is. asked: so far."""

    leaks: tuple[str, ...] = ()
    way: str = "honest"
    asked: int = 0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def told(self, data: dict[str, Any]) -> None:
        self.leaks, self.way, self.asked = tuple(data["leaks"]), data["way"], 0
        assert self.way in WAYS

    def reply(self, request: dict[str, Any]) -> bytes | None:
        """The whole answer; None for silence."""
        self.asked += 1
        match self.way:
            case "500" | "429":
                return wire.error(int(self.way), "the judge is out")
            case "hangs":
                return None
            case "nonsense":
                return stream("".join(map(chr, range(0x2500, 0x2580))))
            case "empty":
                return stream("")
            case "cuts":
                return wire.STREAM_HEAD + wire.frame({"content": "N"}) + wire.BODY_END
            case "no-logprobs" if request.get("logprobs"):
                return wire.error(400, "This model does not support log probabilities.")
        leaks = self.is_leak(request["messages"][-1]["content"])
        if "response_format" in request:
            return stream(json.dumps({"leaks": "yes" if leaks else "no"}))
        chances = request.get("logprobs") and self.way == "honest"
        return stream("Yes" if leaks else "No", sure=bool(chances))

    def is_leak(self, question: str) -> bool:
        hint = parts(question)[0][-1]
        return any(leak == "*" or leak in hint for leak in self.leaks)


def parts(question: str) -> tuple[list[str], str]:
    """What stands between marks in a judge's question, and all that stands outside of them.

    Read as a careless model does: whatever looks like a closing mark closes, and what ends a
    message in a chat template ends it.
    """
    return INSIDE.findall(question), INSIDE.sub("", question)


def diagnoses(messages: Sequence[Mapping[str, Any]]) -> bool:
    """Whether what is wrong with a program is to be found out."""
    return bool(messages) and str(messages[0].get("content", "")).startswith(finding.SYSTEM)


def asks(messages: Sequence[Mapping[str, Any]]) -> bool:
    """Whether this is a judge's request."""
    return bool(messages) and str(messages[0].get("content", "")).startswith(judge.SYSTEM)


def stream(text: str, *, sure: bool = False) -> bytes:
    frame = wire.frame({"content": text}) if text else b""
    if sure:
        yes, no = SURE if text == "Yes" else SURE[::-1]
        others = [{"token": "Yes", "logprob": yes}, {"token": "No", "logprob": no}]
        content = [{"token": text, "logprob": SURE[0], "top_logprobs": others}]
        choice = {"index": 0, "delta": {"content": text}, "logprobs": {"content": content}}
        body = {**wire.COMPLETION, "object": "chat.completion.chunk", "choices": [choice]}
        frame = wire.event(json.dumps(body))
    parts = [frame, wire.frame({}, "stop"), wire.usage_frame(wire.usage(500, 1))]
    return b"".join([wire.STREAM_HEAD, *parts, wire.event("[DONE]"), wire.BODY_END])
