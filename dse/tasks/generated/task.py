"""The task of a model of any kind: its inputs are made up, so no answer is right."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from dse.tasks.task import Quality, Rules


class Generated:
    """What `dse bench` runs."""

    name: ClassVar[str] = "generated"
    quality: ClassVar[Quality | None] = None
    rules: ClassVar[Rules | None] = None
    worker: ClassVar[str] = "dse.tasks.generated.worker:GeneratedWorker"
