"""Text of others within a prompt: between marks that its author cannot close."""

from __future__ import annotations

import re

from web.tutor.gate.lexis import printable

# Servers read the tokens of their chat template in a message's text as well, so that `<|im_end|>`
# in a comment would end the message.
TURN = re.compile(
    r"[<＜](?=[/|｜]|(?:data|student)-|[A-Za-z_][^\s<>]{0,40}>)|\[(?=/?[A-Z_]{3,40}\])"
)


def marked(tag: str, nonce: str, text: str) -> str:
    """The inert text between marks: what could close these, or open another message, has a blank
    in it: `< /`, `< |`, `< s>`, `[ INST]`."""
    return between(tag, nonce, inert(text))


def between(tag: str, nonce: str, text: str) -> str:
    """The text as it is between `<tag-nonce>` and `</tag-nonce>`, without the nonce in it."""
    # By a blank, as what stands around a nonce that is taken out could be one again.
    return f"<{tag}-{nonce}>\n{text.replace(nonce, ' ')}\n</{tag}-{nonce}>"


def inert(text: str) -> str:
    """The printable text, without a mark of prompts or of chat templates; without end breaks."""
    text = printable(text)
    # Few texts have one of these, and the pattern would look at each character.
    if "<" in text or "[" in text or "＜" in text:
        text = TURN.sub(r"\g<0> ", text)
    return text.strip("\n")
