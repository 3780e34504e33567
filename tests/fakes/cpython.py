"""Runs programs in the machine's own Python, each in a process of its own.

python tests/fakes/cpython.py: JSON on standard input, a list of [code, stdin]; a list of [printed,
class of the exception that ended it or ""] on standard output.
"""

import json
import os
import signal
import sys
import types

LIMIT_S = 10


def run(code: str, stdin: str) -> tuple[str, str]:
    # By the descriptor itself, as a program may read or write there.
    with os.fdopen(os.memfd_create("in"), "wb+") as source:
        source.write(stdin.encode())
        source.flush()
        os.lseek(source.fileno(), 0, os.SEEK_SET)
        os.dup2(source.fileno(), 0)
    sink = os.memfd_create("out")
    os.dup2(sink, 1)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    module = sys.modules["__main__"] = types.ModuleType("__main__")
    ended = ""
    try:
        exec(compile(code, "program.py", "exec", dont_inherit=True), module.__dict__)  # noqa: S102
    except SystemExit as error:
        ended = "SystemExit" if error.code else ""
    except BaseException as error:
        ended = type(error).__name__
    sys.stdout.flush()
    os.lseek(sink, 0, os.SEEK_SET)
    return os.read(sink, 1 << 20).decode("utf-8", "replace"), ended


def apart(code: str, stdin: str) -> list[str]:
    """The same in a fork, so that no program sees what another one has changed."""
    there, here = os.pipe()
    if not (pid := os.fork()):
        signal.alarm(LIMIT_S)
        os.write(here, json.dumps(run(code, stdin)).encode())
        os._exit(0)
    os.close(here)
    with os.fdopen(there, "rb") as answer:
        said = answer.read()
    os.waitpid(pid, 0)
    return json.loads(said) if said else ["", "killed"]


if __name__ == "__main__":
    answers = os.fdopen(os.dup(1), "w")
    json.dump([apart(code, stdin) for code, stdin in json.load(sys.stdin)], answers)
    answers.close()
