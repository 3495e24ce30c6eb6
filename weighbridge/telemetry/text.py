"""Configuration as text."""

from __future__ import annotations

from typing import Any

import yaml


class _Plain(yaml.SafeDumper):
    """YAML without references: a part that two jobs share is written twice, as not every reader of it follows them."""

    def ignore_aliases(self, _data: object) -> bool:
        return True


def plain(document: Any) -> str:
    """Write a document as YAML, keys in their order.

    Args:
        document: JSON values.
    """
    text: str = yaml.dump(document, Dumper=_Plain, sort_keys=False, width=120)
    return text
