"""What a rehearsal remembers of a stack: a JSON file, written after every operation on a resource.

The file is replaced at once and never in parts, so a run that is killed at any moment leaves what was true before or
after one operation. Secret values never stand in it. They are kept beside it, in `<stack>.secrets.json` of mode 0600,
and the state refers to them by a salted digest: whoever may read that file may read them, exactly as whoever has the
passphrase file of a local Pulumi backend may decrypt its state.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from weighbridge.engine.rehearsal.values import (
    SECRET,
    SIGNATURE,
    Properties,
    floating,
    integral,
    is_secret,
    rebuilt,
    secret,
)
from weighbridge.errors import EngineError

FOLDER = Path(".weighbridge") / "rehearsal"
VERSION = 1


@dataclass
class Record:
    """One resource as the last operation on it left it.

    Attributes:
        init_errors: why an object that exists is not ready yet; the next run takes it up again.
        drifted: a refresh saw that the live object is not what was applied; the next run applies it again.
    """

    urn: str
    type: str
    name: str
    id: str = ""
    custom: bool = True
    parent: str = ""
    provider: str = ""
    inputs: Properties = field(default_factory=dict)
    outputs: Properties = field(default_factory=dict)
    dependencies: list[str] = field(default_factory=list)
    protect: bool = False
    retain: bool = False
    deleted_with: str = ""
    init_errors: list[str] = field(default_factory=list)
    drifted: bool = False


class Checkpoint:
    """A stack's resources, in the order in which they came to be; safe to use from several threads."""

    def __init__(self, path: Path, *, saved: bool = True) -> None:
        """Read the state of a stack; with `saved` off nothing is ever written (a preview)."""
        self._path = path
        self._saved = saved
        self._lock = threading.RLock()
        self._vault = _Vault(path.with_suffix(".secrets.json"))
        document = _read(path)
        self.records = {item["urn"]: self._record(item) for item in document.get("resources", ())}
        self.condemned = [self._record(item) for item in document.get("condemned", ())]
        """Replaced resources whose deletion is still to come."""
        self.outputs: Properties = self._vault.opened(floating(document.get("outputs", {})))

    def put(self, record: Record, *, instead_of: Record | None = None) -> None:
        """Remember a resource as it is now, and that the one it replaced is to be deleted at the end; save."""
        with self._lock:
            self.records[record.urn] = record
            if instead_of is not None:
                self.condemned.append(instead_of)
            self.save()

    def rename(self, record: Record, urn: str, name: str) -> None:
        """Keep a resource under the name that the program has for it now; the next operation saves it."""
        with self._lock:
            del self.records[record.urn]
            record.urn, record.name = urn, name
            self.records[urn] = record

    def drop(self, record: Record) -> None:
        """Forget a resource, and save."""
        with self._lock:
            self.condemned = [other for other in self.condemned if other is not record]
            if self.records.get(record.urn) is record:
                del self.records[record.urn]
            self.save()

    def save(self) -> None:
        """Write everything, secrets first, so that the state never refers to one that is not there."""
        if not self._saved:
            return
        with self._lock:
            document = {
                "version": VERSION,
                "resources": [self._item(record) for record in self.records.values()],
                "condemned": [self._item(record) for record in self.condemned],
                "outputs": integral(self._vault.closed(self.outputs)),
            }
            self._vault.save()
            write_private(self._path, json.dumps(document, indent=1))

    def _record(self, item: Mapping[str, Any]) -> Record:
        values = {key: self._vault.opened(floating(item[key])) for key in ("inputs", "outputs")}
        return Record(**{**item, **values})

    def _item(self, record: Record) -> Properties:
        item = asdict(record)
        return item | {key: integral(self._vault.closed(item[key])) for key in ("inputs", "outputs")}


class _Vault:
    """Secret values, each under its salted digest."""

    def __init__(self, path: Path) -> None:
        self._path = path
        document = _read(path)
        self._salt = str(document.get("salt") or secrets.token_hex(16))
        self._stored: dict[str, Any] = dict(document.get("values", {}))
        self._used: dict[str, Any] = {}

    def closed(self, value: Any) -> Any:
        """Put each secret away and leave its digest in its place."""
        if not is_secret(value):
            return rebuilt(value, self.closed)
        text = json.dumps(integral(value.get("value")), sort_keys=True)
        digest = hashlib.sha256(f"{self._salt}{text}".encode()).hexdigest()
        self._used[digest] = integral(value.get("value"))
        return {SIGNATURE: SECRET, "sha256": digest}

    def opened(self, value: Any) -> Any:
        """Put each secret back where its digest stands; one whose value was lost compares as changed."""
        if is_secret(value) and "sha256" in value:
            self._used[value["sha256"]] = self._stored.get(value["sha256"])
            return secret(floating(self._stored.get(value["sha256"])))
        return rebuilt(value, self.opened)

    def save(self) -> None:
        """Keep what this run has read or written; what nothing refers to any more goes with the next run."""
        if self._used != self._stored:
            write_private(self._path, json.dumps({"salt": self._salt, "values": self._used}))
            self._stored = dict(self._used)


def state_path(project: Path, stack: str) -> Path:
    """Where the rehearsal's state of a stack is."""
    return project / FOLDER / f"{stack}.json"


def write_private(path: Path, text: str) -> None:
    """Replace a file at once, readable by its owner only.

    Raises:
        EngineError: the file cannot be written.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        fresh.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise EngineError(f"state: {path} cannot be written ({error.strerror})") from None


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise EngineError(f"state: {path} cannot be read ({error})") from None
    if not isinstance(document, dict):
        raise EngineError(f"state: {path} must hold a JSON object (got {type(document).__name__})")
    return document
