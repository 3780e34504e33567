"""What exercises are about, in the reader's language: the topics that many of them share."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

TOPICS = {
    "accumulators": _("accumulators"),
    "binary search": _("binary search"),
    "conditions": _("conditions"),
    "dict counting": _("dict counting"),
    "dictionaries": _("dictionaries"),
    "functions": _("functions"),
    "input and output": _("input and output"),
    "lists": _("lists"),
    "loops": _("loops"),
    "mutability": _("mutability"),
    "off-by-one": _("off-by-one"),
    "priority queues": _("priority queues"),
    "recursion": _("recursion"),
    "sorting": _("sorting"),
    "sorting keys": _("sorting keys"),
    "string methods": _("string methods"),
    "strings": _("strings"),
    "two pointers": _("two pointers"),
    "variables": _("variables"),
}
"""By an author's own word for it; what is not here is shown as it is written."""


def in_words(topic: str) -> str:
    """topic: one, or several with commas between them."""
    return ", ".join(str(TOPICS.get(each.casefold(), each)) for each in topic.split(", "))
