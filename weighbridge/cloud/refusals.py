"""What a cloud's provider says when it refuses -> one line with what to do about it.

The providers' messages run over a dozen lines, and what matters is in the middle. The shapes read here are those of
googleapis (`googleapi: Error 409: ...`, google.golang.org/api/googleapi) and of Alibaba Cloud's three SDKs (`SDKError:`
of alibabacloud-go/tea, `Aliyun API Error:` of denverdino/aliyungo, `SDK.ServerError` of alibaba-cloud-sdk-go), as
Pulumi's bridge passes them on. tests/unit/refusal_cases.py has one of each, with where it was found.

Whatever these tables do not know is left to the reader that every other message has: nothing is made up.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from weighbridge.cloud.kubeconfig import ALIBABA_PLUGIN, GOOGLE_PLUGIN

Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]
_LONGEST = 300

_EXISTS = "exists already: choose another 'name', delete it, or take it over with `pulumi import`"
_GOOGLES: Final = re.compile(r"googleapi|Google|google:|GKE|gcloud|deletion_protection")
"""What is in every message of Google's provider that matters here, and in hardly any other."""


def _rule(pattern: str, say: Callable[[re.Match[str]], str] | str) -> Rule:
    return re.compile(pattern, re.DOTALL), say if callable(say) else lambda _: say


def _shortages(match: re.Match[str]) -> str:
    """All quotas that are short, as Google lists them."""
    found = re.findall(r"resource \"(\w+)\": request requires '([\d.]+)' and is short '([\d.]+)'", match.string)
    each = ", ".join(f"{name} {needs} asked, short by {short}" for name, needs, short in dict.fromkeys(found))
    return f"Google Cloud has no quota left ({each}): make 'nodes' smaller, or ask for more at {_QUOTAS}"


def _missing_api(match: re.Match[str]) -> str:
    service = re.search(r"[a-z]+\.googleapis\.com", match["service"] or match.string.partition("/api/")[2])
    name = service[0] if service else "container.googleapis.com"
    return f"the API {name} is not enabled: set 'enable_api: true', or run `gcloud services enable {name}`"


_QUOTAS = "https://console.cloud.google.com/iam-admin/quotas"
_LOGIN = "run `gcloud auth application-default login`"

_GOOGLE: Final[tuple[Rule, ...]] = (
    _rule(
        r"could not find default credentials|No valid credentials loaded",
        f"no credentials of Google were found: {_LOGIN}",
    ),
    _rule(r"invalid_rapt|invalid_grant|reauth related error", f"Google's credentials have expired: {_LOGIN}"),
    _rule(r"Error 409: Already exists: (?P<what>projects/[^\s,]+?)\.?(?=[\s,]|$)", lambda m: f"{m['what']} {_EXISTS}"),
    _rule(r"Error 409: The resource '(?P<what>[^']+)' already exists", lambda m: f"{m['what']} {_EXISTS}"),
    _rule(
        r"Error 409: Service account (?P<what>\S+) already exists within project (?P<where>[^\s,]+?)\.?(?=[\s,]|$)",
        lambda m: f"{m['where']}/serviceAccounts/{m['what']} {_EXISTS}",
    ),
    _rule(r"(?i:insufficient) (?:regional|project) quota to satisfy request: resource", _shortages),
    _rule(
        r"Quota '(?P<name>\w+)' exceeded\.\s+Limit: (?P<limit>[\d.]+)(?P<where> in region \S+?| globally)?\.",
        lambda m: (
            f"Google Cloud has no quota left ({m['name']}, limit {m['limit']}{m['where'] or ''}): make 'nodes' "
            f"smaller, or ask for more at {_QUOTAS}"
        ),
    ),
    _rule(
        r"ZONE_RESOURCE_POOL_EXHAUSTED|GCE_STOCKOUT|does not have enough resources available to fulfill the request",
        "Google Cloud has no such machines left there: choose another 'location' or 'machine_type', or try again later",
    ),
    _rule(
        r"API has not been used in project|API is not enabled for this project|should enable service:(?P<service>\S+)",
        _missing_api,
    ),
    _rule(
        r"(?i:billing to be enabled|billing account .{0,80}(?:disabled|closed|not found)|BILLING_DISABLED)",
        "the project has no billing account: link it to one at https://console.cloud.google.com/billing",
    ),
    _rule(
        r"Permission denied on 'locations/(?P<where>[^']+)' \(or it may not exist\)"
        r"|Location \"(?P<other>[^\"]+)\" does not exist",
        lambda m: f"Google Cloud has no location {m['where'] or m['other']} for this project: check 'location'",
    ),
    _rule(
        r"Permission denied on resource project (?P<a>[^\s,]+?)\.?(?=[\s,]|$)|(?i:project) '?(?P<b>[a-z][a-z0-9-]+)'? "
        r"(?:was not found|not found|may not exist|has been deleted)",
        lambda m: f"the project {m['a'] or m['b']} is not there, or not for you: check 'project'",
    ),
    _rule(
        r"Required \"(?P<what>[\w.]+)\" permission\(s\) for \"(?P<where>[^\"]+)\""
        r"|Required '(?P<what2>[\w.]+)' permission for '(?P<where2>[^']+)'"
        r"|Permission '(?P<what3>[\w.]+)' denied on (?:resource )?'?(?P<where3>[^\s']+)",
        lambda m: (
            f"Google Cloud refused: the permission {m['what'] or m['what2'] or m['what3']} on "
            f"{m['where'] or m['where2'] or m['where3']} is missing: ask for a role that has it"
        ),
    ),
    _rule(
        r"(?i:machine type) (?:with name )?['\"]?(?P<name>[a-z][\w-]+)['\"]? "
        r"(?:does not exist|is not available|not found)",
        lambda m: f"Google Cloud has no machine type {m['name']} there: check 'machine_type'",
    ),
    _rule(
        r"googleapi: Error (?P<code>\d+): (?P<text>[^\n]+?)(?:, \w+)?(?=\n|$)",
        lambda m: f"Google Cloud refused ({m['code']}): {m['text'].strip()}",
    ),
)

_ALIBABA_SHAPES: Final = (
    re.compile(r"SDKError:\s+StatusCode: (?P<status>\d+)\s+Code: (?P<code>\S+)\s+Message: (?P<text>[^\n]*)"),
    re.compile(r"SDK\.ServerError\s+ErrorCode: (?P<code>\S+).*?Message: (?P<text>[^\n]*)", re.DOTALL),
    # One of these may hold another, of the service behind the service: the last one says why.
    re.compile(r".*Aliyun API Error: .*?Code: (?!\d)(?P<code>\S+) Message: (?P<text>[^\n]*)", re.DOTALL),
)
_ACTION: Final = re.compile(r"(?:Resource|Datasource) \S+ (?P<action>[A-Z]\w+) Failed!!!")

_ALIBABA: Final[tuple[Rule, ...]] = (
    _rule(r"NameAlreadyExist|AlreadyExist", f"that name {_EXISTS}"),
    _rule(
        r"ClustersNotEmpty", "the cluster is still in the mesh: set 'joined: false' in 'mesh', run `up`, then delete it"
    ),
    _rule(r"Quota", "no quota is left: make 'nodes' smaller, or ask for more at https://quotas.console.aliyun.com"),
    _rule(
        r"NoStock|Zone\.NotOnSale|ResourceNotAvailable|InsufficientBalance",
        "no such machines are left there: choose other 'instance_types' or 'zones', or try again later",
    ),
    _rule(
        r"InvalidAccessKey|SignatureDoesNotMatch|SecurityToken|InvalidCredential|IncompleteSignature",
        "the credentials are not valid: make a new access key, or log in again",
    ),
    _rule(
        r"RoleNotAttach|RoleAttach|EntityNotExist\.Role|NotExist\.Role",
        "the account has not given ACK its roles: authorize it once at https://cs.console.aliyun.com",
    ),
    _rule(
        r"NotOpen|NotActivated|NotSubscribed|Unopened|InvalidStatus\.Service",
        "the service is not activated for the account: activate it once in its console",
    ),
    _rule(
        r"Forbidden|NoPermission|NotAllowed|Unauthorized|AccessDenied",
        "the RAM policy for it is missing: attach one that allows it",
    ),
    _rule(r"InvalidRegion|RegionId|InvalidZone|ZoneId", "there is no such region or zone: check 'region' and 'zones'"),
    _rule(r"InvalidInstanceType|InstanceType", "there is no such machine there: check 'instance_types'"),
)

_REPLACED = (
    "would be deleted and made anew by this change, and is protected: take the change back; or set 'protect: false' in "
    "its section, and lose what is in it"
)
_PROTECTED = "is protected: set 'protect: false' in its section, run `up`, and then delete it"

_PLUGINS = f"{GOOGLE_PLUGIN}|{ALIBABA_PLUGIN}"

_OTHERS: Final[tuple[Rule, ...]] = (
    # Pulumi's engine; its first line begins with "Preview failed", which says nothing by itself.
    _rule(
        r"resource \"?(?P<urn>urn:pulumi:[^\"\s]+)\"?\s+cannot be deleted\s+because it is protected",
        lambda m: f"{m['urn'].rpartition('::')[2]} {_PROTECTED}",
    ),
    _rule(
        r"unable to replace resource \"?(?P<urn>urn:pulumi:[^\"\s]+)\"?\s+as it is currently marked for protection",
        lambda m: f"{m['urn'].rpartition('::')[2]} {_REPLACED}",
    ),
    _rule(r"(?i:cannot destroy cluster).{0,80}deletion_protection", f"the cluster {_PROTECTED}"),
    _rule(
        r"no valid credential sources for Terraform Alibaba Cloud Provider",
        "no credentials of Alibaba Cloud were found: set ALIBABA_CLOUD_ACCESS_KEY_ID and "
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
    ),
    _rule(
        rf"executable (?P<a>{_PLUGINS}) not found|\"(?P<b>{_PLUGINS})\": executable file not found",
        lambda m: f"{m['a'] or m['b']} is not on PATH, and the cluster cannot be reached without it: install it",
    ),
)


def refusal(text: str) -> str | None:
    """Say a refusal of a cloud in one line.

    Args:
        text: a message of a provider, without colours; of any number of lines.

    Returns:
        the line; None where the text is no refusal of a cloud that is known here.
    """
    line = _first(_OTHERS, text) or _alibaba(text) or (_first(_GOOGLE, text) if _GOOGLES.search(text) else None)
    return _short(line) if line else None


def _first(rules: tuple[Rule, ...], text: str) -> str | None:
    return next((say(match) for pattern, say in rules if (match := pattern.search(text))), None)


def _alibaba(text: str) -> str | None:
    match = next((found for shape in _ALIBABA_SHAPES if (found := shape.search(text))), None)
    if match is None:
        return None
    action = _ACTION.search(text)
    what = (
        f"Alibaba Cloud refused {action['action']} ({match['code']})"
        if action
        else f"Alibaba Cloud refused ({match['code']})"
    )
    return f"{what}: {_first(_ALIBABA, match['code']) or _sentence(match['text'])}"


def _sentence(text: str) -> str:
    """What the service says, without the code and the number of the request around it."""
    clean = re.sub(r"^code: \d+, |,? ?request ?id: ?\S+.*$", "", text.strip(), flags=re.IGNORECASE)
    return " ".join(clean.split()).rstrip(".") or "no reason was given"


def _short(line: str) -> str:
    flat = " ".join(line.split())
    return flat if len(flat) <= _LONGEST else f"{flat[: _LONGEST - 3]}..."
