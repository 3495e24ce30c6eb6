"""A network and process namespace of the lab's own: its ports and addresses are free, and it ends with its parent.

Written against the kernel's calls, not util-linux's `unshare`: that one holds SIGTERM back until its child ends, and
`ip` is missing on many bare machines. Two ioctls on `lo` are all the networking there is.
"""

import ctypes
import errno
import fcntl
import os
import signal
import socket
import struct
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from lab.errors import LabError

MARK = "WEIGHBRIDGE_NAMESPACE"
NODE_ADDRESS = "10.244.0.1"
"""The node's address; pods take theirs from the same /16, all of which is local to `lo`."""
POD_NETMASK = "255.255.0.0"

_CLONE_NEWNS, _CLONE_NEWUSER, _CLONE_NEWPID, _CLONE_NEWNET = 0x20000, 0x10000000, 0x20000000, 0x40000000
_MS_REC, _MS_PRIVATE, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC = 0x4000, 0x40000, 2, 4, 8
_PR_SET_PDEATHSIG = 1
_SIOCSIFFLAGS, _SIOCSIFADDR, _SIOCSIFNETMASK = 0x8914, 0x8916, 0x891C
_IFF_UP = 1
_FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_libc = ctypes.CDLL(None, use_errno=True)


def inside() -> bool:
    """Whether this process runs in a namespace made by `run`."""
    return os.environ.get(MARK) == "1"


def own_network() -> None:
    """Move the calling thread, and what it starts, to a fresh network as `run` makes it; the processes stay the same.

    Raises:
        LabError: where the machine allows none.
    """
    _check(_libc.unshare(_CLONE_NEWNET), "make a network namespace")
    _configure_loopback()


def die_with_parent() -> None:
    """Let the kernel kill this process (SIGKILL) when the thread that started it ends."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def run(command: Sequence[str], started: Callable[[int], None] | None = None) -> int:
    """Run a command in a fresh namespace and return its exit code (128 + n when signal n ended it).

    Everything started inside is killed when the command ends, and when this process ends, however it does.
    `started` is told the id of the namespace's first process, by which `enter` finds it.

    Raises:
        LabError: where the machine allows no namespaces.
    """
    _unshare()
    alive, held = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(held)
        _first_process(command, alive)
    os.close(alive)
    _forward_signals(child)
    if started:
        started(child)
    os.write(held, b"1")
    return _exit_code(os.waitpid(child, 0)[1])


def enter(pid: int) -> None:
    """Move into the namespaces that process `pid` lives in; children, not this process, get its process ids.

    Raises:
        LabError: when it cannot be entered.
    """
    wanted = _CLONE_NEWNET | _CLONE_NEWPID | _CLONE_NEWNS
    own_user = Path("/proc/self/ns/user").stat().st_ino
    if own_user != Path(f"/proc/{pid}/ns/user").stat().st_ino:
        wanted |= _CLONE_NEWUSER
    directory = Path.cwd()
    descriptor = os.pidfd_open(pid)
    try:
        _check(_libc.setns(descriptor, wanted), "enter the lab's namespace")
    finally:
        os.close(descriptor)
    os.chdir(directory)


def wait_for(child: int) -> int:
    """Wait for a child while passing signals on to it, and return its exit code."""
    _forward_signals(child)
    return _exit_code(os.waitpid(child, 0)[1])


def execute(command: Sequence[str]) -> NoReturn:
    """Become the command, marked as being inside; 127 where it cannot be had."""
    os.environ[MARK] = "1"
    try:
        os.execvp(command[0], list(command))  # noqa: S606  no shell is wanted
    except OSError as error:
        sys.stderr.write(f"lab: {command[0]}: {error.strerror}\n")
        os._exit(127)


def _unshare() -> None:
    spaces = _CLONE_NEWNET | _CLONE_NEWPID | _CLONE_NEWNS
    if os.geteuid() == 0 and _libc.unshare(spaces) == 0:
        return
    user, group = os.geteuid(), os.getegid()
    _check(_libc.unshare(spaces | _CLONE_NEWUSER), "make a network namespace; run as root, or allow user namespaces")
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"0 {user} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"0 {group} 1", encoding="ascii")


def _first_process(command: Sequence[str], alive: int) -> NoReturn:
    """Be process 1: set the network up, run the command, reap every orphan, end with the command's exit code."""
    die_with_parent()
    # The parent writes a byte once it waits; end of file means that it died before the line above took effect.
    if not os.read(alive, 1):
        os._exit(1)
    try:
        _mount_proc()
        _configure_loopback()
        child = os.fork()
        if child == 0:
            execute(command)
        _forward_signals(child)
        os._exit(_reap_until(child))
    except OSError as error:
        sys.stderr.write(f"lab: this machine's namespaces are of no use: {error}\n")
        os._exit(1)


def _reap_until(child: int) -> int:
    while True:
        pid, status = os.wait()
        if pid == child:
            return _exit_code(status)


def _forward_signals(child: int) -> None:
    def forward(number: int, _frame: FrameType | None) -> None:
        # The terminal gives Ctrl-C to every process of the group: the child has had it already.
        if number != signal.SIGINT or os.getpgrp() != os.getpgid(child):
            os.kill(child, number)

    for number in _FORWARDED:
        signal.signal(number, forward)


def _exit_code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _mount_proc() -> None:
    _libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None)
    # Some container runtimes forbid a fresh /proc. The lab reads nothing there; only `ps` would show outer ids.
    _libc.mount(b"proc", b"/proc", b"proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC, None)


def _configure_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        fcntl.ioctl(handle, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _IFF_UP))
        # An address with its prefix on a loopback device makes the kernel take the whole prefix as local.
        for request, address in ((_SIOCSIFADDR, NODE_ADDRESS), (_SIOCSIFNETMASK, POD_NETMASK)):
            packed = struct.pack("16sHH4s8x", b"lo:pods", socket.AF_INET, 0, socket.inet_aton(address))
            fcntl.ioctl(handle, request, packed)


def _check(result: int, wish: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise LabError(f"cannot {wish}: {errno.errorcode.get(number, number)}, {os.strerror(number)}")
