"""What a person is told when something is not done: not allowed, not there, or no longer as it was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class Refusal(Exception):
    """Something is not done; `status` is that of HTTP, `message` a sentence in the reader's language.

    Parameters
    ----------
    status : {403, 404, 409, 422}
        Not permitted; not there or not yours, which is one answer; not as it was any more; not complete.
    message : str
    lacks : sequence of str
        Names of what is missing, with 422.
    differs : list of (what, theirs, now)
        Field by field, with 409.

    >>> Refusal(404, "not there").status
    404
    """

    def __init__(self, status: int, message: Any, *, lacks: Sequence[str] = (), differs: Sequence[tuple[Any, Any, Any]] = ()) -> None:
        super().__init__(str(message))
        self.status = status
        self.message = message
        self.lacks = tuple(lacks)
        self.differs = tuple(differs)
