"""Kinds of a cluster's own: their definitions, until clients find them."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from lab.api import Api, ApiError
from lab.errors import LabError
from lab.server import POLL

_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_WITHIN = 20.0
_NOT_FOUND = 404


async def define(api: Api, definitions: Sequence[Mapping[str, Any]]) -> None:
    """Create CustomResourceDefinitions, and wait until clients find each kind, which is some time after.

    Raises:
        LabError: the API server does not serve one in time.
    """
    await asyncio.gather(*(api.ensure(_CRDS, dict(definition)) for definition in definitions))
    wanted = {
        (each["spec"]["group"], version["name"], each["spec"]["names"]["plural"])
        for each in definitions
        for version in each["spec"]["versions"]
        if version["served"]
    }
    deadline = time.monotonic() + _WITHIN
    while missing := wanted - await _found(api, {(group, version) for group, version, _ in wanted}):
        if time.monotonic() > deadline:
            raise LabError(f"the API server does not serve {min(missing)} in time")
        await asyncio.sleep(POLL)


async def _found(api: Api, groups: set[tuple[str, str]]) -> set[tuple[str, str, str]]:
    """Group, version and plural of what the API server lists."""
    found = set()
    for group, version in groups:
        try:
            listed = await api.get(f"/apis/{group}/{version}")
        except ApiError as error:
            if error.status != _NOT_FOUND:
                raise
            continue
        found |= {(group, version, each["name"]) for each in listed["resources"]}
    return found
