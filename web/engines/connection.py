"""The test of a connection: asks an engine for a hint, and says what is wrong if none comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field, replace
from time import perf_counter

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from broker.contract.job import Dialect, Endpoint, Sampling, Thinking
from broker.health import EngineFailure
from web.engines import example
from web.engines.client.answer import Answer
from web.engines.client.errors import EngineFailed, ModelError, ModelRefused, Refusal
from web.engines.client.model import Model
from web.engines.example import WrongProgram
from web.engines.listing import NoListError, listed
from web.tutor.gate.ruling import Ruling
from web.tutor.languages import Locale
from web.tutor.writing import prompt
from web.tutor.writing.fault import Fault

TIMEOUT_S = 10.0
LISTING_S = 5.0
SHORTEST_PAUSE_S = 0.5
READ_ON_S = 5.0
"""Half of TIMEOUT_S: who reads on for thoughts must still have time for a second answer."""
TURNS = 2
"""As a hint: a model whose text the gate refuses is asked once more."""
BLOCKED_CHARS = 1000
UNREACHED, STATUS = "no answer", "status"
"""How the text of an UNREACHABLE begins if no answer came, or one that is no stream."""
REQUEST_ID = "connection-test"
Words = str | Promise
GATED = _("The gate blocked it twice, by rule %(rule)s; students would get the author's hint.")
NOT_LISTED = _("The server's list of models does not have this one; hints do not mind.")
NO_THOUGHTS = _(
    "No thoughts came. If this model never writes any, choose that it does not think: then "
    "students see its words as they come."
)
HINTS_WAIT = _("A hint waits %(first)d s for the first word, and %(whole)d s for the whole answer.")


class OnlyThoughtsError(Exception):
    """The model was cut before it came to an answer, as far as one can know."""


@dataclass(slots=True)
class Check:
    """What a connection test found; nothing of it holds the key.

    dialect: with which the server took the request.
    ok: True if a hint can use the engine, False if it cannot, None if that is not known.
    said: the server's own words, cut. text: what a student would see; blocked_text: what the gate
    held back. models: those of the server, None if it does not tell; why_no_models: then the cause.
    thought_chars: of thoughts that came and were dropped. first_ms: until the first word or
    thought.
    """

    endpoint: Endpoint
    dialect: Dialect
    ok: bool | None = None
    message: Words = ""
    said: str = ""
    advice: list[Words] = field(default_factory=list)
    text: str = ""
    blocked_text: str = ""
    models: tuple[str, ...] | None = None
    why_no_models: str = ""
    thought_chars: int = 0
    first_ms: int | None = None
    took_ms: int = 0

    def ends(self, ok: bool | None, message: Words, *advice: Words, said: str = "") -> None:
        self.ok, self.message, self.advice, self.said = ok, message, list(advice), said


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The hint that is asked for. locale: of the hint, if a model has it.

    heard: is told each piece of an answer while it comes, and None where a new answer begins.
    """

    sampling: Sampling
    locale: Locale
    program: WrongProgram = field(default_factory=example.shipped)
    heard: Callable[[str | None], None] = lambda piece: None


def check_all(endpoints: Sequence[Endpoint], sampling: Sampling, locale: Locale) -> list[Check]:
    """Tests the engines side by side, within TIMEOUT_S."""
    question = Question(sampling=sampling, locale=locale)

    async def run() -> list[Check]:
        return await asyncio.gather(*(examine(each, question) for each in endpoints))

    with own_loop() as loop:
        return loop.run_until_complete(run())


@contextmanager
def own_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop for a thread that has none; what still runs in it at the end is broken off."""
    # asyncio.run would wait for threads that look up host names.
    loop = asyncio.new_event_loop()
    try:
        yield loop
    finally:
        for task in (left := asyncio.all_tasks(loop)):
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


async def examine(endpoint: Endpoint, question: Question) -> Check:
    """Tests one engine, within TIMEOUT_S; whatever goes wrong is in the check."""
    found = Check(endpoint, endpoint.dialect)
    # No header can carry other characters; from the client it would look like a server's refusal.
    if not (endpoint.api_key.isascii() and endpoint.api_key.isprintable()):
        found.ends(False, _("The URL or the API key has characters that cannot be sent."))
        return found
    trial = Trial(found, question)
    # Beside the hint, because a hint does not need the list.
    listing = asyncio.create_task(list_models(found))
    try:
        async with asyncio.timeout(TIMEOUT_S):
            await trial.run()
    except ModelError as error:
        explain(error, found)
    except OnlyThoughtsError:
        explain_thoughts(found)
    except TimeoutError:
        explain_silence(found)
    finally:
        found.took_ms = trial.elapsed_ms()
        await trial.model.aclose()
        await listing
    if found.ok and found.models is not None and endpoint.model not in found.models:
        found.advice.append(NOT_LISTED)
    if found.ok and endpoint.thinking is Thinking.UNKNOWN and not found.thought_chars:
        found.advice.append(NO_THOUGHTS)
    return found


async def list_models(found: Check) -> None:
    """Puts the server's models into the check, or why it tells none, within LISTING_S."""
    try:
        async with asyncio.timeout(LISTING_S):
            found.models = await listed(found.endpoint)
    except NoListError as error:
        found.why_no_models = str(error)
    except TimeoutError:
        found.why_no_models = f"> {LISTING_S:g} s"


class Trial:
    """The turns of one hint; what comes of them goes into the check."""

    def __init__(self, found: Check, question: Question) -> None:
        endpoint, locale = found.endpoint, question.locale
        self.found, self.question, self.model = found, question, Model()
        self.sampling = prompt.with_room(question.sampling, example.LEVEL, locale)
        self.locale = locale if endpoint.writes(locale) else endpoint.languages[0]
        self.started = perf_counter()

    def elapsed_ms(self) -> int:
        return round((perf_counter() - self.started) * 1000)

    async def run(self) -> None:
        """Raises: ModelError, OnlyThoughtsError."""
        fault = None
        for _turn in range(TURNS):
            ruling = await self.turn_with_pauses(fault)
            if ruling.ok:
                self.found.text, self.found.blocked_text = ruling.text, ""
                self.found.ends(True, _("It answers, and a hint can use it."))
                return
            fault = ruling.fault
        text = _("It answers, but students would not be shown what it wrote.")
        self.found.ends(None, text, GATED % {"rule": ruling.rule})

    async def turn_with_pauses(self, fault: Fault | None) -> Ruling:
        """One turn; waits and asks again where a hosted API asks for that and time is left.

        fault: what was wrong with the first turn's answer; None for the first one.
        """
        while True:
            try:
                return await self.turn(fault)
            except EngineFailed as error:
                left_s = TIMEOUT_S - self.elapsed_ms() / 1000
                pause_s = max(error.retry_after_s or 0, SHORTEST_PAUSE_S)
                # Only a rate limit may name a time, and without one the test would have to guess.
                if error.retry_after_s is None or pause_s >= left_s:
                    raise
                await asyncio.sleep(pause_s)

    async def turn(self, fault: Fault | None) -> Ruling:
        """One answer, through what every hint goes through. Raises: ModelError, OnlyThoughtsError.

        A second turn need not learn again how the server wants to be asked.
        """
        found, program, written, decided = self.found, self.question.program, "", False
        gate, messages = program.gate(self.locale), program.messages(self.locale, fault)
        endpoint = replace(found.endpoint, dialect=found.dialect)
        answer = Answer(endpoint)
        self.question.heard(None)
        async with aclosing(
            self.model.stream(endpoint, self.sampling, messages, REQUEST_ID)
        ) as chunks:
            async for chunk in chunks:
                found.dialect = chunk.learned or found.dialect
                if found.first_ms is None and (chunk.text or chunk.thoughts):
                    found.first_ms = self.elapsed_ms()
                piece = answer.feed(chunk)
                if not decided:
                    self.question.heard(piece)
                    written += piece
                    gate.feed(piece)
                    decided = gate.decided
                # An attempt closes its stream here too: nobody pays for text that nobody will see.
                if decided and not self.reads_on():
                    break
        if not decided:
            written += (piece := answer.finish())
            self.question.heard(piece)
            gate.feed(piece)
        if answer.dialect.thinks and not endpoint.dialect.thinks:
            # From now on the text of this engine is held, also that of hints.
            found.dialect, found.thought_chars = answer.dialect, 0
            return await self.turn(fault)
        found.thought_chars += answer.thought
        if answer.only_thoughts:
            raise OnlyThoughtsError
        found.blocked_text = written[:BLOCKED_CHARS]
        return gate.finish(cut=answer.incomplete)

    def reads_on(self) -> bool:
        """Whether to read on after the hint: a model set not to think may close thoughts later."""
        never = self.found.endpoint.thinking is Thinking.NEVER
        return never and self.elapsed_ms() < READ_ON_S * 1000


def explain(error: ModelError, found: Check) -> None:
    """The failure in words that name what to change."""
    said = str(error)
    match error:
        case ModelRefused(cause=Refusal.KEY):
            found.ends(False, _("The server refuses the API key."), said=said)
        case ModelRefused(cause=Refusal.MODEL):
            found.ends(False, _("The server does not have this model."), said=said)
        case ModelRefused(cause=Refusal.ADDRESS):
            text = _("No OpenAI API at this URL; it usually ends in /v1.")
            found.ends(False, text, said=said)
        case ModelRefused():
            advice = _(
                "If the request is too long for it, it needs a longer context; a parameter that "
                "it names can be left empty in the AI mode."
            )
            found.ends(False, _("The server refuses a hint's request."), advice, said=said)
        case EngineFailed(failure=EngineFailure.RATE_LIMITED):
            text = _("The account asks too fast just now; hints would wait and ask again.")
            found.ends(None, text, said=said)
        case EngineFailed(failure=EngineFailure.BUSY):
            text = _("The server has no room just now; hints would ask again.")
            found.ends(None, text, said=said)
        case EngineFailed(failure=EngineFailure.TIMEOUT):
            found.ends(False, _("The server took the request and fell silent."), said=said)
        case EngineFailed(failure=EngineFailure.UNREACHABLE) if said.startswith(UNREACHED):
            found.ends(False, _("Nothing answers at this URL."), said=said)
        case EngineFailed(failure=EngineFailure.UNREACHABLE) if said.startswith(STATUS):
            found.ends(False, _("The server answers with an error."), said=said)
        case _:
            found.ends(False, _("The answer breaks off, or cannot be read."), said=said)


def explain_thoughts(found: Check) -> None:
    if found.thought_chars:
        text = _("All tokens went into thoughts: nothing is left to show.")
        found.ends(False, text, _("Raise max tokens in the AI mode, or turn thinking off."))
    else:
        text = _("It was cut at its limit, and what it wrote may be thoughts.")
        advice = _("Raise max tokens in the AI mode, or choose that this model does not think.")
        found.ends(False, text, advice)


def explain_silence(found: Check) -> None:
    """The test has no more time, but a hint would have."""
    if found.first_ms is None:
        text = _("No word came within 10 seconds, so it is not known whether hints can use it.")
    else:
        text = _("It answers, but was not done within 10 seconds.")
    waits = {"first": found.endpoint.first_chunk_s, "whole": found.endpoint.deadline_s}
    found.ends(None, text, HINTS_WAIT % waits)
