"""Names that a gateway needs: each object that is rendered has its claim, and what is this stack's is no stranger's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.loopback import Loopback
from tests.rendered import GATEWAYS, of_gateway, stack
from weighbridge import occupied
from weighbridge.errors import EngineError, SettingsError
from weighbridge.mesh.claims import Claim, claims
from weighbridge.settings import Gateway
from weighbridge.settings.cluster import Existing

URN = "urn:pulumi:dev::weighbridge::weighbridge:index:IstioGateway${}::gateway-part"


def gateway(name: str) -> Gateway:
    """One of the cases."""
    found = stack(GATEWAYS[name]).gateway
    assert found
    return found


@pytest.mark.parametrize("name", list(GATEWAYS))
def test_every_object_that_is_made_has_its_claim(name: str) -> None:
    """Nothing that is rendered could land on somebody else's object unseen; of a namespace that is there it is a label."""
    one = gateway(name)
    made = {
        (
            "/".join(filter(None, [body["metadata"].get("namespace"), body["metadata"]["name"]])),
            body["kind"] != "Namespace" or one.namespaces[body["metadata"]["name"]].create,
        )
        for body in of_gateway(one)
    }
    claimed = {(claim.owner[1], claim.free) for claim in claims(one) if "helm" not in claim.owner[0]}
    assert claimed == made


def test_what_the_stack_has_made_itself_is_not_asked_for() -> None:
    """By type and place, whatever the resource is called; a Helm release is known by its own name."""
    one = gateway("everything")
    saved: dict[str, Mapping[str, Any]] = {}
    for number, claim in enumerate(claims(one)):
        space, _, name = claim.owner[1].rpartition("/")
        place = {"name": name} | ({"namespace": space} if space else {})
        saved[URN.format(claim.owner[0]) + str(number)] = place if "helm" in claim.owner[0] else {"metadata": place}

    def never(claim: Claim) -> bool:
        raise AssertionError(claim)

    occupied.refuse(claims(one), saved, never)


def test_the_first_name_that_is_taken_is_told() -> None:
    """An istiod that is there is told before a Gateway: the way out is another one."""
    with pytest.raises(SettingsError) as refused:
        occupied.refuse(claims(gateway("everything")), {}, lambda _: True)
    rule = "weighbridge:gateway: 'install' must find no Istio; 'adopt' uses the one"
    assert str(refused.value) == f"{rule} (got Istio, Deployment istio-system/istiod, which this stack did not make)"


LABELLED = {"adopt": {}, "hosts": ["*"], "insecure": True, "namespaces": {"shop": {}, "own": {"create": True}}}


@pytest.mark.parametrize(
    ("fact", "there", "made", "refused"),
    [
        ("it is there", True, (), False),
        ("it is missing", False, (), True),
        ("nobody can tell", None, (), False),
        ("it is missing, and a chart of the stack makes it", False, ("shop",), False),
    ],
)
def test_a_label_needs_a_namespace(fact: str, there: bool | None, made: tuple[str, ...], refused: bool) -> None:
    """Where it is missing, Kubernetes would make one of the label; the line has its name and the way out."""
    one = stack(LABELLED).gateway
    assert one

    def ask(claim: Claim) -> bool | None:
        return there if claim.path == "/api/v1/namespaces/shop" else False

    said = ""
    try:
        occupied.refuse(claims(one, made), {}, ask)
    except SettingsError as error:
        said = str(error)
    rule = "weighbridge:gateway.namespaces: 'shop' must be a namespace that is there, unless its 'create' is true (got none)"
    assert said == (rule if refused else ""), fact


def test_a_namespace_that_vanished_later_blocks_no_way_back() -> None:
    """The label was this stack's already: nobody asks for the namespace again."""
    one = stack(LABELLED).gateway
    assert one
    saved = {URN.format("kubernetes:core/v1:NamespacePatch"): {"metadata": {"name": "shop"}}}
    occupied.refuse(claims(one), saved, lambda _: False)


@pytest.mark.parametrize(("status", "there"), [(200, True), (404, False), (401, None), (403, None)])
def test_who_may_not_look_is_not_told_that_something_is_there(
    server: Loopback, tmp_path: Path, status: int, there: bool | None
) -> None:
    """Only an object that was really seen is one, or is none; the engine finds out the rest."""
    server.give((status, {}))
    assert occupied.live(_cluster(server, tmp_path))(claims(gateway("plain"))[0]) is there
    assert server.seen[-1].path == "/apis/networking.istio.io/v1/namespaces/istio-system/gateways/public"


def test_a_server_that_is_ill_is_one_line(server: Loopback, tmp_path: Path) -> None:
    """Neither there nor not there: the run ends before it declares anything."""
    server.give((500, {}))
    with pytest.raises(EngineError, match=r"^the cluster cannot be asked for /apis/.*public \(it answers 500\)$"):
        occupied.live(_cluster(server, tmp_path))(claims(gateway("plain"))[0])


def _cluster(server: Loopback, folder: Path) -> Existing:
    file = folder / "kubeconfig"
    content = {
        "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": server.url}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
    }
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return Existing(kind="existing", kubeconfig=str(file))
