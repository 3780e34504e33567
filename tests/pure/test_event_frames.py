"""The bytes of an event stream."""

import json

import pytest

from broker.contract.events import EventId
from web.events import frames

A = "0b4fd3a6-8b61-4f7e-9d55-3a6b0f9f1c11"
B = "7d9c2b51-0a8e-4c39-8a53-6f0e2d4b7a22"


@pytest.mark.parametrize("data", ['{"text":"안녕 \\"x\\""}', "{}", "{ }", '{ "a": {"b": 1}}'])
def test_the_hint_is_put_in_front_of_the_data_without_losing_any(data: str) -> None:
    assert json.loads(frames.with_hint(A, data)) == {"hint": A, **json.loads(data)}


def test_a_numbered_frame_is_id_event_data() -> None:
    frame = frames.numbered(f"{A}:1-2", "piece", A, '{"text":"a"}')

    assert frame.decode() == f'id: {A}:1-2\nevent: piece\ndata: {{"hint":"{A}","text":"a"}}\n\n'


def test_an_unnumbered_frame_has_no_id() -> None:
    assert frames.unnumbered("position", A, "{}").startswith(b"event: position\ndata: ")


def test_the_opening_spreads_the_return_of_a_crowd() -> None:
    openings = {frames.opening() for _ in range(50)}

    assert len(openings) > 10
    for opening in openings:
        retry, ok = opening.decode().removesuffix("\n\n").split("\n")
        assert ok == ": ok"
        assert 2000 <= int(retry.removeprefix("retry: ")) < 4000


def test_ids_come_back_as_they_were_sent() -> None:
    sent = {A: EventId(1, 17), B: EventId(2, 3)}

    text = ",".join(frames.member(hint, last) for hint, last in sent.items())

    assert frames.parse_ids(text) == sent
    assert frames.parse_ids(text.upper()) == sent
    assert frames.parse_ids("") == {}


@pytest.mark.parametrize(
    "text",
    ["1-2", f"{A}", f"{A}:1", f"{A}:1-x", f"{A}:-1-2", "x:1-2", f"{A}:1-2;{B}:1-2",
     f"{A}:1-18446744073709551616", f"{{{A}}}:1-2", f"{A}:1-٣"],
)  # fmt: skip
def test_ids_that_were_never_sent_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a|badly formed"):
        frames.parse_ids(text)


@pytest.mark.parametrize("text", ["", "1", A[:-1], A.replace("-", ""), f"urn:uuid:{A}", f"{A}\0"])
def test_a_hint_id_has_one_spelling(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a|badly formed"):
        frames.hint_id(text)


def test_a_hint_id_may_be_upper_case() -> None:
    assert frames.hint_id(A.upper()) == A
