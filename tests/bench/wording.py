"""Learns how leaks are worded, from the labelled hints that may be looked at.

python -m tests.bench.wording writes the weights of web.tutor.gate.wording, and what weights that
know neither a text nor its exercise say of the shipped ones. It needs scikit-learn:
pip install --group wording. It prints what is told of an author by the weights of all others.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from math import sqrt
from typing import Any
from zlib import crc32

from tests.bench import shipping
from tests.bench.corpus import FOLDER, Labelled, authored, labelled
from tests.bench.table import markdown
from tests.bench.worded import figures
from web.evaluation.calibration import JudgedText
from web.tutor.gate import judge, wording
from web.tutor.languages import LANGUAGES, Locale

LEAST = 2
"""Texts that have a piece, before it is learned."""
FOLDS = 6
DIGITS = 2


def texts() -> Iterator[Labelled]:
    """Leaks in words, and good hints."""
    ours = (hint for hint in labelled("seen") if hint.group != "code")
    for hint in (*ours, *authored("authors")):
        if hint.level <= judge.HIGHEST:
            yield hint


def learned(known: Sequence[Labelled]) -> wording.Weights:
    """Logistic regression on the pieces of each text, rare pieces weighing more (tf-idf)."""
    from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
    from sklearn.linear_model import LogisticRegression

    found = [wording.pieces(each.text) for each in known]
    counting = CountVectorizer(analyzer=sorted, binary=True, min_df=LEAST, dtype=float)
    counted = counting.fit_transform(found)
    rarity = TfidfTransformer(norm=None).fit(counted).idf_
    lengths = [[1 / sqrt(len(pieces))] for pieces in found]
    model = LogisticRegression(max_iter=3_000, class_weight="balanced")
    model.fit(counted.multiply(lengths).multiply(rarity).tocsr(), [each.leak for each in known])
    weights = model.coef_[0] * rarity
    names = map(str, counting.get_feature_names_out())
    rounded = [round(float(weight), DIGITS) for weight in weights]
    of = {name: weight for name, weight in zip(names, rounded, strict=True) if weight}
    return wording.Weights(round(float(model.intercept_[0]), DIGITS), of)


def without(known: Sequence[Labelled]) -> Iterator[tuple[Labelled, float]]:
    """What is said of each text by weights that were learned without it and its group."""
    for group in sorted({group_of(each) for each in known}):
        weights = learned([each for each in known if group_of(each) != group])
        for each in known:
            if group_of(each) == group:
                yield each, wording.by(weights, each.text)


def main() -> None:
    everything = list(texts())
    shipped = {hint.id for hint in shipping.texts()}
    weights, rows = {}, []
    told = list[JudgedText]()
    for locale in LANGUAGES:
        own = [each for each in everything if each.locale == locale]
        found = learned(own)
        weights[locale] = {"bias": found.bias, "of": found.of}
        for hint, odds in without(own):
            if hint.author:
                told.append(JudgedText(hint.leak, odds, locale))
            if hint.id in shipped:
                rows.append({"id": hint.id, "wording": round(odds, DIGITS)})
    print(markdown(figures("an author, by the weights of all others", told)))
    write(weights)
    shipping.write("wordings", sorted(rows, key=lambda row: str(row["id"])))


def group_of(hint: Labelled) -> str:
    """Equal for hints of another author, and for ours of one exercise."""
    return hint.author or str(crc32(hint.exercise.encode()) % FOLDS)


def digest() -> str:
    """Of all that is learned from: whoever changes it must learn it anew."""
    found = blake2b(digest_size=16)
    for name in ("seen", "authors"):
        found.update((FOLDER / f"{name}.jsonl").read_bytes())
    return found.hexdigest()


def write(weights: dict[Locale, dict[str, Any]]) -> None:
    found = {"digest": digest(), "weights": weights}
    body = json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()
    # Without the time in it, the same weights are the same bytes.
    wording.WEIGHTS.write_bytes(gzip.compress(body, 9, mtime=0))


if __name__ == "__main__":
    main()
