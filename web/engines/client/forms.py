"""Asks a server in the most telling form that it takes, and learns which it refuses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from broker.contract.job import Dialect, Sampling
from web.engines.client.errors import ModelRefused, Refusal

T = TypeVar("T")


async def in_forms(
    forms: Sequence[Sampling],
    dialect: Callable[[], Dialect],
    learn: Callable[[Dialect], None],
    ask: Callable[[Sampling], Awaitable[T]],
) -> T:
    """Asks in each form until the server takes one. Raises: what `ask` raises.

    forms: the most telling first; the last one has nothing in `more`. dialect: of the server, as it
    is known now. learn: gets what refusals have taught, once another form was taken.
    """
    known, refused = dialect().left_out, set[str]()
    for form in forms[:-1]:
        if not known.isdisjoint(form.more):
            continue
        try:
            said = await ask(form)
        except ModelRefused as error:
            if error.cause is not Refusal.REQUEST:
                raise
            # It did not say which parameter it minds: this form needs one that hints do not.
            refused |= form.more.keys()
        else:
            break
    else:
        said = await ask(forms[-1])
    # Not sooner: a server that takes no form at all minds something else, such as the length.
    if refused:
        learn(replace(dialect(), left_out=dialect().left_out | refused))
    return said
