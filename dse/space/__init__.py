"""Search spaces: read, checked, enumerated, and fitted to a machine.

`SearchSpace` is what a file says, `Plan` what of it can run here.
"""

from dse.space.enumeration import Parameter, auto_threads, configurations, parameters, size
from dse.space.finding import find_space, known_spaces
from dse.space.plan import Availability, Excluded, Plan, parameter_values, resolve, summary
from dse.space.space import BackendChoice, Constraint, KnobChoice, SearchSpace

__all__ = [
    "Availability",
    "BackendChoice",
    "Constraint",
    "Excluded",
    "KnobChoice",
    "Parameter",
    "Plan",
    "SearchSpace",
    "auto_threads",
    "configurations",
    "find_space",
    "known_spaces",
    "parameter_values",
    "parameters",
    "resolve",
    "size",
    "summary",
]
