"""Image classification in the parent: the models, data sets and rules of it.

Whatever is heavy is imported where it is used: every command and every worker loads this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from dse.core.metrics import Scenario
from dse.tasks.image_classification.quality import TOP_1
from dse.tasks.task import Rules

if TYPE_CHECKING:
    from dse.tasks.task import Quality

_EDGE = (Scenario.SINGLE_STREAM, Scenario.MULTI_STREAM, Scenario.OFFLINE)


class ImageClassification:
    """Classifies images by ImageNet's labels."""

    name: ClassVar[str] = "image-classification"
    quality: ClassVar[Quality | None] = TOP_1
    rules: ClassVar[Rules | None] = Rules(
        loadgen_model="resnet50",
        benchmark="resnet",
        scenarios={"edge": _EDGE, "datacenter": (Scenario.SERVER, Scenario.OFFLINE)},
        server_bound_ms=15.0,
        performance_samples=1024,
        accuracy_samples=50_000,
        min_offline_samples=24_576,
    )
    worker: ClassVar[str] = "dse.tasks.image_classification.worker:ImageClassificationWorker"
