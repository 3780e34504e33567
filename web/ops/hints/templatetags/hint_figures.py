"""Figures of a hint as a cell of a table holds them; empty where there is none."""

from __future__ import annotations

from django import template

from web.hints.models import Hint, span_s

register = template.Library()


@register.filter
def wait_s(hint: Hint) -> str:
    return seconds(span_s(hint.created_at, hint.first_piece_at))


@register.filter
def total_s(hint: Hint) -> str:
    return seconds(span_s(hint.created_at, hint.finished_at))


@register.filter
def tokens(hint: Hint) -> str:
    return grouped(hint.prompt_tokens + hint.completion_tokens or None)


@register.filter
def seconds(span: float | None) -> str:
    return "" if span is None else f"{span:.1f}"


@register.filter
def grouped(number: int | None) -> str:
    # Django groups by the language's custom only where a setting of the whole site says so.
    return "" if number is None else f"{number:,}"
