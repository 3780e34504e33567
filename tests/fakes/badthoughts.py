"""Modes of the bad server: a model's thoughts where the answer should be, and where they belong."""

from __future__ import annotations

from tests.fakes.badreply import HINT, Asked, Mode, Modes, Reply, words

THINKING = (
    "Okay, the student wrote a function that returns zero. They must divide cups by per_day. "
    "So the right body is cups // per_day, but I must not say it. What could I ask them?"
)
THOUGHTS = Modes()


def tagged(opening: str, closing: str) -> Mode:
    async def mode(reply: Reply, asked: Asked) -> None:
        reply.start()
        await reply.say(f"{opening}{THINKING}\n{closing}\n\n{HINT}")
        reply.stop()

    return mode


THOUGHTS |= {
    "think-tags": tagged("<think>\n", "</think>"),
    "thinking-tags": tagged("<thinking>\n", "</thinking>"),
    "thought-tags": tagged("<thought>\n", "</thought>"),
    "reasoning-tags": tagged("<reasoning>\n", "</reasoning>"),
    "magistral-tags": tagged("[THINK]\n", "[/THINK]"),
    "seed-tags": tagged("<seed:think>\n", "</seed:think>"),
    "harmony-tags": tagged(
        "<|channel|>analysis<|message|>\n", "<|end|><|start|>assistant<|channel|>final<|message|>"
    ),
    # The chat template has written the opening mark already, so only the closing one comes.
    "think-no-open": tagged("", "</think>"),
}


@THOUGHTS
async def reasoning_field(reply: Reply, asked: Asked) -> None:
    """vLLM with a reasoning parser, under its older and its newer name."""
    reply.start()
    reply.chunk({"role": "assistant", "content": ""})
    for word in words(THINKING):
        reply.chunk({"reasoning_content": word, "reasoning": word})
        await reply.pause()
    await reply.say(HINT)
    reply.stop()


@THOUGHTS
async def content_parts(reply: Reply, asked: Asked) -> None:
    """Mistral's reasoning models: content as a list of typed parts, then text."""
    reply.start()
    reply.chunk({"role": "assistant", "content": ""})
    for word in words(THINKING):
        part = {"type": "thinking", "thinking": [{"type": "text", "text": word}]}
        reply.chunk({"content": [part]})
        await reply.pause()
    await reply.say(HINT)
    reply.stop()


@THOUGHTS
async def reasoning_eats_all(reply: Reply, asked: Asked) -> None:
    """All tokens are spent on thoughts in a field of their own: no content at all."""
    reply.start()
    reply.chunk({"role": "assistant", "content": ""})
    for word in words(THINKING):
        reply.chunk({"reasoning_content": word})
        await reply.pause()
    reply.chunk({}, "length")
    details = {"completion_tokens_details": {"reasoning_tokens": 200}}
    usage = {"prompt_tokens": 900, "completion_tokens": 200, "total_tokens": 1100, **details}
    reply.event({"choices": [], "usage": usage})
    reply.event("[DONE]")


@THOUGHTS
async def think_never_closed(reply: Reply, asked: Asked) -> None:
    """All tokens are spent on thoughts after an opening mark."""
    reply.start()
    await reply.say(f"<think>\n{HINT} {THINKING}")
    reply.stop("length")


@THOUGHTS
async def think_no_mark(reply: Reply, asked: Asked) -> None:
    """The template has opened the thoughts, and the tokens ended before the closing mark."""
    reply.start()
    await reply.say(f"{HINT} {THINKING}")
    reply.stop("length")


@THOUGHTS
async def only_thoughts(reply: Reply, asked: Asked) -> None:
    """The model closes its thoughts and says nothing more."""
    reply.start()
    await reply.say(f"<think>\n{THINKING}\n</think>\n\n")
    reply.stop()


@THOUGHTS
async def thinks_in_hiding(reply: Reply, asked: Asked) -> None:
    """A hosted model that sends empty frames while it thinks."""
    reply.start()
    reply.chunk({"role": "assistant", "content": ""})
    for _ in range(8):
        await reply.pause(0.25)
        reply.chunk({"content": ""})
    await reply.say(HINT)
    reply.stop()


@THOUGHTS
async def thinks_aloud(reply: Reply, asked: Asked) -> None:
    """It thinks for two seconds, in a field of its own."""
    reply.start()
    for _ in range(8):
        reply.chunk({"reasoning": "hm "})
        await reply.pause(0.25)
    await reply.say(HINT)
    reply.stop()


@THOUGHTS
async def role_then_silence(reply: Reply, asked: Asked) -> None:
    """A role chunk at once, the words 14 s later."""
    reply.start()
    reply.chunk({"role": "assistant", "content": ""})
    await reply.pause(14)
    await reply.say(HINT)
    reply.stop()
