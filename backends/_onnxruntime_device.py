"""A session of ONNX Runtime on another device than the CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dse.core.backend import UnsupportedError, arrays_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from dse.core.backend import Batch, Outputs
    from dse.core.signature import Signature


class DeviceSession:
    """A session whose inputs and outputs lie in the memory of the CPU.

    Bound to the device once, an input would not be what is written into a batch afterwards, and a
    call would leave out the copies that every new sample takes. So each call makes both of them.

    Args:
        session: of onnxruntime.
        inputs: names, in the order of a batch's arrays.
        outputs: names of those that are computed; the first is what a prediction returns.
        others: names of those that are not.
        assigned: see `dse.core.backend.Assigned`.
    """

    def __init__(
        self,
        session: Any,
        inputs: Sequence[str],
        outputs: Sequence[str],
        others: Sequence[str],
        assigned: str,
    ) -> None:
        self.assigned = assigned
        self._session = session
        self._inputs, self._outputs, self._others = inputs, list(outputs), others

    def reshaped(self, _: Signature) -> DeviceSession:
        """See `dse.core.backend.Reshapable`: what the session refuses, it refuses in a call."""
        own = self._inputs, self._outputs, self._others, self.assigned
        return DeviceSession(self._session, *own)

    def bind(self, batch: Batch) -> dict[str, NDArray[Any]]:
        return dict(zip(self._inputs, arrays_of(batch), strict=True))

    def predict(self, bound: dict[str, NDArray[Any]]) -> NDArray[np.generic]:
        found: NDArray[np.generic] = self._session.run(self._outputs, bound)[0]
        return found

    def outputs(self, bound: dict[str, NDArray[Any]]) -> Outputs:
        import numpy as np

        values = self._session.run(self._outputs, bound)
        if not isinstance(values[0], np.ndarray):
            raise UnsupportedError(f"the output '{self._outputs[0]}' is no array of numbers")
        arrays = (each if isinstance(each, np.ndarray) else None for each in values)
        named = zip(self._outputs, arrays, strict=True)
        return (*named, *((name, None) for name in self._others))

    def close(self) -> None:
        del self._session
