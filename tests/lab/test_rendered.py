"""Every object that the project renders, held against the real API server, with the real CRDs, strictly."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from lab import Lab, inspection
from lab.api import ApiError
from tests.lab.strict import Strict
from tests.rendered import RENDERED, Object, Rendered

CASES = pytest.mark.parametrize("rendered", RENDERED, ids=[each.name for each in RENDERED])


@pytest.fixture(scope="module")
def strict(lab: Lab) -> Strict:
    """The API server, which knows cert-manager's kinds as well."""
    server = Strict(lab)
    server.kinds(inspection.require().crds)
    return server


@CASES
def test_the_api_server_takes_every_object(strict: Strict, rendered: Rendered) -> None:
    """Each is accepted with strict field validation, so no field is misspelt, and none is dropped in silence."""
    for body in rendered.objects:
        assert strict.apply(body)["metadata"]["name"] == body["metadata"]["name"]


@CASES
def test_the_api_server_refuses_what_no_kind_has(strict: Strict, rendered: Rendered) -> None:
    """The test above would notice: the same objects with one field more are each refused by its name."""
    for body in rendered.objects:
        broken = {**body, "hsots": ["x"]}
        with pytest.raises(ApiError, match="hsots"):
            strict.apply(broken)


def _misspelt(body: Object, path: str, wrong: str) -> Object:
    """The object with a field, by its path, under another name."""
    broken = copy.deepcopy(dict(body))
    *parents, last = path.split(".")
    section: Any = broken
    for part in parents:
        section = section[int(part)] if part.isdigit() else section[part]
    section[wrong] = section.pop(last)
    return broken


@pytest.mark.parametrize(
    ("case", "kind", "path", "wrong"),
    [
        ("gateway, everything", "Gateway", "spec.servers.0.tls.httpsRedirect", "httpRedirect"),
        ("gateway, everything", "Gateway", "spec.servers.1.tls.credentialName", "credentialsName"),
        ("gateway, everything", "PeerAuthentication", "spec.mtls.mode", "Mode"),
        ("gateway, everything", "ClusterIssuer", "spec.acme.solvers.0.dns01.cloudDNS", "clouddns"),
        ("gateway, everything", "Certificate", "spec.issuerRef", "issuerref"),
        ("gateway, alibaba", "ClusterIssuer", "spec.acme.solvers.0.dns01.webhook.solverName", "solver"),
    ],
)
def test_a_misspelt_field_is_refused(strict: Strict, case: str, kind: str, path: str, wrong: str) -> None:
    """A slip in the depth of an object is told with the name that is wrong."""
    (rendered,) = [each for each in RENDERED if each.name == case]
    body = next(each for each in rendered.objects if each["kind"] == kind)
    with pytest.raises(ApiError, match=wrong):
        strict.apply(_misspelt(body, path, wrong))


def test_a_mode_that_istio_does_not_have_is_refused(strict: Strict) -> None:
    """The CRDs hold values to their enumerations as well: what settings would let through does not get in."""
    (rendered,) = [each for each in RENDERED if each.name == "gateway, everything"]
    body = copy.deepcopy(dict(next(each for each in rendered.objects if each["kind"] == "PeerAuthentication")))
    body["spec"]["mtls"]["mode"] = "strict"
    with pytest.raises(ApiError, match="Unsupported value"):
        strict.apply(body)
