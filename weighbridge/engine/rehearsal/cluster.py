"""The official Kubernetes client, reduced to what an engine needs: apply, get, delete, watch; every error one line."""

from __future__ import annotations

import contextlib
import json
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3
import yaml
from kubernetes import client, config, watch
from kubernetes.config.config_exception import ConfigException
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import DynamicApiError, ResourceNotFoundError

from weighbridge.engine.rehearsal.goal import StepFailed

FIELD_MANAGER = "weighbridge-rehearsal"
CONNECT_SECONDS = 4.0
READ_SECONDS = 30.0
PROBE_SECONDS = (CONNECT_SECONDS, CONNECT_SECONDS)
NOT_FOUND = 404

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Access:
    """How to reach a cluster: a kubeconfig as text or as a path, None for the ambient one."""

    kubeconfig: str | None = None
    context: str | None = None


class ApiRefused(StepFailed):
    """The API server answered, and the answer was no."""

    def __init__(self, line: str, status: int) -> None:
        super().__init__(line)
        self.status = status


class Cluster:
    """One API server. Requests have short limits of their own, since an engine's never apply to a program."""

    def __init__(self, access: Access) -> None:
        """Connect, and learn what the server can do.

        Raises:
            StepFailed: no usable kubeconfig, or the server cannot be reached within a few seconds.
        """
        settings = _settings(access)
        self._looking_up = threading.Lock()
        self.host = str(settings.host)
        self._api = client.ApiClient(settings)
        with self._one_line("cluster"):
            client.VersionApi(self._api).get_code(_request_timeout=PROBE_SECONDS)
            # The client's own cache file is shared by every server that was ever at this address.
            self._cache = tempfile.TemporaryDirectory(prefix="weighbridge-")
            self._dynamic = DynamicClient(self._api, cache_file=str(Path(self._cache.name) / "discovery.json"))

    def apply(self, manifest: Manifest, *, dry_run: bool = False) -> Manifest:
        """Server-side apply as the owner of every field in the manifest; gives the object as it is now."""
        with self._one_line(title(manifest)):
            result = self._resource(manifest).server_side_apply(
                body=manifest,
                name=manifest["metadata"]["name"],
                namespace=manifest["metadata"].get("namespace"),
                field_manager=FIELD_MANAGER,
                force_conflicts=True,
                dry_run="All" if dry_run else None,
                _request_timeout=(CONNECT_SECONDS, READ_SECONDS),
            )
        return _plain(result)

    def get(self, manifest: Manifest) -> Manifest | None:
        """Read the live object; None when there is none."""
        try:
            with self._one_line(title(manifest)):
                return _plain(
                    self._resource(manifest).get(
                        name=manifest["metadata"]["name"],
                        namespace=manifest["metadata"].get("namespace"),
                        _request_timeout=(CONNECT_SECONDS, READ_SECONDS),
                    )
                )
        except ApiRefused as refused:
            if refused.status == NOT_FOUND:
                return None
            raise

    def delete(self, manifest: Manifest, *, timeout: float) -> None:
        """Delete in the foreground, and come back when the object and all that it owns are gone."""
        try:
            with self._one_line(title(manifest)):
                self._resource(manifest).delete(
                    name=manifest["metadata"]["name"],
                    namespace=manifest["metadata"].get("namespace"),
                    body={"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Foreground"},
                    _request_timeout=(CONNECT_SECONDS, READ_SECONDS),
                )
        except ApiRefused as refused:
            if refused.status == NOT_FOUND:
                return
            raise
        for live in self.watch(manifest, timeout=timeout):
            if live is None:
                return
        raise StepFailed(f"{title(manifest)}: still being deleted after {timeout:g}s")

    def watch(self, manifest: Manifest, *, timeout: float) -> Iterator[Manifest | None]:
        """Give the object as it is and after each change, None once it is gone, until `timeout` seconds are over."""
        live = self.get(manifest)
        yield live
        if live is None:
            return
        metadata = manifest["metadata"]
        with self._one_line(title(manifest)):
            events = self._dynamic.watch(
                self._resource(manifest),
                namespace=metadata.get("namespace"),
                name=metadata["name"],
                resource_version=live["metadata"]["resourceVersion"],
                timeout=max(1, round(timeout)),
                watcher=watch.Watch(),
            )
            for event in events:
                yield None if event["type"] == "DELETED" else event["raw_object"]

    def pods(self, namespace: str, labels: dict[str, str]) -> list[Manifest]:
        """List the pods that carry these labels."""
        selector = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
        pods = self._resource({"apiVersion": "v1", "kind": "Pod"})
        with self._one_line(f"pods of {namespace}"):
            found = pods.get(namespace=namespace, label_selector=selector, _request_timeout=PROBE_SECONDS)
        items: list[Manifest] = _plain(found).get("items", [])
        return items

    def namespaced(self, manifest: Manifest) -> bool:
        """Tell whether objects of this kind live in a namespace."""
        return bool(self._resource(manifest).namespaced)

    def _resource(self, manifest: Manifest) -> Any:
        # A kind that is not found makes the client forget all kinds and look again, under the feet of other threads.
        with self._looking_up:
            return self._dynamic.resources.get(api_version=manifest["apiVersion"], kind=manifest["kind"])

    @contextlib.contextmanager
    def _one_line(self, what: str) -> Iterator[None]:
        """Turn whatever the client raises into one line."""
        try:
            yield
        except DynamicApiError as error:
            raise ApiRefused(f"{what}: {_message(error)}", error.status) from None
        except client.ApiException as error:
            raise ApiRefused(f"{what}: {_message(error)}", error.status or 0) from None
        except ResourceNotFoundError as error:
            raise StepFailed(f"{what}: the cluster at {self.host} does not know this kind ({error})") from None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise StepFailed(f"the cluster at {self.host} cannot be reached ({_cause(error)})") from None


def title(manifest: Manifest) -> str:
    """Name an object as people do: kind, namespace/name."""
    metadata = manifest.get("metadata", {})
    place = f"{metadata['namespace']}/" if metadata.get("namespace") else ""
    return f"{manifest.get('kind')} {place}{metadata.get('name')}"


def _settings(access: Access) -> Any:
    settings = client.Configuration()
    given = access.kubeconfig
    try:
        if given and ("\n" in given or given.lstrip().startswith("{")):
            config.load_kube_config_from_dict(yaml.safe_load(given), access.context, client_configuration=settings)
        else:
            path = str(Path(given).expanduser()) if given else None
            config.load_kube_config(path, access.context, client_configuration=settings)
    except (ConfigException, yaml.YAMLError, OSError, TypeError) as error:
        line = " ".join(str(error).split())
        raise StepFailed(f"kubeconfig: cannot be used ({line})") from None
    settings.retries = False
    return settings


def _plain(instance: Any) -> Manifest:
    result: Manifest = instance.to_dict()
    return result


def _message(error: Any) -> str:
    """Take the API server's own sentence out of an error's body."""
    body = error.body
    with contextlib.suppress(ValueError, TypeError, AttributeError):
        return " ".join(str(json.loads(body)["message"]).split())
    return " ".join(str(error.reason or error).split())


def _cause(error: BaseException) -> str:
    """Find the reason that a person can use under urllib3's layers."""
    reason = getattr(error, "reason", None)
    if isinstance(reason, BaseException):
        return _cause(reason)
    text = " ".join(str(error).split())
    for known in ("Connection refused", "timed out", "Name or service not known", "certificate verify failed"):
        if known.lower() in text.lower():
            return known.lower()
    return text[:120]
