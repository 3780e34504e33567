"""The fake vLLM's engine: continuous batching, one step at a time for all sequences."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol

from tests.fakes.vllm_cache import BLOCK_TOKENS, Blocks
from tests.fakes.vllm_metrics import Gauges, Metrics

BATCH_TOKENS = 2048
"""Prefill in one step, so that a long prompt does not stop the others (chunked prefill)."""
IDLE_S = 0.001
"""Without it, steps that take no time would spin over sequences that write nothing."""


class Reply(Protocol):
    """Where a sequence's words go."""

    def words(self, pieces: list[str], sequence: Sequence) -> None: ...

    def end(self, sequence: Sequence) -> None: ...

    def error(self) -> None: ...


@dataclass(slots=True, eq=False)
class Sequence:
    """One request on the engine. pieces: all tokens it will write; done: how many are out."""

    name: str
    priority: int
    names: list[bytes]
    prompt_tokens: int
    pieces: list[str]
    reason: str
    reply: Reply
    halt_after: int | None = None
    """After so many tokens no more come; `halted` is told, once."""
    halted: Callable[[], None] | None = None
    arrived_s: float = field(default_factory=monotonic)
    started_s: float = 0.0
    last_s: float = 0.0
    done: int = 0
    cached_tokens: int = 0
    prefill_left: int = 0
    own: int = 0

    def order(self) -> tuple[int, float]:
        return self.priority, self.arrived_s

    @property
    def silent(self) -> bool:
        return self.halt_after is not None and self.done >= self.halt_after


@dataclass(frozen=True)
class Pace:
    """Seconds of a step, for each sequence in it, and prefill; all 0: whole answers at once."""

    step_s: float = 0.022
    per_seq_s: float = 0.0004
    prefill_tps: float = 8000.0

    def step(self, sequences: int, prefill_tokens: int) -> float:
        prefill_s = prefill_tokens / self.prefill_tps if self.prefill_tps else 0.0
        return self.step_s + self.per_seq_s * sequences + prefill_s

    @property
    def instant(self) -> bool:
        return not self.step_s


class Scheduler:
    def __init__(self, pace: Pace, max_num_seqs: int, blocks: Blocks, metrics: Metrics) -> None:
        self.pace, self.max_num_seqs = pace, max_num_seqs
        self.blocks, self.metrics = blocks, metrics
        self.waiting: list[Sequence] = []
        self.running: list[Sequence] = []
        self.max_running = 0
        self.going = asyncio.Event()
        """Cleared: a wedged engine, no step is made."""
        self.going.set()
        self._work = asyncio.Event()

    def add(self, sequence: Sequence) -> None:
        self.waiting.append(sequence)
        self._work.set()

    def drop(self, sequence: Sequence) -> None:
        """Ends it; its slot and its blocks are free at once."""
        if sequence in self.waiting:
            self.waiting.remove(sequence)
        if sequence in self.running:
            self._leave(sequence)

    def gauges(self) -> Gauges:
        return Gauges(len(self.running), len(self.waiting), self.blocks.usage)

    async def run(self) -> None:
        now = asyncio.get_running_loop().time
        due_s = now()
        while True:
            await self.going.wait()
            if not (self.running or self.waiting):
                self._work.clear()
                await self._work.wait()
                due_s = now()
            self._admit()
            prefill = self._prefill()
            due_s = max(now(), due_s + self.pace.step(len(self.running), prefill))
            await asyncio.sleep(due_s - now())
            await self.going.wait()
            if not self._decode(prefill):
                await asyncio.sleep(IDLE_S)

    def _admit(self) -> None:
        """By priority, then by age; the first one that does not fit holds up the others."""
        self.waiting.sort(key=Sequence.order)
        while self.waiting and len(self.running) < self.max_num_seqs:
            sequence = self.waiting[0]
            found = self.blocks.found(sequence.names)
            total = sequence.prompt_tokens + sequence.done
            own = total // BLOCK_TOKENS + 1 - len(sequence.names)
            if not self.blocks.take(sequence.names, own):
                return
            del self.waiting[0]
            sequence.own, sequence.started_s = own, monotonic()
            sequence.cached_tokens = found * BLOCK_TOKENS
            sequence.prefill_left = total - sequence.cached_tokens
            self.running.append(sequence)
            self.max_running = max(self.max_running, len(self.running))
            self.metrics.prefix_queries += sequence.prompt_tokens
            self.metrics.prefix_hits += sequence.cached_tokens
            self.metrics.prompt_tokens += sequence.prompt_tokens
            self.metrics.queue.observe(sequence.started_s - sequence.arrived_s)

    def _prefill(self) -> int:
        """Prompt tokens of this step."""
        budget = BATCH_TOKENS
        for sequence in self.running:
            part = min(budget, sequence.prefill_left)
            sequence.prefill_left -= part
            budget -= part
        return BATCH_TOKENS - budget

    def _decode(self, prefill: int) -> int:
        """Tokens of this step."""
        words = 0
        for sequence in list(self.running):
            # What was dropped or preempted meanwhile is not written.
            if sequence in self.running and not sequence.prefill_left:
                words += self._write(sequence)
        self.metrics.iteration.observe(prefill + words)
        self.metrics.generation_tokens += words
        return prefill + words

    def _write(self, sequence: Sequence) -> int:
        """The next token, or all of them at once where nothing takes time."""
        if sequence.silent:
            halted, sequence.halted = sequence.halted, None
            if halted:
                halted()
            return 0
        left = len(sequence.pieces) - sequence.done
        count = left if self.pace.instant else min(1, left)
        if sequence.halt_after is not None:
            count = min(count, sequence.halt_after - sequence.done)
        pieces = sequence.pieces[sequence.done : sequence.done + count]
        if not self._room(sequence, count):
            return 0
        self._measure(sequence)
        if pieces:
            sequence.reply.words(pieces, sequence)
        if sequence.done == len(sequence.pieces) and not sequence.silent:
            self._leave(sequence)
            self.metrics.finished[sequence.reason] += 1
            self.metrics.whole.observe(monotonic() - sequence.arrived_s)
            sequence.reply.end(sequence)
        return count

    def _measure(self, sequence: Sequence) -> None:
        now_s = monotonic()
        if sequence.last_s:
            self.metrics.gap.observe(now_s - sequence.last_s)
        else:
            self.metrics.ttft.observe(now_s - sequence.arrived_s)
            self.metrics.prefill.observe(now_s - sequence.started_s)
        sequence.last_s = now_s

    def _room(self, sequence: Sequence, count: int) -> bool:
        """Makes the tokens' blocks; the youngest of the lowest priority gives way, maybe itself."""
        sequence.done += count
        held = len(sequence.names) + sequence.own
        need = (sequence.prompt_tokens + sequence.done) // BLOCK_TOKENS + 1 - held
        while need > 0 and not self.blocks.take([], need):
            last = max(self.running, key=Sequence.order)
            self._leave(last)
            self.metrics.preemptions += 1
            if last is sequence:
                sequence.done -= count
                self.waiting.append(last)
                return False
            self.waiting.append(last)
        sequence.own += max(0, need)
        return True

    def _leave(self, sequence: Sequence) -> None:
        self.running.remove(sequence)
        self.blocks.release(sequence.names, sequence.own)
        sequence.own = 0
