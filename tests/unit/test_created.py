"""The pictures of what a stack makes: current, and true to what the program registers."""

from __future__ import annotations

import re

import pytest

from docs.created import PICTURED, file, picture, text
from tests.components.recording import Registered


@pytest.mark.parametrize("stack", PICTURED)
def test_the_committed_picture_is_current(stack: str) -> None:
    """`python -m docs.created` draws it; whoever changes a component or a stack file runs that."""
    assert file(stack).read_text(encoding="utf-8") == text(stack)


def test_all_that_is_made_is_in_the_picture() -> None:
    """The cluster, its mesh and the release of the stack on Alibaba Cloud are there, in their components."""
    page = file("ack-asm").read_text(encoding="utf-8")
    for name in ("cluster-ack", "cluster-asm", "cluster-vpc", "podinfo-routes", "verdict"):
        assert f"<b>{name}</b>" in page, name
        assert f"| `{name}` |" in page, name
    assert "Protected from deletion: `cluster-ack`, `cluster-asm`, `gateway-address`" in page


@pytest.mark.parametrize("stack", PICTURED)
def test_every_part_has_its_box(stack: str) -> None:
    """A resource stands in the component that made it; the verdict alone is the stack's own."""
    page = file(stack).read_text(encoding="utf-8")
    boxes = set(re.findall(r'^ +subgraph n\d+\["(\w+)<br/>', page, re.MULTILINE))
    assert {"CanaryRelease", "IstioGateway", "Observability"} <= boxes
    assert re.findall(r"^  n\d+\[.*<b>(.*)</b>", page, re.MULTILINE) == ["verdict"]
    assert page.count("-->") + page.count("-.->") < 50


def resource(name: str, *needs: str, parent: str = "", kind: str = "gcp:x:Thing", custom: bool = True) -> Registered:
    """A resource whose URN is its type and name."""
    urns = frozenset(needs)
    empty: frozenset[str] = frozenset()
    return Registered(
        kind, name, {}, "", "", empty, (), {}, f"{kind}::{name}", parent_urn=parent, needs=urns, custom=custom
    )


def test_an_arrow_that_others_say_already_is_left_out() -> None:
    """What waits for the last of a chain waits for all of it: one arrow says so."""
    chain = [
        resource("a"),
        resource("b", "gcp:x:Thing::a"),
        resource("c", "gcp:x:Thing::a", "gcp:x:Thing::b"),
    ]
    assert [line.strip() for line in picture(chain) if "-->" in line] == ["n0 --> n1", "n1 --> n2"]


def test_what_leaves_a_box_is_one_arrow_between_boxes() -> None:
    """That each of a release's parts waits for each of a gateway's is one thing to say, and one line."""
    home, away = (resource(name, kind="weighbridge:index:Box", custom=False) for name in ("home", "away"))
    first = [resource(name, parent=home.urn) for name in ("a", "b")]
    then = [resource(name, *(each.urn for each in first), parent=away.urn) for name in ("c", "d")]
    last = resource("e", then[0].urn)
    lines = sorted(line.strip() for line in picture([home, away, *first, *then, last]) if "->" in line)
    assert lines == ["n0 --> n1", "n4 --> n6"]


def test_a_provider_leads_to_the_component_that_uses_it() -> None:
    """A dotted arrow, once for a component; inside the provider's own component there is none."""
    box = resource("box", kind="weighbridge:index:Box", custom=False)
    home = resource("home", kind="weighbridge:index:Home", custom=False)
    provider = resource("p", kind="pulumi:providers:kubernetes", parent=home.urn)
    inside = resource("own", provider.urn, parent=home.urn)
    users = [resource(name, provider.urn, parent=box.urn) for name in ("one", "two")]
    lines = [line.strip() for line in picture([box, home, provider, inside, *users])]
    assert [line for line in lines if "->" in line] == ["n2 -.-> n0"]
    assert [line for line in lines if line.startswith("subgraph")] == [
        'subgraph n0["Box<br/><b>box</b>"]',
        'subgraph n1["Home<br/><b>home</b>"]',
    ]
    assert lines.count("end") == 2


@pytest.mark.parametrize("stack", PICTURED)
def test_each_name_of_the_picture_is_declared(stack: str) -> None:
    """Every end of an arrow is a box or a resource that is drawn."""
    page = file(stack).read_text(encoding="utf-8")
    drawn = set(re.findall(r"^ +(?:subgraph )?(n\d+)\[", page, re.MULTILINE))
    ends = {end for pair in re.findall(r"^ +(n\d+) -\.?-> (n\d+)$", page, re.MULTILINE) for end in pair}
    assert ends <= drawn
