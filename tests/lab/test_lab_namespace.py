"""What starts in a namespace of the lab ends with it, and meets nobody else's ports."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

LAB_NS = [sys.executable, "-m", "lab", "ns", "--"]
NEVER = "987654"
"""Seconds of sleep that no other process of this machine asks for."""


def sleepers(argument: str) -> list[int]:
    """The processes that sleep for that long, in this namespace and in those inside of it."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if words[:2] == [b"sleep", argument.encode()]:
            found.append(int(path.parent.name))
    return found


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_outlives_the_outer_process(number: signal.Signals) -> None:
    """However the process outside is ended, every process inside ends: those that left its session or ignore SIGTERM too."""
    argument = f"{NEVER}{int(number)}"
    script = f"trap '' HUP; (trap '' TERM; exec sleep {argument}) & setsid sleep {argument} & echo started; wait"
    with subprocess.Popen([*LAB_NS, "sh", "-c", script], stdout=subprocess.PIPE) as outer:
        assert outer.stdout is not None
        assert outer.stdout.readline() == b"started\n"
        _await_two(argument)
        ends = [os.pidfd_open(pid) for pid in sleepers(argument)]
        outer.send_signal(number)
        for end in ends:
            assert select.select([end], [], [], 5)[0], "a process outlived its namespace"
            os.close(end)
    assert sleepers(argument) == []


def _await_two(argument: str) -> None:
    # The script's `started` comes before its children have become `sleep`.
    while len(sleepers(argument)) < 2:
        os.sched_yield()


@pytest.mark.parametrize(("script", "code"), [("exit 7", 7), ("kill -9 $$", 137)])
def test_the_commands_exit_code_is_handed_on(script: str, code: int) -> None:
    """As a shell would: 128 + n for signal n."""
    assert subprocess.run([*LAB_NS, "sh", "-c", script], check=False).returncode == code


def test_a_command_that_is_not_there_is_one_line() -> None:
    """Its name and the reason, and exit code 127."""
    done = subprocess.run([*LAB_NS, "no-such-command"], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (127, "lab: no-such-command: No such file or directory\n")


def test_two_namespaces_have_the_same_ports_free_and_every_pod_address_local() -> None:
    """The same port of the same pod address is bound in both at once, though nobody added that address."""
    code = "import socket, sys; s = socket.create_server(('10.244.77.5', 9090)); print('bound', flush=True); sys.stdin.read()"
    command = [*LAB_NS, sys.executable, "-c", code]

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    with start() as one, start() as other:
        for process in (one, other):
            assert process.stdout is not None
            assert process.stdout.readline() == b"bound\n"
        one.communicate()
        other.communicate()


def test_an_ordinary_user_can_have_one() -> None:
    """Without the privilege to make one, as for a user or for root in a container, a user namespace is made too."""
    # prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN) takes it from root, for what is executed next.
    drop = "import ctypes, os, sys; ctypes.CDLL(None).prctl(24, 21, 0, 0, 0); os.execv(sys.argv[1], sys.argv[1:])"
    script = (
        "import os, socket; socket.create_server(('10.244.1.1', 80)); print(open('/proc/self/uid_map').read().split())"
    )
    command = [sys.executable, "-c", drop, *LAB_NS, sys.executable, "-c", script]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.stdout == f"{['0', str(os.geteuid()), '1']}\n", done.stderr
