"""The rules of values that several kinds of cluster have: names, ranges of addresses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from itertools import combinations
from typing import Any

from weighbridge.settings.rules import Rule, Text, fault

# The node pool's service account has the name and `-nodes`, and Google allows it 30 characters.
NAME = Text(
    r"[a-z](?:[a-z0-9-]*[a-z0-9])?",
    "must be a name of small letters, digits and '-', at most 24, that begins with a letter",
    24,
)


@dataclass(frozen=True)
class Cidr(Rule):
    """A range of IPv4 addresses, such as 10.0.0.0/22, whose host bits are zero.

    Attributes:
        widest: its shortest prefix.
        narrowest: its longest.
    """

    widest: int = 8
    narrowest: int = 28

    @property
    def says(self) -> str:
        """The rule in words."""
        return f"must be a range of IPv4 addresses such as 10.0.0.0/16, from /{self.widest} to /{self.narrowest}"

    def read(self, value: Any) -> str:
        """Return the text as it is."""
        try:
            network = IPv4Network(value if isinstance(value, str) and "/" in value else "")
        except ValueError:
            raise fault(self.says) from None
        if not self.widest <= network.prefixlen <= self.narrowest:
            raise fault(self.says)
        return str(network)

    def describe(self) -> dict[str, Any]:
        """Describe the text; whether the host bits are zero stays with `read`."""
        return {"type": "string", "pattern": r"^[0-9]{1,3}(?:\.[0-9]{1,3}){3}/[0-9]{1,2}$"}


def keep_apart(ranges: Mapping[str, str]) -> None:
    """Refuse ranges that share addresses: a cluster with such ranges cannot be made, or loses packets.

    Args:
        ranges: name of the setting -> the range.

    Raises:
        PydanticCustomError: two of them overlap; the later one is named.
    """
    for (one, first), (other, second) in combinations(ranges.items(), 2):
        if IPv4Network(first).overlaps(IPv4Network(second)):
            raise fault(f"must share no address with {one!r}, which is {first}", got=repr(second), key=other)
