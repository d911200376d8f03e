"""What changes from one round of MLPerf Inference to the next.

Source of all figures: the submission checker of https://github.com/mlcommons/inference, 2026-08.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Release:
    """A round of submissions.

    Attributes:
        name: as the checkers call it.
        qsl_seed, sample_index_seed, schedule_seed: that all its runs have.
    """

    name: str
    qsl_seed: int
    sample_index_seed: int
    schedule_seed: int

    @property
    def seeds(self) -> Mapping[str, int]:
        """By LoadGen's names of them."""
        return {
            "effective_qsl_rng_seed": self.qsl_seed,
            "effective_sample_index_rng_seed": self.sample_index_seed,
            "effective_schedule_rng_seed": self.schedule_seed,
        }


RELEASES: Mapping[str, Release] = {
    release.name: release
    for release in (
        Release("v5.1", 1780908523862526354, 14771362308971278857, 18209322760996052031),
        Release("v6.0", 2465351861681999779, 14276810075590677512, 3936089224930324775),
        Release("v6.1", 2085463073848966840, 2747215439041700203, 16159082839903944936),
    )
}
LATEST = "v6.1"
CLOSED_RELEASES = ("v6.0", "v6.1")
"""The rounds in which the results of compliance tests lie beside those of the runs."""


def release_of(values: Mapping[str, object]) -> Release | None:
    """The release whose seeds a log has, if any."""
    for release in RELEASES.values():
        if all(values.get(name) == seed for name, seed in release.seeds.items()):
            return release
    return None
