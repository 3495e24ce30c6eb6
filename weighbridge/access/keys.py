"""The key pair by which a domain on Alibaba Cloud is proven, from where the settings say that it is."""

from __future__ import annotations

from weighbridge.access.references import References
from weighbridge.mesh.certificates import ID_KEY, SECRET_KEY
from weighbridge.settings.gateway import Gateway

_KEY = "weighbridge:gateway.tls.certificate.dns01.alibaba"


def key_pair(gateway: Gateway, references: References) -> dict[str, str]:
    """Look the key pair up.

    Args:
        gateway: the settings.
        references: where secrets are looked up.

    Returns:
        Its two parts, by their keys in the Secret; {} where the gateway needs none, or has a Secret for it.

    Raises:
        PrometheusError: a reference leads nowhere; the line has the setting's key and no secret.
    """
    certificate = gateway.tls.certificate if gateway.tls else None
    alibaba = certificate.dns01.alibaba if certificate else None
    if alibaba is None or alibaba.access_key_id is None or alibaba.access_key_secret is None:
        return {}
    parts = {
        ID_KEY: ("access_key_id", alibaba.access_key_id),
        SECRET_KEY: ("access_key_secret", alibaba.access_key_secret),
    }
    return {
        key: references.read(reference.model_dump(exclude_none=True), f"{_KEY}.{name}")
        for key, (name, reference) in parts.items()
    }
