"""A model that predicts several batches at a time, made of what predicts one, and its knob."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.core.backend import Knob, UnsupportedError
from dse.core.wording import format_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.core.backend import LoadRequest, Model

STREAMS = Knob("streams", (), 1, "batches at a time, which share the weights and the threads")


def streams(request: LoadRequest) -> int:
    """How many batches at a time are asked for.

    Raises:
        UnsupportedError: there is not a thread for each.
    """
    count, threads = int(request.knob(STREAMS.name, STREAMS.default)), request.configuration.threads
    if not 1 <= count <= threads:
        given = format_count(threads, "thread")
        raise UnsupportedError(f"streams={count} with {given}: each stream takes one at least")
    return count


class Streamed:
    """Itself the first of its streams.

    Args:
        streams: at least one.
        unread: see `dse.core.backend.Partial`.
    """

    def __init__(self, streams: Sequence[Model], unread: Sequence[str] = ()) -> None:
        self._streams, self.unread = streams, unread
        self.bind = streams[0].bind
        self.predict = streams[0].predict
        self.outputs = streams[0].outputs

    def streams(self) -> Sequence[Model]:
        """See `dse.core.backend.Streams`."""
        return self._streams

    def close(self) -> None:
        """Frees what the streams hold."""
        del self.bind, self.predict, self.outputs
        for stream in self._streams:
            stream.close()
