"""Kubernetes quantities in one spelling, so that a revision does not depend on how a number was written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from weighbridge.settings.rules import Rule, fault

_PATTERN = r"[0-9]{1,15}(?:\.[0-9]{1,9})?(?:m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?"
_DECIMAL = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15, "E": 10**18}
_BINARY = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60}


def canonical(text: str) -> str:
    """Write a quantity as the API server does: `0.5` -> `500m`, `1024Mi` -> `1Gi`, `1000m` -> `1`.

    Raises:
        ValueError: the text is not a quantity, or is finer than a thousandth.
    """
    match = re.fullmatch(r"([0-9.]+)([A-Za-z]*)", text) if re.fullmatch(_PATTERN, text) else None
    if match is None:
        raise ValueError("must be a quantity such as 100m, 0.5, 2 or 64Mi")
    digits, unit = match.groups()
    size = Decimal("0.001") if unit == "m" else Decimal((_DECIMAL | _BINARY)[unit])
    amount = Decimal(digits) * size
    if amount * 1000 % 1:
        raise ValueError("must be a quantity in steps of a thousandth at the finest")
    if amount % 1:
        return f"{int(amount * 1000)}m"
    for name, step in reversed((_BINARY if unit in _BINARY else _DECIMAL).items()):
        if amount and not amount % step:
            return f"{int(amount / step)}{name}"
    return str(int(amount))


@dataclass(frozen=True)
class _Amount(Rule):
    """A quantity as text, or a bare number as YAML reads it."""

    def read(self, value: Any) -> str:
        """Return the canonical text."""
        bare = isinstance(value, (int, float)) and not isinstance(value, bool)
        try:
            return canonical(repr(value) if bare else value if isinstance(value, str) else "")
        except ValueError as error:
            raise fault(str(error)) from None

    def describe(self) -> dict[str, Any]:
        """Describe text or a number."""
        return {"type": ["string", "number"], "pattern": f"^{_PATTERN}$", "minimum": 0}


Quantity = Annotated[str, _Amount()]
