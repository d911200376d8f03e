"""Everything that a user asks for beyond what is measured, as the options give it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from dse.config.messages import suggest
from dse.core.errors import RequestError
from dse.core.metrics import METRICS, Metric
from dse.derived._expression import Expression
from dse.derived._facts import SuppliedFacts
from dse.derived.assessor import Evaluator, chains
from dse.derived.definitions import METRIC, OBJECTIVE, WHERE, Definition, Objective
from dse.derived.point import bounds, known_names

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from dse.derived.point import Machine

_KINDS = "metrics, their _low and _high, fields and knobs of configurations, cpu, cpus, cores, ghz"


@dataclass(frozen=True, slots=True)
class Derivation:
    """Metrics, conditions and objectives of a user, and the numbers that they supply.

    Attributes:
        definitions: of metrics, each computed from those before it and from what is known.
        conditions: a point counts where all of them hold.
        objectives: what is optimised in place of the study's own objectives; empty for those.
        facts: the user's file.
    """

    definitions: tuple[Definition, ...] = ()
    conditions: tuple[Expression, ...] = ()
    objectives: tuple[Objective, ...] = ()
    facts: SuppliedFacts = field(default_factory=SuppliedFacts)

    @classmethod
    def parse(
        cls,
        metrics: Iterable[str] = (),
        conditions: Iterable[str] = (),
        objectives: Iterable[str] = (),
        facts: Path | None = None,
    ) -> Derivation:
        """Reads what the options say.

        Args:
            metrics: each ``NAME [UNIT] = EXPRESSION``.
            conditions: expressions that are true or false.
            objectives: each ``NAME:minimize`` or ``NAME:maximize``.
            facts: the user's file.

        Raises:
            RequestError: one of them is wrong; names the option or file, line and field.
        """
        made = cls(
            tuple(map(Definition.parse, metrics)),
            tuple(Expression(text, WHERE) for text in conditions),
            tuple(map(Objective.parse, objectives)),
            SuppliedFacts.read(facts) if facts is not None else SuppliedFacts(),
        )
        for option, named in ((METRIC, made.definitions), (OBJECTIVE, made.objectives)):
            names = [each.name for each in named]
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice:
                remedy = "give it once" if option == OBJECTIVE else "choose another name"
                raise RequestError(f"'{twice}' is given twice", field=option, remedy=remedy)
        return made

    @property
    def asked(self) -> bool:
        """Whether anything is asked for at all."""
        return bool(self.definitions or self.selects)

    @property
    def selects(self) -> bool:
        """Whether another frontier is asked for than the study's own."""
        return bool(self.conditions or self.objectives)

    def check(self, further: Collection[str]) -> None:
        """Checks that every name is known.

        Args:
            further: names that some point has, or may have, beyond `dse.derived.point.known_names`:
                knobs, and metrics that are published only.

        Raises:
            RequestError: a name is not known, or already has a meaning.
        """
        other = "choose another name"
        for name in self.facts.names:
            if name in further:
                raise self.facts.refusal(name, "is the name of something else", other)
        known = {*known_names(), *further, *self.facts.names}
        for definition in self.definitions:
            self._check_names(definition.expression, METRIC, known)
            if definition.name in known:
                problem = f"'{definition.name}' is the name of something else"
                raise RequestError(problem, field=METRIC, remedy=other)
            known |= {definition.name, *bounds(definition.name)}
        for condition in self.conditions:
            self._check_names(condition, WHERE, known)
        metrics = {*METRICS, *(definition.name for definition in self.definitions)}
        for objective in self.objectives:
            if objective.name not in metrics:
                remedy = suggest(objective.name, metrics)
                if objective.name in known:
                    remedy = f"define one of it: --metric 'NAME = {objective.name}'"
                raise RequestError(
                    f"no metric is called '{objective.name}'", field=OBJECTIVE, remedy=remedy
                )

    def _check_names(self, expression: Expression, option: str, known: Collection[str]) -> None:
        for name in expression.names:
            if name not in known:
                raise RequestError(
                    f"'{expression.text}': nothing is called '{name}'",
                    field=option,
                    remedy=self._remedy(name, known),
                )

    def _remedy(self, name: str, known: Collection[str]) -> str:
        near = suggest(name, known) or ""
        if near.startswith("did you mean"):
            return near
        where = self.facts.document.file or "a file that you give with --facts"
        return f"known are {_KINDS}; a number of your own goes into {where}"

    def assessor(self, machine: Machine) -> Evaluator:
        """What assesses the points of a machine; `check` comes first."""
        facts = {**machine.facts, **self.facts.of(machine.names)}
        return Evaluator(facts, self.definitions, self.conditions)

    def metrics(self, objectives: Sequence[str]) -> tuple[Metric, ...]:
        """What is optimised: the objectives that were asked for, or else those of the study."""
        if not self.objectives:
            return tuple(METRICS[name] for name in objectives)
        ways = chains(self.definitions)
        found = []
        for objective in self.objectives:
            name, direction = objective.name, objective.direction
            if name in METRICS:
                found.append(replace(METRICS[name], direction=direction))
            else:
                way = ways[name]
                timed, estimated = way.timed(METRICS), way.estimated
                unit = way.steps[-1].unit
                found.append(Metric(name, unit, direction, name, timed=timed, estimated=estimated))
        return tuple(found)
