"""The oracle: a slow and obvious model of Runline, written from the field's rules and not from the code, that says what every
command must lead to.

Rule: it imports nothing of the domain, and works on plain values. It is told in which order and when commands were taken, and
predicts the rest: every event, every refusal, and by these every balance, pending amount, exposure, grade and permission.
"""

from runline.simulate.oracle.answers import Event, Prediction, Refusal
from runline.simulate.oracle.model import REQUIRED, Model, Shapes, events_difference, refusal_difference

__all__ = ["REQUIRED", "Event", "Model", "Prediction", "Refusal", "Shapes", "events_difference", "refusal_difference"]
