"""Asks for each chat of a file, whole and streamed, and prints what the SDK makes of the answers."""

import json
import sys

from openai import APIError, APIStatusError, OpenAI

with open(sys.argv[1], encoding="utf-8") as file:
    chats = json.load(file)


def failure(error: APIError) -> dict:
    status = error.status_code if isinstance(error, APIStatusError) else None
    return {"status": status, "message": error.body["message"], "code": error.code}


def ask(client: OpenAI, request: dict) -> dict:
    try:
        completion = client.chat.completions.create(**request)
    except APIError as error:
        return {"error": failure(error)}
    return {"completion": completion.to_dict()}


def ask_stream(client: OpenAI, request: dict) -> dict:
    try:
        with client.chat.completions.stream(**request, stream_options={"include_usage": True}) as stream:
            chunks = [event.chunk.to_dict() for event in stream if event.type == "chunk"]
            # get_final_completion() raises for answers that are too long or blocked.
            return {"chunks": chunks, "completion": stream.current_completion_snapshot.to_dict()}
    except APIError as error:
        return {"error": failure(error)}


clients = {}
for chat in chats:
    base_url = chat["base_url"]
    client = clients.setdefault(base_url, OpenAI(base_url=base_url, api_key="a client key", max_retries=0))
    request = chat["request"]
    if "extra_body" in request:
        request["extra_body"] = {"extra_body": request["extra_body"]}
    print(json.dumps({"whole": ask(client, request), "streamed": ask_stream(client, request)}))
