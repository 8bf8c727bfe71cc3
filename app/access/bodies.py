"""The body of a request, read before the application reads it."""

from starlette.types import Message, Receive


class TooLargeError(Exception):
    """A body is larger than is read."""


async def whole(receive: Receive, most: int) -> bytes:
    """All of a body.

    Args:
        receive: The request's.
        most: Bytes that it may have.

    Raises:
        TooLargeError: It has more, or its sender has left.
    """
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if len(body) > most or message["type"] == "http.disconnect":
            raise TooLargeError
        if not message.get("more_body"):
            return body


def again(body: bytes, receive: Receive) -> Receive:
    """A body that was read, for the application; afterwards what the server says, as that the sender has left."""
    told = False

    async def receive_again() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again
