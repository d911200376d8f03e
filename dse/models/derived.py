"""Providers that make what another one has not got out of what it has."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, get_args

from dse.core.checksums import digest, sha256_of_model
from dse.core.configuration import ModelFormat
from dse.core.errors import RequestError
from dse.core.paths import cache_dir
from dse.models import cache

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dse.core.inference_cost import ModelCounts
    from dse.core.measurement import PublishedQuality
    from dse.core.signature import Form, Signature
    from dse.models.provider import Artefact, Provider

FORMATS: tuple[ModelFormat, ...] = get_args(ModelFormat)


class Derived(ABC):
    """A `Provider` of what another one has, and of files made from it where it has none.

    Args:
        inner: has the files to make others from.
    """

    def __init__(self, inner: Provider) -> None:
        self._inner = inner
        self.name = inner.name
        self.trained = inner.trained

    @abstractmethod
    def _concerns(self, model: str, precision: str, model_format: ModelFormat) -> bool:
        """Whether there is a file to make it from. Cheap."""

    @abstractmethod
    def _hindrance(self, model: str, precision: str, model_format: ModelFormat) -> str | None:
        """Why a file that it is concerned with can't be made; None if it can. Cheap."""

    @abstractmethod
    def _make(self, model: str, model_format: ModelFormat) -> Artefact:
        """Makes the file, or finds it in the cache."""

    def models(self) -> tuple[str, ...]:
        """Names of the models, in the inner provider's order."""
        return self._inner.models()

    def precisions(self, model: str) -> tuple[str, ...]:
        """The precisions that can be had of a model."""
        return self._inner.precisions(model)

    def obstacle(self, model: str, precision: str, formats: tuple[ModelFormat, ...]) -> str | None:
        """Why no file in one of these formats can be had; None if one can."""
        inner = self._lack(model, precision, formats)
        if inner is None:
            return None
        concerned = [one for one in formats if self._concerns(model, precision, one)]
        hindrances = [self._hindrance(model, precision, one) for one in concerned]
        return None if None in hindrances else next(iter(hindrances), inner)

    def published(self, model: str, precision: str) -> PublishedQuality | None:
        """The inner provider's figure."""
        return self._inner.published(model, precision)

    def counts(self, model: str, signature: Callable[[Form], Signature]) -> ModelCounts | None:
        """Those of the file that others are made from."""
        return self._inner.counts(model, signature)

    def form(self, model: str, precision: str, formats: tuple[ModelFormat, ...]) -> Form:
        """How a sample becomes the input of the file that `artefact` gives."""
        chosen = self._chosen(model, precision, formats)
        if chosen is None:
            return self._inner.form(model, precision, formats)
        return self._form(model, chosen)

    def artefact(self, model: str, precision: str, formats: tuple[ModelFormat, ...]) -> Artefact:
        """A file that is there, in the first of the formats, or else one that is made."""
        chosen = self._chosen(model, precision, formats)
        if chosen is None:
            return self._inner.artefact(model, precision, formats)
        return self._make(model, chosen)

    @abstractmethod
    def _form(self, model: str, model_format: ModelFormat) -> Form:
        """That of the file that it makes."""

    def _lack(self, model: str, precision: str, formats: tuple[ModelFormat, ...]) -> str | None:
        """Why none of the inner provider's own files will do; None if one does."""
        return self._inner.obstacle(model, precision, formats)

    def _chosen(
        self, model: str, precision: str, formats: tuple[ModelFormat, ...]
    ) -> ModelFormat | None:
        """The format to make a file in; None where the inner provider is to answer.

        Raises:
            RequestError: it is concerned, but hindered.
        """
        if self._lack(model, precision, formats) is None:
            return None
        concerned = [one for one in formats if self._concerns(model, precision, one)]
        for one in concerned:
            if self._hindrance(model, precision, one) is None:
                return one
        unsuited = self._inner.obstacle(model, precision, formats) is None
        if concerned or unsuited:
            raise RequestError(f"{model} {precision}: {self.obstacle(model, precision, formats)}")
        return None


def derive(
    kind: str, name: str, source: Artefact, depends: list[Any], make: Callable[[], bytes]
) -> tuple[Path, str]:
    """Makes a file from another one in the cache, or finds it there undamaged.

    Args:
        kind: the folder in the cache.
        name: of the file, with its format's extension.
        source: what it is made from.
        depends: all else that its content depends on, as a JSON value.
        make: gives its content.

    Returns:
        The file's path and SHA-256.

    Raises:
        RequestError: the source changed meanwhile.
        DseError: the cache can't be written to.
    """
    stem, _, extension = name.rpartition(".")

    def content() -> bytes:
        data = make()
        if sha256_of_model(source.files) != source.sha256:
            raise RequestError("changed while it was read", file=source.path, remedy="start again")
        return data

    key = digest([source.sha256, *depends])
    folder = cache_dir() / "models" / kind
    return cache.build(folder, f"{stem}.{key}", f".{extension}", content)
