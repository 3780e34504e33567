"""One connection's order of events: whatever arrives in whatever way, no gap and no repetition."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.contract.events import START, Event, EventId, EventKind
from web.events.feed import LIMIT, Feed, Final, Stage, Watch, follows
from web.people.passes import Pass

HINT = "0b4fd3a6-8b61-4f7e-9d55-3a6b0f9f1c11"
OTHER = "7d9c2b51-0a8e-4c39-8a53-6f0e2d4b7a22"


def event(attempt: int, seq: int, kind: EventKind = EventKind.PIECE) -> Event:
    return Event(EventId(attempt, seq), kind, "{}")


def live(last: EventId = START) -> Watch:
    watch = Feed([HINT], {HINT: last}, Pass(user=1)).watches[HINT]
    watch.stage = Stage.LIVE
    return watch


def sent(watch: Watch) -> list[str]:
    """`<kind> <attempt>-<seq>` of the numbered frames, `<kind>` of the others."""
    found = []
    for frame in watch.feed.frames:
        fields = dict(line.split(": ", 1) for line in frame.decode().strip().split("\n"))
        id = fields.get("id", "").partition(":")[2]
        found.append(f"{fields['event']} {id}".strip())
    return found


def pieces(*ids: str) -> list[str]:
    return [f"piece {id}" for id in ids]


def test_live_events_go_out_as_they_are_heard() -> None:
    watch = live()

    for seq in (1, 2, 3):
        watch.hear(event(1, seq))

    assert sent(watch) == pieces("1-1", "1-2", "1-3")


def test_an_event_heard_twice_goes_out_once() -> None:
    watch = live()

    for seq in (1, 2, 1, 2):
        watch.hear(event(1, seq))

    assert sent(watch) == pieces("1-1", "1-2")


def test_a_hole_sends_the_watch_back_to_the_log() -> None:
    watch = live()

    watch.hear(event(1, 1))
    watch.hear(event(1, 3))

    assert watch.stage is Stage.BEHIND
    assert sent(watch) == pieces("1-1")


def test_a_new_attempt_that_misses_its_first_event_is_a_hole() -> None:
    watch = live(EventId(1, 7))

    watch.hear(event(2, 2))

    assert watch.stage is Stage.BEHIND


def test_what_was_heard_while_reading_follows_what_was_read() -> None:
    watch = live()
    watch.stage = Stage.READING

    watch.hear(event(1, 2))
    watch.hear(event(1, 3))
    moved = watch.replay([event(1, 1), event(1, 2)])
    watch.caught_up(moved)

    assert sent(watch) == pieces("1-1", "1-2", "1-3")
    assert watch.stage is Stage.LIVE


def test_a_confirmation_while_reading_makes_it_read_again() -> None:
    watch = live()
    watch.stage = Stage.READING

    watch.confirm()
    watch.caught_up(watch.replay([event(1, 1)]))

    assert watch.stage is Stage.BEHIND


def test_a_hole_that_the_log_cannot_fill_is_a_reset() -> None:
    watch = live(EventId(1, 1))

    watch.hear(event(1, 5))
    watch.stage = Stage.READING
    watch.caught_up(watch.replay([]))

    assert sent(watch) == ["reset 1-4", "piece 1-5"]
    assert watch.stage is Stage.LIVE


def test_a_trimmed_log_is_a_reset_and_what_is_left() -> None:
    watch = live(EventId(1, 1))

    watch.replay([event(1, 5), event(1, 6)])

    assert sent(watch) == ["reset 1-4", "piece 1-5", "piece 1-6"]


def test_a_long_log_is_not_slowness() -> None:
    watch = live()

    watch.replay([event(1, seq) for seq in range(1, 3 * LIMIT)])

    assert not watch.feed.ended


def test_more_live_frames_than_the_limit_end_the_feed() -> None:
    watch = live()

    for seq in range(1, LIMIT + 1):
        watch.hear(event(1, seq))
    assert not watch.feed.ended
    watch.hear(event(1, LIMIT + 1))

    assert watch.feed.ended
    assert watch.feed.frames == []


def test_more_held_events_than_the_limit_end_the_feed() -> None:
    watch = live()
    watch.stage = Stage.READING

    for seq in range(1, LIMIT + 2):
        watch.hear(event(1, seq))

    assert watch.feed.ended


def test_nothing_follows_an_end() -> None:
    """The frames that waited are gone: whatever came after them would leave a gap."""
    watch = live()

    watch.hear(event(1, 1))
    watch.feed.end()
    watch.hear(event(1, 2))
    watch.replay([event(1, 3)])
    watch.restart(START)

    assert sent(watch) == []


def test_nothing_follows_done() -> None:
    watch = live()

    watch.hear(event(1, 1, EventKind.DONE))
    watch.hear(event(1, 2))
    watch.replay([event(1, 3)])
    watch.confirm()
    watch.conclude(Final("answered", "", "x", 1))

    assert sent(watch) == ["done 1-1"]
    assert watch.feed.complete


def test_a_final_row_is_a_snapshot_and_a_done_beyond_every_event() -> None:
    watch = live(EventId(2, 9))

    watch.conclude(Final("failed", "expired", "글", 2))

    assert sent(watch) == ["snapshot", "done 3-0"]
    data = [json.loads(frame.decode().split("data: ")[1]) for frame in watch.feed.frames]
    assert data == [
        {"hint": HINT, "state": "failed", "text": "글"},
        {"hint": HINT, "state": "failed", "reason": "expired"},
    ]


def test_the_id_tells_where_every_hint_stands() -> None:
    feed = Feed([HINT, OTHER], {OTHER: EventId(2, 1)}, Pass(user=1))
    watch = feed.watches[HINT]
    watch.stage = Stage.LIVE

    watch.hear(event(1, 1))

    assert feed.frames[0].startswith(f"id: {HINT}:1-1,{OTHER}:2-1\n".encode())


def test_the_place_is_shown_when_it_changes_and_while_it_waits() -> None:
    watch = live()

    for place in ((3, 60), (3, 60), (2, 40)):
        watch.stand(*place)
    watch.hear(event(1, 1, EventKind.STARTED))
    watch.stand(1, 20)
    watch.hear(event(1, 2, EventKind.QUEUED))
    watch.stand(2, 40)

    assert sent(watch) == ["position", "position", "started 1-1", "queued 1-2", "position"]


@given(st.integers(0, 12), st.lists(st.sampled_from(["hear", "lose", "again", "read", "end"])))
def test_any_mixture_of_hearing_and_reading_gives_each_event_once(
    known: int, steps: list[str]
) -> None:
    """A link may lose events, but then its successor confirms the watch before anything else."""
    log = [event(1, seq) for seq in range(1, 9)] + [event(2, seq) for seq in range(1, 5)]
    last = log[known - 1].id if known else START
    watch = live(last)
    written, lost, read = known, False, list[Event]()

    for step in [*steps, *["end", "lose"] * len(log), "back", "end", "read", "end"]:
        if step in ("hear", "lose") and written < len(log):
            written += 1
            lost = lost or step == "lose"
        if step in ("hear", "again", "back") and lost:
            watch.confirm()
            lost = False
        if step in ("hear", "again") and written:
            watch.hear(log[written - 1])
        if step == "read" and watch.stage is Stage.BEHIND:
            watch.stage = Stage.READING
            read = [entry for entry in log[:written] if entry.id > watch.last]
        if step == "end" and watch.stage in (Stage.READING, Stage.BEHIND):
            watch.caught_up(watch.replay(read))

    assert sent(watch) == pieces(*(str(entry.id) for entry in log[known:]))


@pytest.mark.parametrize(
    ("last", "next_", "close"),
    [((0, 0), (1, 1), True), ((1, 1), (1, 2), True), ((1, 7), (3, 1), True),
     ((1, 1), (1, 3), False), ((1, 7), (2, 2), False), ((2, 0), (1, 1), False)],
)  # fmt: skip
def test_follows(last: tuple[int, int], next_: tuple[int, int], close: bool) -> None:
    assert follows(EventId(*last), EventId(*next_)) is close
