"""A pytest plugin: the table of levels has a sixth entry before the site is loaded."""

from web.tutor.levels import LEVELS, Level, QuestionRule

SIXTH = LEVELS[6] = Level(
    name="compare",
    label={"ko": "견주기", "en": "Compare"},
    about={"ko": "두 실행을 나란히 보여 줘요.", "en": "Two runs, side by side."},
    form={
        "ko": "두 실행을 {low}~{high}단어로 견주세요.",
        "en": "Compare two runs in {low} to {high} words.",
    },
    aim_words=(8, 12),
    min_words=6,
    max_words=14,
    asking=QuestionRule.LAST,
)
