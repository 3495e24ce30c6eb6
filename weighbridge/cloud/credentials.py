"""Whether a cloud's provider would find credentials here. None is read, and nobody is asked for one.

The places are those of the providers' own source, in their order:

Google   terraform-provider-google `google/provider/provider.go` (the variables), then golang.org/x/oauth2/google
         `FindDefaultCredentials`: a file, gcloud's file, the metadata server of a machine at Google.
Alibaba  terraform-provider-alicloud `alicloud/provider.go`, `providerConfigure`. The file of the aliyun command counts
         only together with the name of a profile.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path

GOOGLE_CONFIG = frozenset({"gcp:credentials", "gcp:accessToken"})
_GOOGLE = (
    "GOOGLE_CREDENTIALS",
    "GOOGLE_CLOUD_KEYFILE_JSON",
    "GCLOUD_KEYFILE_JSON",
    "GOOGLE_OAUTH_ACCESS_TOKEN",
    "GCE_METADATA_HOST",
)
_DEFAULT = Path(".config") / "gcloud" / "application_default_credentials.json"
PRODUCT = Path("/sys/class/dmi/id/product_name")

_ALIBABA_PAIRS = (
    ("ALICLOUD_ACCESS_KEY", "ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABACLOUD_ACCESS_KEY_ID"),
    ("ALICLOUD_SECRET_KEY", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABACLOUD_ACCESS_KEY_SECRET"),
)
_ALIBABA_OTHERS = (
    "ALICLOUD_ECS_ROLE_NAME",
    "ALIBABA_CLOUD_ECS_METADATA",
    "ALICLOUD_CREDENTIALS_URI",
    "ALIBABA_CLOUD_CREDENTIALS_URI",
)
_ALIBABA_PROFILES = ("ALICLOUD_PROFILE", "ALIBABA_CLOUD_PROFILE")
_ALIBABA_FILES = ("ALICLOUD_SHARED_CREDENTIALS_FILE", "ALIBABA_CLOUD_CREDENTIALS_FILE")


def google(environ: Mapping[str, str], home: Path, config: Collection[str], product: Path) -> str | None:
    """Why Google's provider would find no credentials.

    Args:
        environ: the environment.
        home: of the user.
        config: keys of the stack's config, with their namespace.
        product: the file in which a machine says whose it is.

    Returns:
        what is missing, with what to do; None where something is there, be it right or wrong.
    """
    named = environ.get("GOOGLE_APPLICATION_CREDENTIALS")
    if named and not Path(named).is_file():
        return f"$GOOGLE_APPLICATION_CREDENTIALS names a file that is not there ({named})"
    if named or any(environ.get(name) for name in _GOOGLE) or GOOGLE_CONFIG & set(config):
        return None
    if (home / _DEFAULT).is_file() or _is_googles(product):
        return None
    return "no credentials of Google were found: run `gcloud auth application-default login`"


def alibaba(environ: Mapping[str, str], home: Path, profile: str | None) -> str | None:
    """Why Alibaba Cloud's provider would find no credentials.

    Args:
        environ: the environment.
        home: of the user.
        profile: of the aliyun command, as the settings name it.

    Returns:
        what is missing, with what to do; None where something is there, be it right or wrong.
    """
    if all(any(environ.get(name) for name in names) for names in _ALIBABA_PAIRS):
        return None
    chosen = profile or next((environ[name] for name in _ALIBABA_PROFILES if environ.get(name)), None)
    if chosen:
        named = next((environ[name] for name in _ALIBABA_FILES if environ.get(name)), None)
        file = Path(named) if named else home / ".aliyun" / "config.json"
        if chosen not in _profiles(file):
            return f"the aliyun command has no profile {chosen!r}: run `aliyun configure --profile {chosen}`"
        return None
    if any(environ.get(name) for name in _ALIBABA_OTHERS):
        return None
    return (
        "no credentials of Alibaba Cloud were found: set ALIBABA_CLOUD_ACCESS_KEY_ID and "
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET, or name a 'profile' of the aliyun command"
    )


def _is_googles(product: Path) -> bool:
    """Whether this machine is Google's: there the metadata server has credentials."""
    try:
        return product.read_text(encoding="utf-8").strip() in {"Google", "Google Compute Engine"}
    except OSError:
        return False


def _profiles(file: Path) -> set[str]:
    """The names of the profiles in the aliyun command's file; nothing else of it is kept."""
    try:
        listed = json.loads(file.read_text(encoding="utf-8"))["profiles"]
        return {str(each["name"]) for each in listed}
    except (OSError, ValueError, LookupError, TypeError):
        return set()
