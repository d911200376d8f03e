"""The questions, or the made-up tokens, on which int8 models are calibrated."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from dse.core.checksums import digest
from dse.models.calibration import Calibration, spread_indices
from dse.models.quantised import Quantised
from dse.tasks.question_answering._form import QuestionForm
from dse.tasks.question_answering._inputs import QuestionInputs, RandomInputs, read_features
from dse.tasks.question_answering._scoring import Truth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dse.core.backend import Batch
    from dse.core.signature import Form
    from dse.models.provider import Provider
    from dse.tasks.question_answering._squad import Questions

MAX_QUESTIONS = 64
"""The most questions to calibrate on."""
RANDOM_SAMPLES = 4
"""The number of made-up samples that untrained weights are calibrated on."""


def with_conversions(provider: Provider, questions: Questions | None) -> Provider:
    """A provider of trained models that also makes int8 files of what it has.

    Args:
        provider: has the files; one with untrained weights stays as it is.
        questions: that int8 is calibrated on.
    """
    if not provider.trained:
        return provider
    return Quantised(provider, calibration(questions) if questions else None, None, "questions")


def calibration(questions: Questions) -> Calibration:
    """Calibrates on questions spread evenly over a data set, each with its first window."""
    from dse.tasks.question_answering._features import FEATURES_VERSION, feature_file

    indices = spread_indices(len(questions), MAX_QUESTIONS)
    asked = digest(["questions", questions.fingerprint, indices, FEATURES_VERSION])

    def samples(form: Form) -> Iterator[Batch]:
        own = QuestionForm.from_form(form)
        file = feature_file(questions, own)
        ends = Truth.from_json(read_features(file, "truth").tobytes()).ends
        inputs = QuestionInputs(file, own)
        for index in indices:
            yield inputs.call([ends[index - 1] if index else 0])

    return Calibration(
        description=f"{len(indices)} of the {len(questions):,} questions of the data set",
        identity=lambda form: [asked, QuestionForm.from_form(form).identity],
        samples=samples,
        count=len(indices),
        products_only=True,
    )


def _random_samples(form: Form) -> Iterator[Batch]:
    inputs = RandomInputs(RANDOM_SAMPLES, QuestionForm.from_form(form), seed=0)
    for index in range(RANDOM_SAMPLES):
        yield inputs.call([index])


def _identify_random(form: Form) -> list[Any]:
    """The samples by their content, whatever made them."""
    hashed = sha256()
    for sample in _random_samples(form):
        for array in sample:
            hashed.update(array.tobytes())
    return ["random tokens", hashed.hexdigest()]


RANDOM_TOKENS = Calibration("random tokens", _identify_random, _random_samples, products_only=True)
"""Calibration of untrained weights, for which any tokens will do."""
