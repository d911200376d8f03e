"""The quality of an image classifier. Standard library only: the worker imports this, too."""

from __future__ import annotations

from dse.core.metrics import Metric
from dse.tasks.task import Quality

ACCURACY = Metric("accuracy_percent", "%", "maximize", "top-1 accuracy", timed=False, quality=True)
"""The share of the images whose first label is right."""
TOP_1 = Quality(ACCURACY, heading="top-1 [%]", decimals=2, target=76.46 * 0.99)
"""The target is that of the closed division: 99 % of the reference model's accuracy."""
