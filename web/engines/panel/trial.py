"""The test of what is typed: hints are asked for, and told while they come, a JSON a line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from django.utils import translation
from django.utils.translation import get_language, get_language_info
from django.utils.translation import gettext as _

from broker.contract.job import Endpoint
from web.engines import connection, findings, licences, roster
from web.engines.connection import Check, Question
from web.engines.example import WrongProgram
from web.engines.keys import UnreadableKey
from web.engines.models import Engine
from web.engines.panel.form import ModeDraft, engines_of
from web.tutor.languages import LANGUAGES, Locale

TONES = {True: "ok", None: "warning", False: "error"}


@dataclass(frozen=True, slots=True)
class AskedEngine:
    """One engine as it would be asked. endpoint: None where it cannot be; then note says why.

    licence: words on what its model may do, read ahead: a stream asks no database.
    """

    name: str
    endpoint: Endpoint | None
    note: str = ""
    licence: str = ""


def asked_engine(engine: Engine, draft: ModeDraft) -> AskedEngine:
    config = draft.form.instance
    try:
        endpoint = roster.endpoint_of(engine, config)
    except UnreadableKey as error:
        return AskedEngine(engine.name, None, str(error))
    model = roster.known_as(engine, config)
    licence = findings.licence_words(model, licences.of(model))
    if not draft.moved(engine):
        return AskedEngine(engine.name, endpoint, licence=licence)
    note = _("The stored key was not sent: this is another host. Type its key to test with it.")
    return AskedEngine(engine.name, replace(endpoint, api_key=""), note, licence)


def reached(draft: ModeDraft) -> list[AskedEngine]:
    return [asked_engine(each, draft) for each in engines_of(draft.form.instance)]


class TrialStream:
    """All engines side by side, each asked for a hint in one language after the other.

    At once they would share its slots, and their times would tell nothing.
    """

    def __init__(self, draft: ModeDraft, program: WrongProgram) -> None:
        self.engines, self.program = reached(draft), program
        self.sampling = roster.sampling_of(draft.form.instance)
        self.language = get_language() or ""
        self.told = asyncio.Queue[dict[str, Any] | None]()

    async def lines(self) -> AsyncGenerator[bytes, None]:
        """`kind`: begin, text (a piece), again (what came before is void), end. `at`: of which.

        Ends within TIMEOUT_S a language. Whoever closes it breaks the requests off.
        """
        asked = asyncio.gather(*(self.ask(each) for each in self.engines))
        # Comes behind all that they tell, so nothing of it is lost.
        asked.add_done_callback(lambda _: self.told.put_nowait(None))
        try:
            while (line := await self.told.get()) is not None:
                yield json.dumps(line, ensure_ascii=False).encode() + b"\n"
            await asked
        finally:
            asked.cancel()
            # What nobody waits for is logged as an error.
            with suppress(asyncio.CancelledError):
                await asked

    async def ask(self, engine: AskedEngine) -> None:
        for locale in LANGUAGES:
            at = f"{engine.name}-{locale}"
            # The request's language is gone: a stream runs after its middlewares.
            with translation.override(self.language):
                language = get_language_info(locale)["name_translated"]
                begin = {"engine": engine.name, "language": str(language)}
            self.tell("begin", at, **begin)
            found = await self.examined(engine, locale, at)
            with translation.override(self.language):
                self.tell("end", at, **outcome(engine, found))

    async def examined(self, engine: AskedEngine, locale: Locale, at: str) -> Check | None:
        """None where the engine cannot be asked, or not in this language."""
        if engine.endpoint is None or not engine.endpoint.writes(locale):
            return None

        def hear(piece: str | None) -> None:
            if piece is None:
                self.tell("again", at)
            elif piece:
                self.tell("text", at, piece=piece)

        question = Question(sampling=self.sampling, locale=locale, program=self.program, heard=hear)
        return await connection.examine(engine.endpoint, question)

    def tell(self, kind: str, at: str, **more: Any) -> None:
        self.told.put_nowait({"kind": kind, "at": at, **more})


def outcome(engine: AskedEngine, found: Check | None) -> dict[str, Any]:
    """What a test came to: tone, message, said, advice, and lines of label and value.

    text: what a student would see; empty where that is nothing, whatever was streamed before.
    """
    if found is None:
        unwritten = _("Its model writes no hints in this language.")
        text, tone = (unwritten, "") if engine.endpoint else (engine.note, "error")
        return {"tone": tone, "message": text, "text": "", "said": "", "advice": [], "lines": []}
    licence = (_("licence"), engine.licence)
    return {
        "tone": TONES[found.ok],
        "message": str(found.message),
        "text": found.text,
        "said": found.said,
        "advice": [*filter(None, [engine.note]), *map(str, found.advice)],
        "lines": [*findings.asked(found), *findings.measured(found), licence],
    }


def in_thread(lines: AsyncGenerator[bytes, None]) -> Iterator[bytes]:
    """The same for a server that runs a request in a thread, without an event loop."""
    with connection.own_loop() as loop:
        try:
            while (line := loop.run_until_complete(anext(lines, None))) is not None:
                yield line
        finally:
            # The loop knows only generators that were begun while it ran.
            loop.run_until_complete(lines.aclose())


def models(draft: ModeDraft) -> tuple[list[str], list[str]]:
    """What the servers of the mode say that they serve, and a sentence for each that does not."""
    found = [
        Check(each.endpoint, each.endpoint.dialect) for each in reached(draft) if each.endpoint
    ]

    async def run() -> None:
        await asyncio.gather(*map(connection.list_models, found))

    with connection.own_loop() as loop:
        loop.run_until_complete(run())
    # The servers of a fleet mostly list the same.
    names = {name for each in found for name in each.models or ()}
    silent = _("%(url)s does not tell (%(why)s).")
    whys = [
        silent % {"url": each.endpoint.base_url, "why": each.why_no_models}
        for each in found
        if each.models is None
    ]
    return sorted(names), list(dict.fromkeys(whys))
