"""A child process of the host: runs one job after the other, each in memory of its own or in that
which the one before has left.

It has wasmtime and nothing else of ours: no settings, no database, no environment. What it reads
and writes is in web.runner.host.
"""

from __future__ import annotations

import fcntl
import os
import sys
from contextlib import suppress
from threading import Event, Lock, Thread, stack_size
from time import monotonic, process_time
from typing import BinaryIO, NoReturn

from wasmtime import Engine, Store, WasiConfig, WasmtimeError
from wasmtime.component import Component, Func, Linker

from web.runner.build import STACK_BYTES, wasm_engine
from web.runner.wire import ANSWER, JOB, MOST_BYTES, Ending

LOOK_S = 0.01
STALL_S = 1.0
"""A program that uses no CPU for so long waits for something that never comes here."""
PIPE_BYTES = 1 << 20
"""A guest that has written so much waits until the next look."""
MESSAGES = {
    "wasm trap: interrupt": Ending.TIME,
    "wasm trap: call stack exhausted": Ending.TOO_DEEP,
}


# A guest may write without end: no more is kept than a line that will be read.
class Lines:
    """The guest's standard output. last: its last whole line that is not longer than allowed.

    A pipe: to write there is one system call, while a function would be called by another thread,
    for which a busy machine lets the guest wait at each line. path: the end that is written to.
    """

    def __init__(self) -> None:
        self._pipe, into = os.pipe()
        os.set_blocking(self._pipe, False)
        # Linux alone has it, and a user's share may be less.
        with suppress(AttributeError, OSError):
            fcntl.fcntl(into, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self.path = f"/dev/fd/{into}"
        self._reads = Lock()
        self.clear()

    def clear(self) -> None:
        self.last = b""
        self._rest = bytearray()
        self._skips = False

    def read(self) -> None:
        """Take what has been written, but no more than a pipe holds: the guest may go on."""
        with self._reads, suppress(BlockingIOError):
            for _ in range(PIPE_BYTES // MOST_BYTES):
                self.take(os.read(self._pipe, MOST_BYTES))

    def take(self, data: bytes) -> None:
        *whole, rest = data.split(b"\n")
        for part in whole:
            line, self._rest = self._rest + part, bytearray()
            if not self._skips and 0 < len(line) <= MOST_BYTES:
                self.last = bytes(line)
            self._skips = False
        self._rest += rest
        if len(self._rest) > MOST_BYTES:
            self._skips, self._rest = True, bytearray()


class Deadline:
    """Ends a run that has used its CPU time, or that waits; ends us if our parent is gone."""

    def __init__(self, engine: Engine, answers: BinaryIO, lines: Lines) -> None:
        self._engine, self._answers, self._parent = engine, answers, os.getppid()
        self._lines = lines
        self._runs = Event()
        Thread(target=self._watch, daemon=True).start()

    def begin(self, limit_s: float) -> None:
        self._until_s = process_time() + limit_s
        self._seen_s, self._moved_s = process_time(), monotonic()
        self._runs.set()

    def end(self) -> None:
        self._runs.clear()

    def _watch(self) -> NoReturn:
        pause = Event()
        while True:
            self._runs.wait()
            pause.wait(LOOK_S)
            if os.getppid() != self._parent:
                os._exit(0)
            self._lines.read()
            used_s = process_time()
            if used_s - self._seen_s > STALL_S / 50:
                self._seen_s, self._moved_s = used_s, monotonic()
            if self._runs.is_set() and used_s >= self._until_s:
                self._engine.increment_epoch()
            elif self._runs.is_set() and monotonic() - self._moved_s > STALL_S:
                # It waits in the host, where no epoch reaches it: our successor starts afresh.
                answer(self._answers, Ending.TIME, self._lines.last)
                os._exit(0)


def answer(stream: BinaryIO, ending: Ending, line: bytes) -> None:
    stream.write(ANSWER.pack(ending, len(line)) + line)
    stream.flush()


def main(path: str) -> None:
    jobs, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    engine = wasm_engine(reuses=True)
    component, linker = Component.deserialize_file(engine, path), Linker(engine)
    linker.add_wasip2()
    lines = Lines()
    deadline = Deadline(engine, answers, lines)
    jobs_left = True
    while jobs_left:
        # A store holds all the memory of a run, and nothing of it is left when the store is closed.
        with Store(engine) as store:
            wasi = WasiConfig()  # no files, no environment, no arguments
            wasi.stdout_file = lines.path
            store.set_wasi(wasi)
            store.set_epoch_deadline(1)
            # Made before there is a job, which need not wait for it.
            function = linker.instantiate(store, component).get_func(store, "run")
            assert function, "the guest has another world"
            keeps = True
            while keeps and (jobs_left := bool(header := jobs.read(JOB.size))):
                size, time_s, memory_bytes, keeps = JOB.unpack(header)
                if not size:
                    break
                job = jobs.read(size).decode()
                store.set_limits(memory_size=memory_bytes)
                # One step: the watching thread takes it when the time is over.
                store.set_epoch_deadline(1)
                lines.clear()
                deadline.begin(time_s)
                ending = run(store, function, job)
                deadline.end()
                lines.read()
                answer(answers, ending, lines.last)
                # What a trap has left cannot be called again.
                keeps = keeps and ending is Ending.ENDED


def run(store: Store, function: Func, job: str) -> Ending:
    try:
        function(store, job)
    except WasmtimeError as error:
        text = str(error)
        return next((end for part, end in MESSAGES.items() if part in text), Ending.CRASHED)
    return Ending.ENDED


if __name__ == "__main__":
    # The first thread has 8 MB, and a program that recurses without end would end the process.
    stack_size(STACK_BYTES + (16 << 20))
    Thread(target=main, args=sys.argv[1:]).start()
