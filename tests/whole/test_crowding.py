"""A student's programs do not stop another student, whichever web process has them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from time import sleep

import httpx2
import pytest

from tests.whole.stand import Stand

pytestmark = pytest.mark.whole
EXERCISE = "python-steps/rice-days"
ENDLESS = "def rice_days(cups, per_day):\n    while True:\n        pass\n"
QUICK = "def rice_days(cups, per_day):\n    return 0\n"


def check(student: httpx2.Client, base: str, code: str) -> httpx2.Response:
    return student.post(f"{base}/v1/checks", json={"exercise": EXERCISE, "code": code})


def test_all_web_processes_together_run_one_program_of_a_student(
    stand: Stand, gunicorn: int
) -> None:
    student, other = stand.student(), stand.student()
    bases = [stand.url, f"http://127.0.0.1:{gunicorn}"]

    with ThreadPoolExecutor(20) as threads:
        # A process's first answer can take longer than a program may run: the student's second
        # request would come after the first program has ended, and may run.
        pages = [f"{bases[n % 2]}/v1/openapi.json" for n in range(20)]
        assert {each.status_code for each in threads.map(stand.staff.get, pages)} == {200}
        loops = [threads.submit(check, student, bases[n % 2], ENDLESS) for n in range(20)]
        sleep(0.5)
        quick = [check(other, base, QUICK) for base in bases]
        statuses = sorted(each.result().status_code for each in loops)

    assert [each.status_code for each in quick] == [200, 200]
    assert statuses == [200, *[429] * 19]
    assert check(student, bases[0], QUICK).status_code == 200


def test_many_students_programs_leave_threads_for_pages(stand: Stand, gunicorn: int) -> None:
    base = f"http://127.0.0.1:{gunicorn}"
    students = [stand.student() for _ in range(20)]

    with ThreadPoolExecutor(20) as threads:
        loops = [threads.submit(check, each, base, ENDLESS) for each in students]
        pages = [stand.staff.get(f"{base}/accounts/login/", timeout=10) for _ in range(10)]
        answers = [each.result() for each in loops]

    assert {page.status_code for page in pages} == {200}
    assert {each.status_code for each in answers} == {200, 503}
    assert all("Retry-After" in each.headers for each in answers if each.status_code == 503)
