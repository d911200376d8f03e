"""What ``dse bench`` was asked for, and the search space that it amounts to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.core import registry
from dse.core.errors import RequestError, UnavailableError
from dse.core.metrics import METRICS, METRICS_OF, Scenario
from dse.core.worker_environment import add_libraries
from dse.environments.availability import runtime_availabilities
from dse.space.reading import space_from_dict
from dse.tasks.generated.task import Generated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dse.environments.availability import RuntimeAvailability
    from dse.models.single_file import SingleFileProvider
    from dse.space.space import SearchSpace


@dataclass(frozen=True, slots=True)
class BenchRequest:
    """What was asked for; the fields are the options of ``dse bench``.

    ``threads`` are empty for one per physical core, ``backends`` for the first that is installed
    and reads the file. Times are in seconds, ``memory_limit`` is in bytes; None is for what the
    option has as its default.
    """

    model: str
    backends: tuple[str, ...]
    scenarios: tuple[Scenario, ...]
    threads: tuple[int, ...]
    batch_sizes: tuple[int, ...]
    instances: tuple[int, ...]
    dims: Mapping[str, int]
    values: Mapping[str, str]
    signature: str | None
    vocabulary: int | None
    duration: float | None
    settle: float
    study: str | None
    run_timeout: float
    memory_limit: int | None
    as_json: bool
    environment: Mapping[str, str]


def search_space(
    request: BenchRequest, given: SingleFileProvider, physical_cores: int
) -> tuple[SearchSpace, dict[str, RuntimeAvailability]]:
    """The space of all values that were asked for, and what runtimes were asked on the way.

    Args:
        request: what was asked for.
        given: the model file.
        physical_cores: the number of threads, where none was asked for.

    Raises:
        RequestError: a value is unknown, or of no effect.
        UnavailableError: no runtime that is installed reads the file.
    """
    _check_effect(request, given)
    asked = {} if request.backends else _first_installed(given, request.environment)
    space = space_from_dict(
        {
            "task": Generated.name,
            "models": [given.model],
            "precisions": [given.described.precision],
            "backends": list(request.backends or asked),
            "threads": list(request.threads or (physical_cores,)),
            "batch_sizes": list(request.batch_sizes),
            "instances": list(request.instances),
            "objectives": [METRICS_OF[scenario] for scenario in request.scenarios],
        }
    )
    return space, asked


def _check_effect(request: BenchRequest, given: SingleFileProvider) -> None:
    """Refuses what would change nothing, and batches of what takes none."""
    batched = any(METRICS[METRICS_OF[scenario]].batched for scenario in request.scenarios)
    options = {"--batch-size": request.batch_sizes, "--instances": request.instances}
    for option, values in options.items():
        if values != (1,) and not batched:
            raise RequestError(
                "has no effect on SingleStream",
                field=option,
                remedy="add --scenario Offline",
            )
    if request.batch_sizes != (1,) and not given.signature.batched:
        raise RequestError(
            "the model takes no batches: not every input has an open first dimension",
            field="--batch-size",
            remedy="leave it out; one call counts as one sample",
        )


def _first_installed(
    given: SingleFileProvider, variables: Mapping[str, str]
) -> dict[str, RuntimeAvailability]:
    """The first backend of the registry that reads the file and is installed, and its answer."""
    model_format, precision = given.described.format, given.described.precision
    reading = [name for name in registry.BACKENDS if _reads(name, model_format, precision)]
    if not reading:
        raise RequestError(f"no backend runs {precision} {model_format} files", file=given.path)
    for name in reading:
        found = runtime_availabilities([name], add_libraries(variables))
        if found[name].version is not None:
            return found
    extra = registry.BACKENDS[reading[0]].extra or reading[0]
    raise UnavailableError(
        f"no runtime for {model_format} files is installed",
        remedy=f"pip install 'mlperf-dse[{extra}]'",
    )


def _reads(name: str, model_format: str, precision: str) -> bool:
    backend = registry.backend(name)
    return model_format in backend.formats and precision in backend.precisions
