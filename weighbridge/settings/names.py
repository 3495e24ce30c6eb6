"""The names of Kubernetes' own rules that several sections have: labels of the DNS, domains, namespaces, Gateways."""

from __future__ import annotations

from weighbridge.settings.rules import Text

DNS_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
"""A pattern: one label of a domain name (RFC 1123)."""
DNS_NAME = rf"{DNS_LABEL}(?:\.{DNS_LABEL})*"
"""A pattern: labels with dots between them, or one alone."""
DOMAIN_NAME = rf"{DNS_LABEL}(?:\.{DNS_LABEL})+"
"""A pattern: two labels or more."""

NAMESPACE = Text(DNS_LABEL, "must be a DNS label: lower-case letters, digits and '-', at most 63", 63)
GATEWAY = Text(rf"{DNS_LABEL}/{DNS_NAME}", "must be 'namespace/name' of a Gateway")
