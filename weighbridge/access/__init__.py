"""The way in to Prometheus: settings and references -> a session that `measure.Prometheus` asks with.

references  where secrets are read from, and how they are kept out of texts
signing     the headers that say who asks; google renews Google's tokens
session     TLS, proxy and redirects
keys        Alibaba Cloud's key pair, for who proves a domain
reason      why a question got no answer, in words of ours
"""

from __future__ import annotations

from weighbridge.access.keys import key_pair
from weighbridge.access.reason import reason
from weighbridge.access.references import References, config_keys
from weighbridge.access.session import Session

__all__ = ["References", "Session", "config_keys", "key_pair", "reason"]
