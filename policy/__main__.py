"""Serve the policy pack: `pulumi preview --policy-pack policy` starts this with `policy/` as its folder."""

from __future__ import annotations

from pack import LEVEL, NAME, POLICIES
from pulumi_policy import PolicyPack

PolicyPack(name=NAME, policies=POLICIES, enforcement_level=LEVEL)
