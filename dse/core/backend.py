"""What a backend must offer. Every module in ``backends/`` fulfils this contract.

Imported in the worker, beside nothing but numpy, LoadGen and the runtime.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from dse.core.configuration import Configuration, KnobValue, ModelFormat
    from dse.core.signature import Input, Signature

    Batch = NDArray[Any] | tuple[NDArray[Any], ...]
    """What a call is made with: one array, or for a signature one for each of its inputs."""
    Outputs = tuple[tuple[str, NDArray[Any] | None], ...]
    """Name and array of each output of a call; None for one that is not computed."""


class UnsupportedError(Exception):
    """The runtime can't run this configuration (precision, batch size, operator, knob)."""


class LoadError(Exception):
    """The runtime can't load this model file."""


@dataclass(frozen=True, slots=True)
class Knob:
    """A parameter of a backend beyond threads and batch size.

    Attributes:
        name: as it stands in a search space and in a configuration.
        values: the values it can take; empty where any value of the default's type is allowed.
        default: the value where a search space does not name the knob.
        help: one line for the reader.
        numeric: whether it changes what is computed, so that accuracy depends on it.
        requires: for a value that not every CPU can compute with the instruction sets of which the
            CPU must have one, as `dse.machine.instruction_sets` names them.
        numbers: the lowest and the highest, of a knob whose value is a set of whole numbers, see
            `write_numbers`; None for any other knob.
    """

    name: str
    values: tuple[KnobValue, ...]
    default: KnobValue
    help: str
    numeric: bool = False
    requires: Mapping[KnobValue, tuple[str, ...]] = field(default_factory=dict, hash=False)
    numbers: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Lack:
    """A value that can't be had here, whatever the model, such as one that was not built.

    Attributes:
        name: of a knob, or ``device``.
        value: of the knob, or a device.
        reason: in a few words.
    """

    name: str
    value: KnobValue
    reason: str


def write_numbers(numbers: Iterable[int]) -> str:
    """The value of a knob that has a set of whole numbers."""
    return "+".join(map(str, sorted(set(numbers))))


def read_numbers(value: KnobValue) -> tuple[int, ...]:
    """The inverse of `write_numbers`, ascending.

    Raises:
        ValueError: it is something else.
    """
    return tuple(map(int, str(value).split("+"))) if value != "" else ()


@dataclass(frozen=True, slots=True)
class Scores:
    """The one output that counts, of a model that answers each sample with a row of scores.

    Attributes:
        width: the number of scores in a row; None where it is not known.
        usual: the widths that tell this output from others where its own is not known.
    """

    width: int | None = None
    usual: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """Everything a backend needs to make a model ready.

    Attributes:
        configuration: threads, batch size and knobs to load with.
        model_file: the file to load; None for a backend that needs none.
        settings: the files the search space gives the backend, by name (no part of the search).
        signature: the inputs, with a number for every dimension; None where nobody tells them:
            then the model has one input, whose first dimension is the batch.
        scores: the output that counts, where one does: the others need not be computed; None where
            all outputs are computed.
    """

    configuration: Configuration
    model_file: Path | None
    settings: Mapping[str, Path]
    signature: Signature | None = None
    scores: Scores | None = None

    def knob(self, name: str, default: KnobValue) -> KnobValue:
        """The value of a knob, or its default."""
        return dict(self.configuration.knobs).get(name, default)


def not_finite(name: str, count: int, shape: Sequence[int]) -> str:
    """The complaint about an output that holds NaN or infinity.

    Args:
        name: of the output.
        count: the number of values that are not finite.
        shape: of the output.
    """
    return f"{count} of {prod(shape)} values of the output '{name}' are not finite numbers"


def arrays_of(batch: Batch) -> tuple[NDArray[Any], ...]:
    """The arrays of a batch, one for each input."""
    return batch if isinstance(batch, tuple) else (batch,)


class Model(Protocol):
    """A loaded model, used by one thread at a time."""

    def bind(self, batch: Any) -> Any:
        """Makes a batch ready for `predict`, before the clock starts.

        The memory is shared, not copied: what is written into an array afterwards is what the
        next prediction reads.

        Args:
            batch: (batch_size, ...) in the model's layout and dtype, C-contiguous; for a signature
                a tuple of such arrays, one for each input in its order.

        Returns:
            Whatever the runtime predicts from with the least work.

        Raises:
            Exception: the runtime refuses an array of this shape or dtype, now or in `predict`.
        """
        ...

    def predict(self, bound: Any) -> NDArray[np.generic]:
        """The answer to a batch: the runtime's own call and nothing else.

        Args:
            bound: what `bind` of this very model returned.

        Returns:
            The output that `LoadRequest.scores` describes, (batch_size, width); without it the
            first output, when all are computed; no elements where the runtime makes its outputs
            anew in each call: `outputs` has them. The array may be overwritten by the next call.

        Raises:
            Exception: whatever the runtime raises; never a silent empty answer.
        """
        ...

    def outputs(self, bound: Any) -> Outputs:
        """Predicts as `predict` does, and gives everything that came out.

        Called in the warm-up, never in the measured loop.

        Args:
            bound: what `bind` of this very model returned.

        Returns:
            Every output of the model; first the one that `predict` returns, then the others in
            the order of the file. The arrays may be overwritten by the next call.

        Raises:
            Exception: see `predict`.
        """
        ...

    def close(self) -> None:
        """Frees what the runtime holds. The model is not used afterwards."""
        ...


@runtime_checkable
class Streams(Model, Protocol):
    """A model that predicts several batches at a time, which share its weights and threads."""

    def streams(self) -> Sequence[Model]:
        """The model once for each batch at a time, each for a thread of its own.

        The first is as good as the model itself; closing the model closes them all.
        """
        ...


@runtime_checkable
class Reshapable(Model, Protocol):
    """A model that takes inputs of other sizes as well, without being loaded again."""

    def reshaped(self, signature: Signature) -> Model:
        """The same model for inputs of these sizes; each of the two is closed by itself."""
        ...


@runtime_checkable
class Partial(Model, Protocol):
    """A model whose runtime may have folded inputs away.

    Attributes:
        unread: names of the inputs that are not read, as nothing depends on them there.
    """

    unread: Sequence[str]


@runtime_checkable
class Assigned(Model, Protocol):
    """A model of which the runtime may compute a part elsewhere than it was asked to.

    Attributes:
        assigned: how much of the model runs where it was asked to, in words; empty where that is
            all there is to it.
    """

    assigned: str


@runtime_checkable
class Buffered(Model, Protocol):
    """A model of one input that copies each batch into its own memory, unless it lies there."""

    def buffer(self) -> NDArray[Any]:
        """That memory, to write batches into: what `bind` makes of it is predicted as it stands.

        Returns:
            (batch_size, ...) in the model's layout and dtype; valid until the model is closed.
        """
        ...


class Backend(Protocol):
    """What the tool must know of a backend before anything is loaded. Stateless."""

    name: ClassVar[str]
    formats: ClassVar[tuple[ModelFormat, ...]]
    """Model file formats it reads, preferred first; empty where it needs no model file."""
    precisions: ClassVar[tuple[str, ...]]
    """Precisions it can run; empty for all."""
    knobs: ClassVar[tuple[Knob, ...]]
    settings: ClassVar[tuple[str, ...]]
    """Names of the files a search space may give it, relative to the space's own folder."""

    def version(self) -> str:
        """Version of the runtime, without loading a model.

        Raises:
            ImportError: the runtime is not installed.
        """
        ...


@runtime_checkable
class Built(Backend, Protocol):
    """A backend whose runtime comes in several builds, which have more or fewer values of knobs."""

    def lacks(self) -> Iterable[Lack]:
        """The values that the installed build has not, and devices that are not here.

        Called where `version` is, and after it.
        """
        ...


@runtime_checkable
class OnDevices(Backend, Protocol):
    """A backend that does not compute on the CPU alone."""

    devices: ClassVar[tuple[str, ...]]
    """Names in `dse.core.configuration.DEVICES`."""


def devices_of(backend: Backend) -> tuple[str, ...]:
    """What a backend may compute on: the CPU, where it says nothing."""
    return backend.devices if isinstance(backend, OnDevices) else ("cpu",)


@runtime_checkable
class Runtime(Backend, Protocol):
    """A backend that runs models."""

    def load(self, request: LoadRequest) -> Model:
        """Makes a model ready to predict batches of the configuration's batch size.

        Raises:
            UnsupportedError: the runtime can't run this configuration.
            LoadError: the file is not one the runtime can load.
        """
        ...


@runtime_checkable
class Preparing(Runtime, Protocol):
    """A backend whose loads take something that can be made of the model file once in a process."""

    def prepare(self, request: LoadRequest) -> None:
        """Makes it, so that no load takes the time; without this call the first one does.

        Raises:
            UnsupportedError, LoadError: see `load`.
        """
        ...


@runtime_checkable
class Deployable(Runtime, Protocol):
    """A backend that shows how a model is loaded as it was measured."""

    def code(self, request: LoadRequest, inputs: Sequence[Input]) -> Sequence[str]:
        """Lines of Python that do what `load` does, by the runtime's own interface alone.

        They import what they need, load the model, and predict one call of zeros into ``outputs``,
        a list of arrays. Nothing is imported or loaded here.

        Args:
            request: what to load.
            inputs: those of a call, with the shapes that they have for the request's batch.
        """
        ...


@runtime_checkable
class Refusing(Runtime, Protocol):
    """A backend that knows what its runtime raises to refuse an input or a configuration.

    Such an exception is a failure for good, in the warm-up as in a run. Any other one is a crash,
    which is tried once more.
    """

    def refusals(self) -> tuple[type[Exception], ...]:
        """The classes of those exceptions. Called in the worker, after a model was loaded."""
        ...


@runtime_checkable
class Recording(Backend, Protocol):
    """A backend that answers with recorded values instead of running anything."""

    def check(self, settings: Mapping[str, Path], metrics: tuple[str, ...]) -> None:
        """Refuses files that hold no record of these metrics, before anything is looked up.

        Args:
            settings: the files that the search space gives the backend, by name.
            metrics: names of the metrics that every configuration needs.

        Raises:
            RequestError: a file can't be used; it names the file, and the place in it.
        """
        ...

    def recall(self, request: LoadRequest, metrics: tuple[str, ...]) -> dict[str, float]:
        """Recorded value by metric name, each in its metric's unit.

        Raises:
            UnsupportedError: the record holds a failure or nothing for this configuration.
            LoadError: the record can't be read.
        """
        ...
