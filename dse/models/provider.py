"""What a source of model files must offer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from dse.core.quantisation import method_knobs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from dse.core.configuration import Configuration, KnobValue, ModelFormat
    from dse.core.inference_cost import ModelCounts
    from dse.core.measurement import PublishedQuality
    from dse.core.signature import Form, Signature


BUILTIN = "builtin"
"""The name of providers of models that are built here, with untrained weights."""


@dataclass(frozen=True, slots=True)
class Artefact:
    """A model file, ready to be loaded, and all there is to know for using it.

    Attributes:
        path: the file, absolute.
        format: of the file.
        sha256: of the model, 64 hex digits: of its file's bytes, or where it has several of their
            checksums (`dse.core.checksums.combine_checksums`).
        form: how a sample becomes its input, in the task's own terms.
        weights: where its weights come from, in words.
        published: a quality that others measured, where it stands for this very variant.
        calibrated_on: number of samples of the data set that its quantisation has seen.
        made_from: name of the file that this one was made from; empty where it is as it was given.
        beside: further files that it reads, such as its weights.
    """

    path: Path
    format: ModelFormat
    sha256: str
    form: Form
    weights: str
    published: PublishedQuality | None = None
    calibrated_on: int = 0
    made_from: str = ""
    beside: tuple[Path, ...] = ()

    @property
    def files(self) -> tuple[Path, ...]:
        """All that it consists of, its own file first."""
        return (self.path, *self.beside)

    @property
    def size_bytes(self) -> int:
        """Of all its files together."""
        return sum(path.stat().st_size for path in self.files)


class Provider(Protocol):
    """A source of model files, by model and precision."""

    @property
    def name(self) -> str:
        """As the command line and the reports call it."""
        ...

    @property
    def trained(self) -> bool:
        """Whether its weights are trained; else a quality can only be a published one."""
        ...

    def models(self) -> tuple[str, ...]:
        """Names of the models it offers, in its own order, each once."""
        ...

    def precisions(self, model: str) -> tuple[str, ...]:
        """The precisions it offers a model in.

        Raises:
            RequestError: it does not offer the model.
        """
        ...

    def obstacle(self, model: str, precision: str, formats: tuple[ModelFormat, ...]) -> str | None:
        """Why no file in one of these formats can be had, in a few words; None if one can.

        Cheap: builds and reads no model.
        """
        ...

    def published(self, model: str, precision: str) -> PublishedQuality | None:
        """A quality that others measured of this variant, if there is one. Cheap."""
        ...

    def counts(self, model: str, signature: Callable[[Form], Signature]) -> ModelCounts | None:
        """What can be counted in a file of a model, as it is before it is made into others.

        Cheap: of the weights a small part is read.

        Args:
            model: by name.
            signature: what a model of a form is fed with.

        Returns:
            None where it does not offer the model, or its file tells nothing.
        """
        ...

    def form(self, model: str, precision: str, formats: tuple[ModelFormat, ...]) -> Form:
        """How a sample becomes the input of the file that `artefact` would give. Cheap.

        Raises:
            RequestError: there is no such file.
        """
        ...

    def artefact(self, model: str, precision: str, formats: tuple[ModelFormat, ...]) -> Artefact:
        """The file in the first of the formats that can be had; it is built where needed.

        A file that is given goes before one that must be built from another.

        Raises:
            ModelError: it can't be built from the file that is there.
            RequestError: none can be had.
        """
        ...


@runtime_checkable
class Quantising(Provider, Protocol):
    """A provider that makes int8 files by the methods of `dse.core.quantisation`."""

    def by(self, knobs: Mapping[str, KnobValue]) -> Provider:
        """A provider of the same models whose int8 files are all made by one method.

        Args:
            knobs: of the method; at least one.
        """
        ...


NO_METHOD = "a method of quantization takes trained models: give --models and a --dataset"


def provider_of(provider: Provider, configuration: Configuration) -> Provider | None:
    """The provider of a configuration's file, made by the method that its knobs name.

    Returns:
        None where they name a method and the provider makes no file by one: `NO_METHOD`.
    """
    knobs = method_knobs(configuration)
    if not knobs:
        return provider
    return provider.by(knobs) if isinstance(provider, Quantising) else None
