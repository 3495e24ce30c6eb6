"""Where the real engine keeps its state, and with what it encrypts it.

The user's own choice comes first: $PULUMI_BACKEND_URL, or a login. Else the state is in files beside the project,
encrypted with a random passphrase that is kept, for its owner only, beside them.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from weighbridge.errors import EngineError

FOLDER = Path(".weighbridge") / "state"
PASSPHRASES = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")


@dataclass(frozen=True)
class Lock:
    """One lock file of a file backend."""

    path: Path
    pid: int
    host: str

    @property
    def alive(self) -> bool:
        """Whether its run may still be under way; of another machine nobody can tell."""
        if self.host != socket.gethostname():
            return True
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return not _is_zombie(self.pid)


def settings(project: Path, environ: Mapping[str, str], home: Path) -> dict[str, str]:
    """Give the environment variables that choose backend and passphrase.

    Args:
        project: the project's folder.
        environ: the environment that the user has set.
        home: $PULUMI_HOME, where a login is recorded.

    Raises:
        EngineError: the local folder cannot be made.
    """
    chosen = {"PULUMI_SKIP_UPDATE_CHECK": "true", "PULUMI_SKIP_CONFIRMATIONS": "true"}
    local = project / FOLDER
    if not environ.get("PULUMI_BACKEND_URL") and not _logged_in(home):
        _make(local)
        chosen["PULUMI_BACKEND_URL"] = f"file://{local}"
        if not any(environ.get(name) is not None for name in PASSPHRASES):
            chosen["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(_passphrase(local / "passphrase"))
    return chosen


def locks(url: str, project: str, stack: str) -> list[Lock]:
    """Find the locks on a stack in a file backend; none where the backend is another."""
    if not url.startswith("file://"):
        return []
    root = Path(url.removeprefix("file://")).expanduser() / ".pulumi" / "locks" / "organization" / project / stack
    found = []
    for path in sorted(root.glob("*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            found.append(Lock(path, int(content["pid"]), str(content["hostname"])))
        except (OSError, ValueError, KeyError, TypeError):
            # Being written or removed at this very moment: the engine itself will judge it.
            continue
    return found


class Unchanged:
    """Keeps the stack file as it is under review.

    The engine writes its encryption salt into a stack file that has none, and quotes the numbers in it on the way.
    The salt belongs to this machine's passphrase and to no commit, so the file's bytes are put back; those of a run
    that was killed by the next one.
    """

    def __init__(self, path: Path, kept: Path) -> None:
        """Watch over the file at `path`; its bytes are kept at `kept` while the engine has it."""
        self._path = path
        self._kept = kept

    def __enter__(self) -> None:
        self._put_back()
        self._kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._kept.write_bytes(self._path.read_bytes())

    def __exit__(self, *_: object) -> None:
        self._put_back()

    def _put_back(self) -> None:
        if not self._kept.exists():
            return
        content = self._kept.read_bytes()
        before, after = _mapping(content), _mapping(self._path.read_bytes())
        if "encryptionsalt" in after and "encryptionsalt" not in before and _same(before, after):
            self._path.write_bytes(content)
        self._kept.unlink()


def _is_zombie(pid: int) -> bool:
    """Tell whether a process has ended and only waits for its parent to notice."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
    except (OSError, IndexError):
        return False


def _logged_in(home: Path) -> bool:
    try:
        return bool(json.loads((home / "credentials.json").read_text(encoding="utf-8")).get("current"))
    except (OSError, ValueError, AttributeError):
        return False


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise EngineError(f"state: {folder} cannot be made ({error.strerror})") from None


def _passphrase(path: Path) -> Path:
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(secrets.token_urlsafe(32))
    except FileExistsError:
        return path
    except OSError as error:
        raise EngineError(f"state: {path} cannot be written ({error.strerror})") from None
    return path


def _mapping(content: bytes) -> dict[str, object]:
    try:
        document = yaml.safe_load(content)
    except yaml.YAMLError:
        return {}
    return document if isinstance(document, dict) else {}


def _same(before: dict[str, object], after: dict[str, object]) -> bool:
    """Tell whether nobody edited the file in the meantime: but for the salt and quotes, it is what it was."""
    return _texts(before) == _texts({key: value for key, value in after.items() if key != "encryptionsalt"})


def _texts(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): _texts(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_texts(part) for part in value]
    return str(value).lower() if isinstance(value, bool) else str(value)
