"""What stopped a run in the sandbox: an error of the student, a limit, or a missing feature."""

from __future__ import annotations

import builtins
import re
import sys

from pydantic_monty import MontyRuntimeError, MontySyntaxError

from web.tutor.evidence.report import LENGTHS, ProgramError, Report, Verdict, shorten

# Each source fed to a session gets a numbered file name; the student's code is the second.
STUDENT_FILE = "<python-input-1>"
# Of an exception's class and text; the text alone may have 30 million characters.
READ_CHARS = 1_000
TIME_LIMIT_S = 2.0
MEMORY_LIMIT_BYTES = 64 * 2**20
UNSUPPORTED = re.compile(r"does not yet support (.+)|(.+) are not supported$")
NO_MODULE = re.compile(r"No module named '(\w+)")
NO_IMPORT = re.compile(r"cannot import name '(\w+)' from '(\w+)")
NO_NAME = re.compile(r"name '(\w+)' is not defined")
NO_ATTRIBUTE = re.compile(
    r"(?:type object )?(module )?'(\w+)'(?: object)? has no attribute '(\w+)'"
)


def translate(error: MontySyntaxError | MontyRuntimeError) -> Report:
    """What the sandbox's exception reports, with the line in the student's code."""
    if isinstance(error, MontySyntaxError):
        line = error.traceback()[-1].line
        return stop("SyntaxError", error.display("msg").strip(), line)
    text = error.display("type-msg")
    kind, _, message = text[:READ_CHARS].partition(": ")
    lines = [frame.line for frame in error.traceback() if frame.filename == STUDENT_FILE]
    dropped = max(0, len(text) - READ_CHARS)
    return stop(kind, message, lines[-1] if lines else None, dropped)


def stop(kind: str, message: str, line: int | None = None, dropped: int = 0) -> Report:
    """What an exception of this class name and text reports; dropped: characters of it unread."""
    message = shorten(message, LENGTHS["message"], dropped)
    feature = _missing(kind, message)
    if feature:
        error = ProgramError(kind="Unsupported", message=feature, line=line)
        return Report(verdict=Verdict.SKIPPED, error=error)
    verdict = Verdict.SYNTAX if kind == "SyntaxError" else Verdict.ERROR
    if kind == "TimeoutError" and message.startswith("feed time limit exceeded"):
        verdict, message = Verdict.TIMEOUT, f"ran longer than {TIME_LIMIT_S:g} seconds"
    if kind == "MemoryError" and "memory limit" in message:
        verdict, message = Verdict.MEMORY, f"used more than {MEMORY_LIMIT_BYTES >> 20} MB"
    return Report(verdict=verdict, error=ProgramError(kind=kind, message=message, line=line))


def _missing(kind: str, message: str) -> str | None:
    """What real Python has and the sandbox has not, so that no student is blamed for it."""
    if kind == "NotImplementedError" and (found := UNSUPPORTED.search(message)):
        return found[1] or found[2]
    if kind == "ModuleNotFoundError" and (found := NO_MODULE.search(message)):
        return f"module {found[1]}" if found[1] in sys.stdlib_module_names else None
    if kind == "ImportError" and (found := NO_IMPORT.match(message)):
        # A real module has the name too, as far as can be told: it need not be loaded here.
        module = sys.modules.get(found[2])
        real = found[2] in sys.stdlib_module_names and (not module or hasattr(module, found[1]))
        return f"{found[2]}.{found[1]}" if real else None
    if kind == "NameError" and (found := NO_NAME.search(message)):
        return f"{found[1]}()" if hasattr(builtins, found[1]) else None
    if kind == "AttributeError" and (found := NO_ATTRIBUTE.search(message)):
        # Only modules that are loaded already: the text is the student's to write.
        home = sys.modules.get(found[2]) if found[1] else getattr(builtins, found[2], None)
        return f"{found[2]}.{found[3]}" if hasattr(home, found[3]) else None
    return None
