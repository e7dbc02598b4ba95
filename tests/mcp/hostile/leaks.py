"""Sends every received value in every form, in every place of a message."""

import base64
import json
import sys

from forms import beyond, forms


def texts(values: list[str]) -> list[str]:
    return [f"{name}: {form}" for value in values for name, form in forms(value).items()]


async def leak(place: str, values: list[str], out) -> dict:
    """Sends the values in `place`, and returns the result of the call."""
    said = texts(values)
    together = "\n".join(said)
    if place == "progress":
        await out.send(
            {
                "method": "notifications/progress",
                "params": {"progressToken": out.token, "progress": 1, "message": together},
            }
        )
    elif place == "log":
        await out.send(
            {"method": "notifications/message", "params": {"level": "info", "logger": together, "data": {"all": said}}}
        )
    elif place == "notification":
        await out.send({"method": "notifications/of_its_own", "params": {"all": said, together: 1}})
    elif place == "sampling":
        message = {"role": "user", "content": {"type": "text", "text": together}}
        await out.ask("sampling/createMessage", {"messages": [message], "systemPrompt": together, "maxTokens": 5})
    elif place == "elicitation":
        await out.ask(
            "elicitation/create", {"message": together, "requestedSchema": {"type": "object", "properties": {}}}
        )
    elif place == "error":
        return {"error": {"code": -32000, "message": together, "data": {"all": said}}}
    elif place == "failure":
        return {"content": [{"type": "text", "text": together}], "isError": True}
    elif place == "structured":
        return {"content": [], "structuredContent": {"all": said, "nested": [{"x": {"y": together}}]}}
    elif place == "members":
        return {"content": [], "structuredContent": {one: {one: 1} for one in said}, "_meta": {together: 1}}
    elif place == "resource":
        inside = {"uri": f"x://{said[0]}", "mimeType": "text/plain", "text": together}
        link = {"type": "resource_link", "uri": f"x://{together}", "name": together, "description": together}
        return {"content": [{"type": "resource", "resource": inside}, link]}
    elif place == "blob":
        whole = " and ".join(values)
        blobs = [base64.b64encode(b"." * offset + whole.encode()).decode() for offset in range(3)]
        resources = [{"type": "resource", "resource": {"uri": "x://y", "blob": blob}} for blob in blobs]
        images = [{"type": "image", "mimeType": "image/png", "data": blob} for blob in blobs]
        return {"content": [*resources, *images]}
    elif place == "unknown":
        return {"content": [{"type": "of_its_own", "x": said}], "of_its_own": {"y": said}, together: together}
    elif place == "question":
        form = {
            "method": "elicitation/create",
            "params": {"message": together, "requestedSchema": {"type": "object", "properties": {}}},
        }
        if not out.answered:
            return {"resultType": "input_required", "inputRequests": {"a": form}, "requestState": together}
    elif place == "beyond":
        said = [f"{name}: {form}" for value in values for name, form in beyond(value).items()]
        return {"content": [{"type": "text", "text": "\n".join(said)}]}
    elif place == "stderr":
        for line in said:
            print(line, file=sys.stderr, flush=True)
        for value in values:
            for character in value:
                sys.stderr.write(character)
                sys.stderr.flush()
            sys.stderr.write("\n")
    elif place == "stream":
        # The parts of an event stream that are not data.
        line = together.replace("\n", " ")
        await out.raw(f": {line}\n\n".encode())
        note = json.dumps({"jsonrpc": "2.0", "method": "notifications/x"})
        await out.raw(f"id: {line}\nevent: {line}\nretry: 10\nother: {line}\ndata: {note}\n\n".encode())
    return {"content": [{"type": "text", "text": together if place == "text" else "done"}]}
