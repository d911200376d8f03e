"""The published classifiers as ``dse models`` shows and downloads them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, ClassVar

from dse.tasks.image_classification.models.catalogue import CATALOGUE, variant
from dse.tasks.image_classification.models.graph import cost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from dse.models.describing import Describer
    from dse.tasks.image_classification.fetching.fetch import FetchResult
    from dse.tasks.image_classification.models.catalogue import Variant


class Catalogue:
    """See `dse.tasks.published_models.Catalogue`."""

    next_command: ClassVar[str] = "dse explore mobilenets-efficientnets --models {folder}"

    @property
    def describer(self) -> Describer:
        """How other models are described."""
        from dse.tasks.image_classification.models.describing import DESCRIBER

        return DESCRIBER

    @property
    def known(self) -> Sequence[str]:
        """All models, by name."""
        return tuple(CATALOGUE)

    @property
    def published(self) -> Sequence[str]:
        """The models of which files can be downloaded."""
        return tuple(CATALOGUE)

    def rows(self) -> list[dict[str, Any]]:
        """Size and published accuracy of each model."""
        return [_summary(each) for each in CATALOGUE.values()]

    def details(self, name: str) -> dict[str, Any]:
        """All that is known of a model.

        Raises:
            RequestError: there is none of that name.
        """
        from dse.tasks.image_classification.fetching.urls import download_source, published_files

        known = variant(name)
        files = {
            precision: asdict(download_source(known, precision))
            for model, precision in published_files()
            if model == name
        }
        details = _summary(known)
        del details["published_percent"]
        return {
            **details,
            "flavour": known.flavour,
            "depth": known.depth,
            "classes": known.classes,
            "preprocessing": known.preprocessing.as_dict(),
            "published": {
                precision: {
                    "percent": one.value,
                    "source": one.source,
                    # Some are published in no format that runs here.
                    **files.get(precision, {"url": None, "member": None}),
                }
                for precision, one in known.published.items()
            },
        }

    def fetch(
        self,
        patterns: Sequence[str],
        precisions: Sequence[str],
        output: Path,
        mirror: str | None,
        progress: Callable[[str, int, int | None], None],
    ) -> Iterator[FetchResult]:
        """Downloads published files.

        Args:
            patterns: shell patterns of names; empty for all models.
            precisions: of the files; empty for all.
            output: the folder for the files and their manifest.
            mirror: URL of a mirror; None for the originals.
            progress: called with (which archive of how many, bytes, all bytes if known).

        Raises:
            RequestError: a pattern fits no model, or the mirror's URL is wrong.
        """
        from dse.download.connection import check_mirror
        from dse.tasks.image_classification.fetching.fetch import (
            choose,
            fetch_published,
            group_by_archive,
        )

        wanted = choose(patterns, precisions)
        checked = check_mirror(mirror) if mirror is not None else None
        archives = len(group_by_archive(wanted))
        results: list[FetchResult] = []

        def tell(done: int, total: int | None) -> None:
            number = len(group_by_archive([result.wanted for result in results])) + 1
            progress(f"{number}/{archives}", done, total)

        for result in fetch_published(output, wanted, checked, tell):
            results.append(result)
            yield result


def _summary(known: Variant) -> dict[str, Any]:
    spent = cost(known.graph())
    return {
        "name": known.name,
        "family": known.family,
        "width": known.width,
        "resolution": known.resolution,
        "macs_millions": round(spent.macs / 1e6, 3),
        "parameters_millions": round(spent.parameters / 1e6, 4),
        "published_percent": {name: one.value for name, one in known.published.items()},
    }
