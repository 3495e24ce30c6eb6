"""Addresses and DNS records, one file for each cloud, in one shape. A cloud's SDK is imported only where it is used.

Each file has `reserved(name, settings, place)`, which gives the address and what the gateway's Service has to say to
get it, and `records(name, dns, hosts, ip, opts)`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from weighbridge.errors import SettingsError

_EXTRAS: Mapping[str, tuple[str, str]] = {"google": ("pulumi-gcp", "gcp"), "alibaba": ("pulumi-alicloud", "alicloud")}


@dataclass(frozen=True)
class Reserved:
    """An address that stays.

    Attributes:
        ip: it; not known before it is reserved.
        annotations: for the gateway's Service, by which the cloud's load balancer uses it.
        bind: whether the Service has to name the address itself.
    """

    ip: pulumi.Input[str]
    annotations: Mapping[str, Any] = field(default_factory=dict)
    bind: bool = False


def cloud(kind: str) -> Any:
    """Import one cloud's file.

    Args:
        kind: google or alibaba.

    Raises:
        SettingsError: its SDK is not installed; the line says what to do.
    """
    package, extra = _EXTRAS[kind]
    try:
        return importlib.import_module(f"components.dns.{kind}")
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("pulumi_"):
            raise
        rule = f"needs the package {package}, which `pip install 'weighbridge[{extra}]'` brings"
        raise SettingsError(f"weighbridge:gateway: '{kind}' {rule} (got no such package)") from None


def record_name(name: str, host: str) -> str:
    """The name of a host's record as a resource; a `*` would mean something in Pulumi's own options."""
    return f"{name}-record-{host.replace('*', 'any')}"


def record_type(ip: str) -> str:
    """The type of the record for an address."""
    return "AAAA" if ":" in ip else "A"
