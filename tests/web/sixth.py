"""A pytest plugin: the table of levels has a sixth entry before the site is loaded, and the
prompts a file for it.
"""

import atexit
import shutil
import tempfile
from pathlib import Path

from web.tutor.levels import LEVELS, Level, QuestionRule
from web.tutor.writing import versions

FORMS = {
    "ko": "두 실행을 8~12단어로 견주세요.",
    "en": "Compare two runs in 8 to 12 words.",
}

SIXTH = LEVELS[6] = Level(
    name="compare",
    label={"ko": "견주기", "en": "Compare"},
    about={"ko": "두 실행을 나란히 보여 줘요.", "en": "Two runs, side by side."},
    min_words=6,
    max_words=14,
    asking=QuestionRule.LAST,
)

folder = Path(tempfile.mkdtemp(prefix="hl-"))
atexit.register(shutil.rmtree, folder, ignore_errors=True)
shutil.copytree(versions.FOLDER / versions.CURRENT, folder / versions.CURRENT)
for locale, form in FORMS.items():
    (folder / versions.CURRENT / locale / "6.toml").write_text(f'tokens = 100\nform = "{form}"\n')
versions.FOLDER = folder
