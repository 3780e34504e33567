"""A hint as it grows: each sentence is read once, and what the rules ask of the whole is kept.

Nothing here reads across the white space between two sentences but code spans, whose backticks may
stand in different sentences.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from web.tutor.gate.lexis import SPAN, WORD
from web.tutor.gate.readings import Readings, readings
from web.tutor.gate.rendered import rendered
from web.tutor.gate.seen import Seen
from web.tutor.languages import HANGUL, LANGUAGES, LATIN

QUESTION = re.compile(r"[?？]+")
# A Korean word carries its particles; more syllables than this are counted as more words.
SYLLABLES_PER_WORD = 4
# Looked for where a word may begin only, so that a run of marks is read once.
WORD_START = re.compile(r"(?<!\S)[^\w\s]*+\w")
PLAIN_WORD = re.compile(r"[A-Za-z0-9_가-힣]++[.?!]\s")
"""The last word of a sentence, which changes nothing in how code behind it is read."""
LONGEST_ECHO = max(language.echo_words for language in LANGUAGES.values())
LONGEST_TRAIL = 40


class Prose(NamedTuple):
    """Counts of a text outside its code spans. asks: question marks, a doubled one once.

    own: letters of the script that the text should be in; foreign: neither those nor Latin ones.
    """

    asks: int = 0
    letters: int = 0
    own: int = 0
    foreign: int = 0

    def and_of(self, text: str, script: re.Pattern[str]) -> Prose:
        letters = latin = sum(map(str.isalpha, text))
        if not text.isascii():
            latin = len(LATIN.findall(text))
        own = latin if script is LATIN else len(script.findall(text))
        return Prose(
            self.asks + len(QUESTION.findall(text)),
            self.letters + letters,
            self.own + own,
            self.foreign + letters - latin - (0 if script is LATIN else own),
        )


class Draft:
    """text: all that was read, without white space at its end; words, prose: counts of it.

    Of the sentence read last: added, with the white space before it; sentence, as it begins in the
    text; rendered, as a reader sees what was added; spans, the insides of code spans that it
    completes; lines, those that are not blank and that it touches, after the one before them.
    """

    def __init__(self, script: re.Pattern[str] = LATIN, seen: Seen | None = None) -> None:
        """script: matches one letter of the script that the text should be in."""
        self.text = self.added = self.sentence = self.rendered = ""
        self.words = self.sentences = 0
        self.prose = Prose()
        self.spans: list[str] = []
        self.lines: list[str] = []
        self.readings = Readings()
        self.trail: list[str] = []
        """Tokens of the sentence as rendered, after so many of those before it."""
        self.said: list[str] = []
        """Words of the sentence, after the last few before it."""
        self.word_before = 0
        """Index of the last word before the sentence."""
        self._blank = ""
        """White space after the text; it becomes part of the text with the next word."""
        self._opened: int | None = None
        """Index of the first backtick that no later one closes."""
        self._settled_prose = Prose()
        self._script, self._seen = script, seen or Seen("", "")
        self._span_before = ""
        self._line = ""
        self._line_before = ""

    def read(self, sentence: str) -> None:
        """The text goes on with this sentence, which may begin and end with white space."""
        self.word_before = len(self.text) - len("".join(self.text.rsplit(None, 1)[-1:]))
        self.sentence = sentence.rstrip()
        self.added = self._blank + self.sentence if self.sentence else ""
        self._blank = ("" if self.sentence else self._blank) + sentence[len(self.sentence) :]
        self.text += self.added
        self.sentences += 1
        self.words += count_words(self.added)
        self.rendered = rendered(self.added)
        self._read_spans()
        self._read_lines()
        self._read_tokens()

    @property
    def within_reach(self) -> tuple[str, ...]:
        """The sentence after the word before it; and as rendered, where that may tell more."""
        text = self.text[self.word_before :]
        if self.rendered == text or (self.rendered == self.added and PLAIN_WORD.match(text)):
            return (text,)
        return text, self.rendered

    def _read_spans(self) -> None:
        self.spans = []
        if "`" not in self.added:
            self.prose = self.prose.and_of(self.added, self._script)
            if self._opened is None:
                self._settled_prose = self.prose
            return
        settled = len(self.text) - len(self.added) if self._opened is None else self._opened
        for span in SPAN.finditer(self.text, settled):
            self._settle(settled, span.start())
            settled = span.end()
            self.spans.append(span[1])
        # After an open backtick a later one decides what is code.
        opened = self.text.find("`", settled)
        self._opened = opened if opened >= 0 else None
        self._settle(settled, len(self.text) if self._opened is None else opened)
        self.prose = self._settled_prose
        if self._opened is not None:
            self.prose = self.prose.and_of(self.text[opened:], self._script)

    def _settle(self, start: int, end: int) -> None:
        self._settled_prose = self._settled_prose.and_of(self.text[start:end], self._script)

    def _read_lines(self) -> None:
        lines = (self._line + self.added).splitlines()
        self.lines = [line for line in (self._line_before, *lines) if line.strip()]
        if len(lines) > 1:
            self._line_before = self.lines[-2]
        self._line = lines[-1] if lines else ""

    def _read_tokens(self) -> None:
        new = readings(self.added, self.rendered, self._span_before, self.spans, self._seen)
        self._span_before = self.spans[-1] if self.spans else self._span_before
        self.readings = self.readings.then(new)
        self.trail = [*self.trail[-LONGEST_TRAIL:], *new.rendered_unmarked]
        self.said = [*self.said[1 - LONGEST_ECHO :], *filter(WORD.match, new.written)]


def count_words(text: str) -> int:
    """Words as the length limits count them; a long Korean word counts for several."""
    if not HANGUL.search(text):
        return len(WORD_START.findall(text))
    return sum(
        max(1, -(-len(HANGUL.findall(word)) // SYLLABLES_PER_WORD))
        for word in text.split()
        if WORD.search(word)
    )
