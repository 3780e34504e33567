"""What goes between the host and its child processes: a header, and then bytes of JSON."""

from enum import IntEnum
from struct import Struct

JOB = Struct(">IdQ?")
"""Bytes of the job; seconds of CPU that it may use; bytes of memory; whether the memory that it
leaves is kept for the next job, if it comes to its end. No bytes: nothing needs the kept memory."""
DONE = JOB.pack(0, 0.0, 0, False)
ANSWER = Struct(">BI")
"""Ending, and bytes of the last line that the guest sent."""
MOST_BYTES = 256 * 1024
"""Longest line of a guest that is taken."""


class Ending(IntEnum):
    """How a run ended, whatever the guest says."""

    ENDED = 0
    """By itself."""
    TIME = 1
    """It had used its time."""
    TOO_DEEP = 2
    """Its calls stood too deep inside each other."""
    CRASHED = 3
    """It broke off."""
    LOST = 4
    """Its process was gone, and that of another try: nobody knows what the program does."""
