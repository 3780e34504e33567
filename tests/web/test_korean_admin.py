"""Every name that the admin shows of a table or of its columns has its Korean, whoever made it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.test import Client
from django.utils import translation

from web.evaluation.models import Evaluation

HANGUL = re.compile("[가-힣]")
SAME = {"ID", "URL", "top_p", "HTTP Accept", "vLLM URL", "Axes"}
"""Words that Korean has too; and the name of a library, which cannot be translated."""


def names() -> Iterator[tuple[str, str]]:
    """Where it stands, and the name."""
    for model in admin.site._registry:
        meta = model._meta
        if model is Evaluation:
            continue  # its pages are our own
        yield meta.label, str(meta.verbose_name)
        yield meta.label, str(meta.verbose_name_plural)
        yield meta.app_label, str(meta.app_config.verbose_name)
        for field in meta.get_fields():
            # What no form and no list shows is for programs.
            if getattr(field, "verbose_name", None) and getattr(field, "editable", False):
                yield f"{meta.label}.{field.name}", str(field.verbose_name)  # type: ignore[union-attr]


def test_every_table_and_column_has_a_korean_name() -> None:
    with translation.override("ko"):
        found = {(where, name) for where, name in names() if not HANGUL.search(name)}

    assert len(list(names())) > 120
    assert {each for each in found if each[1] not in SAME} == set()


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["django_celery_results/taskresult", "axes/accesslog"])
def test_their_pages_are_korean(admin: Client, path: str) -> None:
    page = admin.get(f"/admin/{path}/", headers={"Accept-Language": "ko"}).content.decode()

    title = re.search("<title>(.*?)</title>", page, re.DOTALL)
    assert title
    assert HANGUL.search(title[1])
    assert "Django administration" not in page
