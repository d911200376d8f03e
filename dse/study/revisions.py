"""The space revisions of a study.

Optuna freezes the choices of a categorical parameter for good. A study whose space has changed
therefore goes on in a further revision: another Optuna study of the same storage, named
``<study>#<n>``, which begins with those outcomes of the earlier ones that the new space contains.
"""

from __future__ import annotations

import gc
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dse.core.checksums import digest
from dse.core.errors import RequestError
from dse.core.measurement import Outcome
from dse.core.metrics import METRICS
from dse.core.pareto import violations
from dse.space.plan import parameter_values
from dse.study import record as attributes
from dse.study.metadata import StudyMetadata
from dse.study.record import Record, configuration_of, effective_outcome, outcome_as_dict
from dse.study.storage import damage_as_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import optuna
    from optuna.distributions import CategoricalDistribution

    from dse.core.configuration import Configuration
    from dse.space.plan import Plan
    from dse.space.space import SearchSpace

SCHEMA = 2
"""Version of the attributes' meaning; trials of earlier ones are read as well.

1: probes only, each configuration measured once.
2: measurements have a fidelity, trials a purpose.
"""
SCHEMA_ATTRIBUTE, ABOUT_ATTRIBUTE = "dse:schema", "dse:about"
SIGNATURE_ATTRIBUTE = "dse:signature"


@dataclass(slots=True)
class SpaceRevision:
    """One Optuna study of a study.

    Attributes:
        number: the first one is 1.
        study: the Optuna study.
        about: what it is about.
        trials: all trials, as they were read.
    """

    number: int
    study: optuna.Study
    about: StudyMetadata
    trials: list[optuna.trial.FrozenTrial]

    @property
    def schema(self) -> int:
        """The version that its trials were written by."""
        return int(self.study.user_attrs[SCHEMA_ATTRIBUTE])

    def outcomes(self) -> Iterator[tuple[optuna.trial.FrozenTrial, Configuration, Outcome]]:
        """The trials that have an outcome, in their order, with what they tell of what."""
        for trial in self.trials:
            configuration, outcome = configuration_of(trial), effective_outcome(trial)
            if configuration is not None and outcome is not None:
                yield trial, configuration, outcome

    def known(self) -> dict[str, Record]:
        """What is known of each configuration: all that its trials measured, and how it ended."""
        known: dict[str, Record] = {}
        for trial, configuration, outcome in self.outcomes():
            key = configuration.key
            before = known.get(key)
            measurements = {m.metric: m for r in [before] if r for m in r.outcome.measurements}
            measurements |= {m.metric: m for m in outcome.measurements}
            number = before.id if before else trial.number
            whole = Outcome(tuple(measurements.values()), outcome.failure)
            known[key] = Record(number, configuration, whole)
        return known

    def refresh(self) -> None:
        """Reads the trials again; only new ones and unfinished ones are asked for."""
        self.trials = _trials_of(self.study)


def read(storage: optuna.storages.BaseStorage, name: str) -> list[SpaceRevision]:
    """All revisions of a study, oldest first; empty where there is none.

    A revision whose creation was interrupted holds nothing and is left out.

    Raises:
        RequestError: an Optuna study of that name is none of ours, or is damaged.
    """
    with damage_as_error(name):
        numbered = enumerate(_names(storage, name), start=1)
        found = [_read_one(storage, number, study_name) for number, study_name in numbered]
    return [revision for revision in found if revision is not None]


def _read_one(
    storage: optuna.storages.BaseStorage, number: int, study_name: str
) -> SpaceRevision | None:
    import optuna

    study = optuna.load_study(study_name=study_name, storage=storage)
    trials = _trials_of(study)
    about = study.user_attrs.get(ABOUT_ATTRIBUTE)
    if about is None and not trials:
        return None
    schema = study.user_attrs.get(SCHEMA_ATTRIBUTE)
    if about is None or not isinstance(schema, int) or not 1 <= schema <= SCHEMA:
        later = isinstance(schema, int) and schema > SCHEMA
        raise RequestError(
            f"the Optuna study '{study_name}' was "
            + ("written by a later version" if later else "not written by this program"),
            remedy="install that version" if later else "choose another --study",
        )
    revision = SpaceRevision(number, study, StudyMetadata.from_dict(about), trials)
    for _ in revision.outcomes():
        pass  # damage is to be told at once
    return revision


def refresh(_: optuna.storages.BaseStorage, found: Iterable[SpaceRevision]) -> None:
    """Reads the trials of several revisions again."""
    for revision in found:
        revision.refresh()


def _trials_of(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    # A large study is many objects, none of them garbage: to look for some takes as long again.
    collecting = gc.isenabled()
    gc.disable()
    try:
        return study.get_trials(deepcopy=False)
    finally:
        if collecting:
            gc.enable()


def _names(storage: optuna.storages.BaseStorage, name: str) -> list[str]:
    import optuna

    present = set(optuna.get_all_study_names(storage))
    return [n for n in (revision_name(name, i + 1) for i in range(len(present))) if n in present]


def name_within(storage: optuna.storages.BaseStorage, name: str) -> str:
    """The name of the study that a folder's own database holds.

    Args:
        storage: the database.
        name: the folder's, which is the study's unless the folder was renamed.
    """
    import optuna

    with damage_as_error(name):
        names = {each.partition("#")[0] for each in optuna.get_all_study_names(storage)}
    return name if name in names or len(names) != 1 else names.pop()


def revision_name(name: str, number: int) -> str:
    """The name of a revision's Optuna study."""
    return name if number == 1 else f"{name}#{number}"


def signature(space: SearchSpace, plan: Plan) -> str:
    """Two plans with the same signature can share a revision."""
    return digest(
        {
            "parameters": [[p.name, list(p.choices)] for p in plan.parameters],
            # Two plans with the same choices can differ in which of their combinations exist.
            "configurations": sorted(c.key for c in plan.configurations),
            "objectives": list(space.objectives),
            "constraints": space.as_dict()["constraints"],
        }
    )


def open_current(
    storage: optuna.storages.BaseStorage,
    name: str,
    space: SearchSpace,
    plan: Plan,
    about: StudyMetadata,
    revisions: list[SpaceRevision],
) -> None:
    """Makes the revision of this plan the last one; it then holds all outcomes of the plan.

    Interrupted anywhere, the next call completes what is missing.

    Args:
        storage: of the study.
        name: of the study.
        space: to go on in.
        plan: of the space.
        about: what the study is about from now on.
        revisions: of the study, as `read` found them; all that their trials wait for was
            settled. Changed to what they are then.
    """
    current = revisions[-1] if revisions else None
    mark = signature(space, plan)
    if (
        current is None
        or current.schema != SCHEMA
        or current.study.user_attrs.get(SIGNATURE_ATTRIBUTE) != mark
    ):
        number = len(revisions) + 1
        study = _create(storage, revision_name(name, number), space, mark, about)
        revisions.append(SpaceRevision(number, study, about, []))
    elif current.about != about:
        current.study.set_user_attr(ABOUT_ATTRIBUTE, about.as_dict())
        current.about = about
    *earlier, current = revisions
    if earlier:
        current.refresh()  # an attempt whose connection was lost may have copied some
        _copy(earlier, current, space, plan)
        current.refresh()


def open_merged(
    storage: optuna.storages.BaseStorage,
    name: str,
    space: SearchSpace,
    mark: str,
    about: StudyMetadata,
    revisions: list[SpaceRevision],
) -> None:
    """Makes the last revision one that trials of this description can be added to.

    Args:
        storage: of the study.
        name: of the study.
        space: of the trials.
        mark: the signature of their plan; see `signature`.
        about: what they are about.
        revisions: of the study, as `read` found them. Changed to what they are then.

    Raises:
        RequestError: the study is about something else.
    """
    if not revisions:
        study = _create(storage, revision_name(name, 1), space, mark, about)
        revisions.append(SpaceRevision(1, study, about, []))
        return
    current = revisions[-1]
    joined = current.about.joined(about)
    if joined != current.about:
        current.study.set_user_attr(ABOUT_ATTRIBUTE, joined.as_dict())
        current.about = joined


def _create(
    storage: optuna.storages.BaseStorage,
    study_name: str,
    space: SearchSpace,
    mark: str,
    about: StudyMetadata,
) -> optuna.Study:
    import optuna

    if study_name in optuna.get_all_study_names(storage):
        # Its creation was interrupted, perhaps for another space; it has no trials.
        optuna.delete_study(study_name=study_name, storage=storage)
    directions = [METRICS[objective].direction for objective in space.objectives]
    try:
        study = optuna.create_study(study_name=study_name, storage=storage, directions=directions)
    except optuna.exceptions.DuplicatedStudyError as error:
        raise RequestError(
            f"the study '{study_name}' is being created from another folder at this moment",
            remedy="give the same command again",
        ) from error
    with warnings.catch_warnings():
        # Long marked experimental; without it optuna-dashboard shows nameless objectives.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.set_metric_names(list(space.objectives))
    study.set_user_attr(SCHEMA_ATTRIBUTE, SCHEMA)
    study.set_user_attr(SIGNATURE_ATTRIBUTE, mark)
    study.set_user_attr(ABOUT_ATTRIBUTE, about.as_dict())
    return study


def distributions(plan: Plan) -> dict[str, CategoricalDistribution]:
    """The Optuna distribution of each parameter of a plan."""
    from optuna.distributions import CategoricalDistribution

    return {p.name: CategoricalDistribution(p.choices) for p in plan.parameters}


def _copy(
    earlier: list[SpaceRevision], current: SpaceRevision, space: SearchSpace, plan: Plan
) -> None:
    """Adds the outcomes of earlier revisions that the plan contains and the current one lacks."""
    planned = {configuration.key for configuration in plan.configurations}
    present = {configuration.key for _, configuration, _ in current.outcomes()}
    choices = distributions(plan)
    for revision in reversed(earlier):
        same_metrics = set(revision.about.metrics) == set(current.about.metrics)
        for key, found in revision.known().items():
            if key not in planned or key in present:
                continue
            complete = set(current.about.metrics) <= set(found.outcome.values)
            if complete if found.outcome.failure is None else same_metrics:
                current.study.add_trial(_copied(found, revision, space, choices))
                present.add(key)


def _copied(
    found: Record,
    revision: SpaceRevision,
    space: SearchSpace,
    choices: dict[str, CategoricalDistribution],
) -> optuna.trial.FrozenTrial:
    import optuna

    values = parameter_values(found.configuration, choices)
    user_attrs: dict[str, Any] = {
        attributes.CONFIGURATION: found.configuration.as_dict(),
        attributes.OUTCOME: outcome_as_dict(found.outcome),
        attributes.COPIED_FROM: f"{revision.study.study_name}/{found.id}",
    }
    measured = found.outcome.failure is None
    state = optuna.trial.TrialState.COMPLETE if measured else optuna.trial.TrialState.FAIL
    return optuna.trial.create_trial(
        state=state,
        values=[found.outcome.values[o] for o in space.objectives] if measured else None,
        params=values,
        distributions={name: choices[name] for name in values},
        user_attrs=user_attrs,
        constraints=violations(found.outcome.values, space.constraints) if measured else None,
    )
