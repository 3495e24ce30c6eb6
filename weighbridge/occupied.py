"""Finds out, before anything is declared, that a name which a gateway needs is somebody else's, or nobody's."""

from __future__ import annotations

import http.client
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from weighbridge import kubeconfig
from weighbridge.errors import EngineError, SettingsError
from weighbridge.mesh.claims import Claim
from weighbridge.settings.cluster import Cluster, Existing

_SECONDS = 4.0
Ask = Callable[[Claim], bool | None]
"""Whether there is an object under a claim's path; None where nobody can tell."""


def refuse(claims: Iterable[Claim], saved: Mapping[str, Mapping[str, Any]], ask: Ask) -> None:
    """Insist that each name is as it must be, or this stack's.

    Args:
        claims: the names.
        saved: the stack's resources by URN, with their outputs; what is in there is not asked for.
        ask: looks at the API server.

    Raises:
        SettingsError: one is not; the claim's line.
    """
    for claim in claims:
        if not claim.is_owned(saved) and ask(claim) is claim.free:
            raise SettingsError(claim.line)


def live(cluster: Cluster) -> Ask:
    """Look at the API servers of a cluster; connects when it is asked for the first time.

    Who may not read an object is not told whether it is there: the engine then finds out.

    Args:
        cluster: whose names; of one that this stack or another makes, nothing is known before it is there.
    """
    if not isinstance(cluster, Existing):
        return lambda _: None
    clients: dict[bool, Any] = {}

    def ask(claim: Claim) -> bool | None:
        on_mesh = claim.on_mesh and bool(cluster.mesh_kubeconfig or cluster.mesh_context)
        if on_mesh not in clients:
            clients[on_mesh] = _client(cluster, on_mesh=on_mesh)
        return _exists(clients[on_mesh], claim.path)

    return ask


def _client(cluster: Existing, *, on_mesh: bool) -> Any:
    # Half a second, and only the first run of a gateway asks.
    from kubernetes import client, config  # noqa: PLC0415
    from kubernetes.config.config_exception import ConfigException  # noqa: PLC0415

    setting = (cluster.mesh_kubeconfig or cluster.kubeconfig) if on_mesh else cluster.kubeconfig
    context = cluster.mesh_context if on_mesh else cluster.context
    settings = client.Configuration()
    try:
        files = os.pathsep.join(str(path) for path in kubeconfig.paths(setting) if path.is_file())
        if files:
            config.load_kube_config(files, context, client_configuration=settings)
        else:
            config.load_incluster_config(settings)
    except (ConfigException, OSError, TypeError) as error:
        raise EngineError(f"the kubeconfig cannot be used ({' '.join(str(error).split())})") from None
    settings.retries = False
    return client.ApiClient(settings)


def _exists(api: Any, path: str) -> bool | None:
    from urllib3.exceptions import HTTPError  # noqa: PLC0415

    request = api.param_serialize("GET", path, auth_settings=["BearerToken"])
    try:
        answer = api.call_api(*request, _request_timeout=(_SECONDS, _SECONDS))
    except (HTTPError, OSError) as error:
        raise EngineError(f"the cluster cannot be asked for {path} ({type(error).__name__})") from None
    if answer.status in {http.client.FORBIDDEN, http.client.UNAUTHORIZED}:
        return None
    if answer.status not in {http.client.OK, http.client.NOT_FOUND}:
        raise EngineError(f"the cluster cannot be asked for {path} (it answers {answer.status})")
    return bool(answer.status == http.client.OK)
