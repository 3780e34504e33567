"""A plain client of the official library, at home in a rival's environment too.

python client.py plain BASE_URL COUNT LANES, or: rq REDIS_URL COUNT LANES, with the messages of the
requests on its input, a JSON list each; prints the seconds that all answers took. With RATE in the
place of LANES, as 10/s, it asks so often, at random, and prints when it asked: {request id: s}.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from random import Random
from typing import Any

Messages = list[dict[str, str]]


def client_of(kind: str, url: str) -> Any:
    if kind == "rq":
        from openai_rq import AsyncOpenAIRQ  # type: ignore[import-not-found]

        return AsyncOpenAIRQ(redis_url=url)
    from openai import AsyncOpenAI

    return AsyncOpenAI(base_url=url, api_key="none", max_retries=0)


async def answer(client: Any, messages: Messages, request_id: str) -> None:
    stream = await client.chat.completions.create(
        model="fake",
        messages=messages,
        max_tokens=200,
        stream=True,
        extra_headers={"X-Request-Id": request_id},
    )
    text = [c.choices[0].delta.content or "" async for c in stream if c.choices]
    assert "".join(text), "an empty answer"


async def in_lanes(client: Any, prompts: list[Messages], count: int, lanes: int) -> float:
    left = iter(range(count))

    async def lane() -> None:
        for number in left:
            await answer(client, prompts[number % len(prompts)], f"ask-{number}")

    began_s = time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(lanes)))
    return time.perf_counter() - began_s


async def at_rate(
    client: Any, prompts: list[Messages], count: int, rate: float
) -> dict[str, float]:
    gap, due_s, asked, answers = Random(1), time.time(), {}, []
    for number in range(count):
        due_s += gap.expovariate(rate)
        await asyncio.sleep(max(0.0, due_s - time.time()))
        name = f"ask-{number}"
        asked[name] = time.time()
        messages = prompts[number % len(prompts)]
        answers.append(asyncio.create_task(answer(client, messages, name)))
    await asyncio.gather(*answers)
    return asked


async def run(kind: str, url: str, count: int, how: str) -> object:
    prompts = [json.loads(line) for line in sys.stdin]
    client = client_of(kind, url)
    if how.endswith("/s"):
        return await at_rate(client, prompts, count, float(how.removesuffix("/s")))
    return await in_lanes(client, prompts, count, int(how))


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]))))
