"""Finds the form of a request that its server takes: what it refuses is renamed or left out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from broker.contract.hint import Lane
from broker.contract.job import Endpoint, Message, Sampling
from web.engines.client.complaint import Complaint

SYSTEM = "system"
"""In a dialect's left_out: the role."""
KEPT = frozenset({"model", "messages", "continue_final_message", "add_generation_prompt"})
"""Without these it would be another request: the answer would start anew instead of going on."""
STREAM = re.compile(r"""['"`]stream['"`]|\bstreaming\b|\bstream must\b""", re.IGNORECASE)
"""A refusal of streaming; the bare word `stream` stands in sentences about other things too."""
# The forms of a parameter, in the order in which they are tried.
FORMS = {"max_tokens": ("max_tokens", "max_completion_tokens")}
MAX_REPEATS = 4
NEGOTIABLE = frozenset({400, 422, 500, 501})
"""llama.cpp answers 500 where a chat template raises, others where an argument is unknown."""
TOO_LONG = re.compile(r"context.(length|window|size)|too long|reduce the length", re.IGNORECASE)
"""Of a prompt that is too long: no other parameters would help."""
ROLE = re.compile(
    r"\broles?\b|\b(system|developer) (message|prompt|instruction)|\bfirst message must\b"
    r"|시스템 ?(메시지|프롬프트|역할)",
    re.IGNORECASE,
)
BATCH_PRIORITY = 10
"""vLLM admits the lower number first."""


class Negotiation:
    """One request, put anew after each refusal that names what we sent; MAX_REPEATS times."""

    def __init__(
        self,
        endpoint: Endpoint,
        sampling: Sampling,
        messages: Sequence[Message],
        lane: Lane,
    ) -> None:
        self.dialect = endpoint.dialect
        """The endpoint's, with what the refusals so far have taught."""
        self._messages = messages
        self._refused: set[str] = set()
        self._repeats = 0
        room, has = sampling.max_tokens, endpoint.has
        chosen = {
            "max_tokens": room and room + endpoint.reasoning_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "priority": (BATCH_PRIORITY if lane is Lane.BATCH else 0) if has.priority else None,
        }
        # The gate may stop a stream before its end, where usage stands otherwise.
        running = {"continuous_usage_stats": True} if has.running_usage else {}
        begun = has.continuation and messages[-1]["role"] == "assistant"
        self._wanted = {
            "stream_options": {"include_usage": True, **running},
            **{name: value for name, value in chosen.items() if value is not None},
            # vLLM's own parameters: without both of them it would begin a new answer.
            **({"continue_final_message": True, "add_generation_prompt": False} if begun else {}),
            **endpoint.extra_body,
            **sampling.more,
            # These stand behind what an admin wants sent, so that nothing of it replaces them.
            "model": endpoint.model,
            "stream": True,
        }

    @property
    def parameters(self) -> dict[str, Any]:
        """All but the messages, under the names that this server takes as far as is known."""
        left_out, renamed = self.dialect.left_out, self.dialect.renamed
        taken = ((name, it) for name, it in self._wanted.items() if name not in left_out)
        sent = {renamed.get(name, name): it for name, it in taken}
        if "stream" in left_out:
            # Servers refuse options of a stream in a request that asks for none.
            sent.pop("stream_options", None)
        if "logprobs" in left_out:
            sent.pop("top_logprobs", None)
        return sent

    @property
    def body(self) -> dict[str, Any]:
        """The request's JSON body, in the form that this server takes as far as is known."""
        messages = merged(self._messages) if SYSTEM in self.dialect.left_out else self._messages
        return {**self.parameters, "messages": messages}

    def heed(self, status: int, complaint: Complaint, text: str) -> bool:
        """Learns from a refusal; whether the request has another form now, worth sending again.

        text: the complaint's, without what it repeats of the prompt, where any name may stand.
        """
        body = self.body
        too_long = TOO_LONG.search(f"{text} {complaint.code}")
        if status not in NEGOTIABLE or too_long or self._repeats == MAX_REPEATS:
            return False
        names = named(complaint, text, body)
        for name in names:
            self._leave(name)
        self._repeats += 1
        return bool(names)

    def _leave(self, name: str) -> None:
        """Finds another form for what this server refuses by this name, or leaves it out."""
        self._refused.add(name)
        renamed = dict(self.dialect.renamed)
        original = next((old for old, new in renamed.items() if new == name), name)
        renamed.pop(original, None)
        other = next((form for form in FORMS.get(original, ()) if form not in self._refused), None)
        left_out = self.dialect.left_out
        if other is None:
            left_out |= {original}
        elif other != original:
            renamed[original] = other
        self.dialect = replace(self.dialect, left_out=left_out, renamed=renamed)


def merged(messages: Sequence[Message]) -> list[Message]:
    """For a chat template without a role `system`: its text opens the user's first message."""
    system = [message["content"] for message in messages if message["role"] == "system"]
    rest = [message for message in messages if message["role"] != "system"]
    first: Message = {**rest[0], "content": "\n\n".join([*system, rest[0]["content"]])}
    return [first, *rest[1:]]


def named(complaint: Complaint, text: str, body: dict[str, Any]) -> list[str]:
    """The parameters of the body that a refusal is about; [SYSTEM] for the role `system`.

    All that the complaint points at; else only the first one that its sentence names.
    """
    sent = [name for name in body if name not in KEPT]
    pointed = {re.split(r"[.\[]", name)[0] for name in complaint.names}
    if found := [name for name in sent if name in pointed]:
        return found
    has_system = any(message["role"] == "system" for message in body["messages"])
    if has_system and (ROLE.search(text) or any("role" in name for name in complaint.names)):
        return [SYSTEM]
    if STREAM.search(text) and "stream" in sent:
        return ["stream"]
    places = {name: at.start() for name in sent if (at := spelled(name).search(text))}
    places.pop("stream", None)
    if {"temperature", "top_p"} <= places.keys():
        # Some models take either; the temperature says more about a hint.
        return ["top_p"]
    return sorted(places, key=places.__getitem__)[:1]


@lru_cache(maxsize=256)
def spelled(name: str) -> re.Pattern[str]:
    """The name as a sentence may write it: `max_tokens`, `maxTokens`, `Max tokens`."""
    return re.compile(
        rf"(?<!\w){'[-_ ]?'.join(map(re.escape, name.split('_')))}(?!\w)", re.IGNORECASE
    )
