"""The tool of the tests: it calls a provider with a key, as real tools do."""

from __future__ import annotations

import asyncio
import traceback
import urllib.request

TOOL = "get_issue"
PATTERN = "get_*"
ARGUMENT = "api_token"


class Linear:
    """Functions for one provider."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get_issue(self, issue_id: str, api_token: str) -> str:
        """Returns an issue.

        Args:
            issue_id: Which one.
            api_token: The key.
        """
        request = urllib.request.Request(f"{self.url}/{issue_id}", headers={"authorization": api_token})
        with urllib.request.urlopen(request) as answer:
            return answer.read().decode()

    async def get_issue_async(self, issue_id: str, api_token: str) -> str:
        """Returns an issue."""
        return await asyncio.to_thread(self.get_issue, issue_id, api_token)

    def get_chatty(self, issue_id: str, api_token: str) -> dict[str, object]:
        """Returns its arguments."""
        return {"issue": issue_id, "sent": [f"Bearer {api_token}"], "bytes": api_token.encode().hex()}

    def get_failing(self, issue_id: str, api_token: str) -> str:
        """Fails with its arguments in the message."""
        try:
            raise LookupError(api_token)
        except LookupError as error:
            raise RuntimeError(f"{issue_id} with {api_token} failed") from error


def shown(error: BaseException) -> str:
    """The whole traceback, with the locals of each frame."""
    captured = traceback.TracebackException.from_exception(error)
    return "".join(captured.format())


def library_locals(error: BaseException) -> str:
    """The locals of our own frames, and of the frames below them except the tool's and the test's."""
    words = []
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if "/toolvault/" in frame.f_code.co_filename or "/site-packages/" in frame.f_code.co_filename:
            words.append(repr(frame.f_locals))
    return "\n".join(words)
