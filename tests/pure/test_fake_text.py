"""The fake vLLM's words pass the gate, and go on where they were cut."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes import vllm_text
from tests.pure.test_seed import AUTHORED, SEED, each_exercise
from web.courses.seeding import SeedExercise
from web.tutor.gate.gate import Gate
from web.tutor.languages import LANGUAGES, Locale
from web.tutor.writing import prompt


def messages(exercise: SeedExercise, level: int, locale: Locale, nonce: str = "0" * 8) -> Any:
    task = prompt.PromptTask(
        level=level,
        locale=locale,
        statement=exercise.row.statement(locale),
        hint=exercise.hints[level].text(locale),
        mistakes=exercise.row.mistakes(locale),
        result="1 of 5 tests passed",
        code=exercise.wrong[0],
    )
    return prompt.build(task, nonce)


def gate(exercise: SeedExercise, level: int, locale: Locale) -> Gate:
    return Gate(
        level=level,
        locale=locale,
        student_code=exercise.wrong[0],
        statement=exercise.row.statement(locale),
        reference=exercise.row.reference,
    )


@each_exercise
@pytest.mark.parametrize("locale", LANGUAGES)
@pytest.mark.parametrize("level", AUTHORED)
def test_every_voice_passes_the_gate_whole(
    exercise: SeedExercise, level: int, locale: Locale
) -> None:
    for voice in vllm_text.VOICES:
        text = vllm_text.answer(messages(exercise, level, locale), voice)
        judge = gate(exercise, level, locale)
        judge.feed(text)

        verdict = judge.finish()

        assert verdict.text == text, verdict
        assert "".join(vllm_text.tokens(text)) == text


@pytest.mark.parametrize("locale", LANGUAGES)
@pytest.mark.parametrize("level", AUTHORED)
def test_the_words_depend_on_the_prompt_and_the_voice_only(level: int, locale: Locale) -> None:
    one, other = SEED.exercises[:2]
    texts = [vllm_text.answer(messages(one, level, locale), voice) for voice in vllm_text.VOICES]

    assert len(set(texts)) == len(texts)
    assert vllm_text.answer(messages(one, level, locale, nonce="f" * 8), 0) == texts[0]
    assert vllm_text.answer(messages(other, level, locale), 0) not in texts


@pytest.mark.parametrize("voice", vllm_text.VOICES)
def test_any_voice_goes_on_with_the_text_of_another(voice: int) -> None:
    asked = messages(SEED.exercises[0], 3, "en")
    whole = vllm_text.answer(asked, 2)

    for cut in (len(whole) // 2, len(whole)):
        said = {"role": "assistant", "content": whole[:cut]}
        assert vllm_text.rest([*asked, said], voice) == whole[cut:]
