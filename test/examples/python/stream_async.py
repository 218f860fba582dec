"""Prints the chunks of two streams that one program reads at the same time."""

import asyncio
import json

from openai import AsyncOpenAI

client = AsyncOpenAI()


async def chunks_of(question: str) -> list:
    stream = await client.chat.completions.create(
        model="google/gemini-2.5-pro",
        messages=[{"role": "user", "content": question}],
        max_tokens=16,
        stream=True,
    )
    return [chunk.model_dump(exclude_unset=True) async for chunk in stream]


async def main() -> list:
    async with client:
        return await asyncio.gather(chunks_of("Why is the sky blue?"), chunks_of("Why is grass green?"))


print(json.dumps(asyncio.run(main())))
