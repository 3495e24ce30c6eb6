"""The one tree of errors that Weighbridge raises on purpose.

Each carries exactly one line for a person: the name, the rule and the value got.

WeighbridgeError
├── SettingsError     a key of the stack file is wrong
├── Refused           the plan does not allow the move that the stack file asks for
├── PrometheusError   the question got no usable answer
└── EngineError       the engine or the cluster cannot be reached or used
"""

from __future__ import annotations


class WeighbridgeError(Exception):
    """What a user can mend; its text is one line and needs no traceback."""


class SettingsError(WeighbridgeError):
    """A key of the stack file breaks a rule."""


class Refused(WeighbridgeError):  # noqa: N818  reads as the sentence that the user sees
    """The wanted weight or revision is not a move that the plan allows from here."""


class PrometheusError(WeighbridgeError):
    """Prometheus could not be asked, or its answer cannot be used."""


class EngineError(WeighbridgeError):
    """The engine, its backend or the cluster cannot be reached or used."""
