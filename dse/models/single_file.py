"""The provider of one model file of any kind, which is fed with made-up inputs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.core.checksums import sha256_of_model
from dse.core.errors import RequestError
from dse.formats.counts import counts_of_file
from dse.models.provider import Artefact

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dse.core.configuration import ModelFormat
    from dse.core.inference_cost import ModelCounts
    from dse.core.signature import Form, Signature
    from dse.formats.description import ModelDescription


@dataclass(frozen=True, slots=True)
class SingleFileProvider:
    """Offers one file under one name and in one precision; see `dse.models.provider.Provider`.

    Attributes:
        path: the file, absolute.
        origin: where it comes from, in words.
        described: what the file says of itself.
        signature: of the model.
    """

    path: Path
    origin: str
    described: ModelDescription
    signature: Signature
    trained = False

    @property
    def name(self) -> str:
        """Where the file comes from."""
        return self.origin

    @property
    def model(self) -> str:
        """What the model is called in configurations: its file, without what a pattern may hold."""
        return re.sub(r"[^\w.-]+", "-", self.path.stem) or "model"

    @property
    def files(self) -> tuple[Path, ...]:
        """The file and those beside it that it reads."""
        return (self.path, *(self.path.parent / name for name in self.described.beside))

    @property
    def size_bytes(self) -> int:
        """Of all its files together."""
        return sum(path.stat().st_size for path in self.files)

    def models(self) -> tuple[str, ...]:
        """The one name."""
        return (self.model,)

    def precisions(self, _model: str) -> tuple[str, ...]:
        """The one precision."""
        return (self.described.precision,)

    def obstacle(self, model: str, precision: str, formats: tuple[ModelFormat, ...]) -> str | None:
        """Why the file is not the one that is wanted; None if it is."""
        if (model, precision) != (self.model, self.described.precision):
            return f"the one file that is given is {self.model} {self.described.precision}"
        if self.described.format not in formats:
            return f"it reads no {self.path.suffix} files"
        return None

    def published(self, _model: str, _precision: str) -> None:
        """None: nobody knows what the model is for."""
        return

    def counts(self, model: str, _signature: Callable[[Form], Signature]) -> ModelCounts | None:
        """What can be counted in the file; None for another model, or if it tells nothing."""
        if model != self.model:
            return None
        return counts_of_file(self.path, self.described.format, self.signature)

    def form(self, _model: str, _precision: str, _formats: tuple[ModelFormat, ...]) -> Form:
        """The signature."""
        return self.signature.as_dict()

    def artefact(self, model: str, precision: str, formats: tuple[ModelFormat, ...]) -> Artefact:
        """The file as it is."""
        if problem := self.obstacle(model, precision, formats):
            raise RequestError(problem, file=self.path)
        return Artefact(
            path=self.path,
            format=self.described.format,
            sha256=self.sha256(),
            form=self.signature.as_dict(),
            weights=self.origin,
            beside=self.files[1:],
        )

    def sha256(self) -> str:
        """Of the model; see `dse.core.checksums.combine_checksums`.

        Raises:
            RequestError: one of them can't be read.
        """
        try:
            return sha256_of_model(self.files)
        except OSError as error:
            raise RequestError(
                f"can't be read: {error.strerror or error}",
                file=error.filename or self.path,
                remedy="put it beside the model, where the model's file says that it is",
            ) from error
