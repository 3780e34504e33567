"""A plain client of the official library, at home in a rival's environment too.

python client.py plain BASE_URL COUNT LANES, or: rq REDIS_URL COUNT LANES, with the messages of the
requests on its input, a JSON list each; prints the seconds that all answers took.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any


def client_of(kind: str, url: str) -> Any:
    if kind == "rq":
        from openai_rq import AsyncOpenAIRQ  # type: ignore[import-not-found]

        return AsyncOpenAIRQ(redis_url=url)
    from openai import AsyncOpenAI

    return AsyncOpenAI(base_url=url, api_key="none", max_retries=0)


async def answer(client: Any, messages: list[dict[str, str]]) -> str:
    stream = await client.chat.completions.create(
        model="fake", messages=messages, max_tokens=200, stream=True
    )
    text = [c.choices[0].delta.content or "" async for c in stream if c.choices]
    return "".join(text)


async def run(kind: str, url: str, count: int, lanes: int) -> float:
    prompts = [json.loads(line) for line in sys.stdin]
    client, left = client_of(kind, url), iter(range(count))

    async def lane() -> None:
        for number in left:
            assert await answer(client, prompts[number % len(prompts)]), "an empty answer"

    began_s = time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(lanes)))
    return time.perf_counter() - began_s


if __name__ == "__main__":
    print(asyncio.run(run(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))))
