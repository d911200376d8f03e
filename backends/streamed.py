"""A model that predicts several batches at a time, made of what predicts one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.contract import Model


class Streamed:
    """Itself the first of its streams.

    Args:
        streams: at least one.
    """

    def __init__(self, streams: Sequence[Model]) -> None:
        self._streams = streams
        self.bind = streams[0].bind
        self.predict = streams[0].predict

    def streams(self) -> Sequence[Model]:
        """See `dse.contract.Streams`."""
        return self._streams

    def close(self) -> None:
        """Frees what the streams hold."""
        del self.bind, self.predict
        for stream in self._streams:
            stream.close()
