"""Search spaces: read, checked, enumerated, and fitted to a machine.

`SearchSpace` is what a file says, `Plan` what of it can run here.
"""

from dse.core.pareto import Constraint
from dse.space._enumeration import Parameter, auto_threads, configurations, parameters, size
from dse.space._finding import find_space, known_spaces
from dse.space.plan import (
    Excluded,
    ModelAvailability,
    Plan,
    exclusion_lines,
    parameter_values,
    resolve,
)
from dse.space.reading import read_space, space_from_dict
from dse.space.space import BackendChoice, KnobChoice, SearchSpace

__all__ = [
    "BackendChoice",
    "Constraint",
    "Excluded",
    "KnobChoice",
    "ModelAvailability",
    "Parameter",
    "Plan",
    "SearchSpace",
    "auto_threads",
    "configurations",
    "exclusion_lines",
    "find_space",
    "known_spaces",
    "parameter_values",
    "parameters",
    "read_space",
    "resolve",
    "size",
    "space_from_dict",
]
