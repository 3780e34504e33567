"""A stream ends soon after its reader may no longer read, and says why; nobody else's does."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack, closing
from pathlib import Path

import httpx2
import pytest

from broker.connect import AsyncBroker
from broker.contract.events import EventKind
from broker.embedded import Embedded
from tests.web.events.kit import Worker
from tests.web.events.plant import PASSWORD
from tests.web.events.site import Site, plant

OK = b": ok\n\n"
GONE, OUT = "not-found", "not-signed-in"
BY_SESSION = {
    "delete_hint": GONE,
    "delete_student": OUT,
    "delete_exercise": GONE,
    "move_exercise": GONE,
    "leave_course": GONE,
    "deactivate": OUT,
    "change_password": OUT,
    "end_session": OUT,
    "outlast_session": OUT,
}
BY_TOKEN = {
    "delete_hint": GONE,
    "leave_course": GONE,
    "deactivate": OUT,
    "revoke_token": OUT,
    "outlast_token": OUT,
}
CASES = [("session", act, why) for act, why in BY_SESSION.items()]
CASES += [("token", act, why) for act, why in BY_TOKEN.items()]
PEOPLE = [f"{by}-{act}" for by, act, _ in CASES]
MORE = ["out", "changer", "programmer", "pair"]


@pytest.fixture(scope="module")
def site(valkey: Embedded) -> Iterator[Site]:
    folder = Path(tempfile.mkdtemp(prefix="hl-"))
    plant(folder, "tests.web.events.plant", *PEOPLE, *MORE)
    with Site(folder, valkey.url).started() as site:
        yield site
    assert "ERROR" not in site.log()
    shutil.rmtree(folder)


def came_by(site: Site, by: str, name: str) -> dict[str, str]:
    if by == "session":
        return site.cookie(name)
    return {"Authorization": f"Bearer {site.planted['tokens'][name]}"}


async def test_a_stream_ends_when_its_reader_may_no_longer_read(
    site: Site, broker: AsyncBroker
) -> None:
    hints = {name: site.hint(name) for name in PEOPLE}
    ways = {f"{by}-{act}": came_by(site, by, f"{by}-{act}") for by, act, _ in CASES}
    async with AsyncExitStack() as leaving:
        responses = {}
        for name, hint in hints.items():
            response = site.get(f"hint={hint}", ways[name])
            responses[name] = await leaving.enter_async_context(response)
            await Worker(broker, hint).write(EventKind.STARTED, EventKind.PIECE)
            await responses[name].has(b"piece")

        calls = [(act, hints[f"{by}-{act}"], f"{by}-{act}") for by, act, _ in CASES]
        await asyncio.to_thread(site.act, *calls)

        seen = {name: await response.end() for name, response in responses.items()}

    assert seen == {name: ["started 1-1", "piece 1-2", "lost"] for name in PEOPLE}
    lost = {name: response.frames[-1].data for name, response in responses.items()}
    assert lost == {
        f"{by}-{act}": {"hint": hints[f"{by}-{act}"], "why": why} for by, act, why in CASES
    }

    # EventSource comes back, and this makes it stop.
    for (_, _, why), name in zip(CASES, PEOPLE, strict=True):
        async with site.get(f"hint={hints[name]}", ways[name]) as again:
            assert again.status == (401 if why == OUT else 404), name


async def test_a_teacher_who_is_none_any_more_loses_the_hints_of_others(
    site: Site, broker: AsyncBroker
) -> None:
    hint = site.hint()
    async with site.get(f"hint={hint}", site.cookie("eve")) as response:
        await response.has(OK)
        await asyncio.to_thread(site.act, ("demote", hint, "eve"))
        assert await response.end() == ["lost"]
    assert response.frames[0].data["why"] == GONE


async def test_the_other_hint_of_a_stream_goes_on(site: Site, broker: AsyncBroker) -> None:
    deleted, kept = site.hint("pair"), site.hint("pair")
    async with site.get(f"hint={deleted}&hint={kept}", site.cookie("pair")) as response:
        await response.has(OK)
        await asyncio.to_thread(site.act, ("delete_hint", deleted, "pair"))
        await response.has(b"lost")
        await Worker(broker, kept).write(EventKind.STARTED, EventKind.DONE)
        assert await response.end() == ["lost", "started 1-1", "done 1-2"]
    assert response.frames[0].data == {"hint": deleted, "why": GONE}


async def test_a_token_outlives_its_owners_password(site: Site, broker: AsyncBroker) -> None:
    gone, kept = site.hint("programmer"), site.hint("programmer")
    bearer = came_by(site, "token", "programmer")
    async with (
        site.get(f"hint={kept}", bearer) as response,
        site.get(f"hint={gone}", site.cookie("programmer")) as ended,
    ):
        await response.has(OK)
        await ended.has(OK)
        await asyncio.to_thread(site.act, ("change_password", kept, "programmer"))
        # One round ends the other stream, so it has asked about this one too.
        assert await ended.end() == ["lost"]
        await Worker(broker, kept).write(EventKind.STARTED, EventKind.DONE)
        assert await response.end() == ["started 1-1", "done 1-2"]


def browser(site: Site, name: str) -> httpx2.Client:
    """Signed in as a person does it."""
    client = httpx2.Client(base_url=f"http://127.0.0.1:{site.port}", follow_redirects=True)
    post(client, "/accounts/login/", username=name, password=PASSWORD)
    assert "sessionid" in client.cookies
    return client


def post(client: httpx2.Client, path: str, **form: str) -> httpx2.Response:
    token = client.cookies.get("csrftoken") or client.get("/accounts/login/").cookies["csrftoken"]
    return client.post(path, data={**form, "csrfmiddlewaretoken": token})


def cookie(client: httpx2.Client) -> dict[str, str]:
    return {"Cookie": f"sessionid={client.cookies['sessionid']}"}


async def test_signing_out_ends_the_streams_of_that_browser_only(
    site: Site, broker: AsyncBroker
) -> None:
    with closing(browser(site, "out")) as mine, closing(browser(site, "out")) as other:
        hint, second = site.hint("out"), site.hint("out")
        async with (
            site.get(f"hint={hint}", cookie(mine)) as ended,
            site.get(f"hint={second}", cookie(other)) as kept,
        ):
            await ended.has(OK)
            await kept.has(OK)
            await asyncio.to_thread(post, mine, "/accounts/logout/")
            assert await ended.end() == ["lost"]
            await Worker(broker, second).write(EventKind.DONE)
            assert await kept.end() == ["done 1-1"]
    assert ended.frames[0].data["why"] == OUT


async def test_an_open_stream_of_somebody_whose_access_stays_goes_on(
    site: Site, broker: AsyncBroker
) -> None:
    worker = Worker(broker, site.hint())
    async with site.get(f"hint={worker.hint}") as response:
        await response.has(OK)
        await asyncio.to_thread(site.act, ("deactivate", worker.hint, "changer"))
        async with site.get(f"hint={site.hint('bob')}", site.cookie("bob")) as other:
            await other.has(OK)
            await asyncio.to_thread(site.act, ("leave_course", worker.hint, "bob"))
            assert await other.end() == ["lost"]
        await worker.write(EventKind.DONE)
        assert await response.end() == ["done 1-1"]
