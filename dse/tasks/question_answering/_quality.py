"""The quality of an answerer of questions. Standard library only: the worker imports this, too."""

from __future__ import annotations

from dse.core.metrics import Metric
from dse.tasks.task import Quality

F1 = Metric("f1_percent", "%", "maximize", "F1 of the answers", timed=False, quality=True)
"""The mean over all questions of how many words the answer shares with the right one."""
REFERENCE_PERCENT = 90.874
"""The F1 of MLPerf's reference model, BERT-large in fp32, on the development set of SQuAD v1.1."""
F1_QUALITY = Quality(F1, heading="F1 [%]", decimals=3, target=REFERENCE_PERCENT * 0.99)
"""The target is that of the closed division: 99 % of the reference model's F1."""
