"""Starts a program that must not outlive its parent process.

Run as a script: ``launch.py PARENT_PID DEATH_SIGNAL USER PROGRAM ARGUMENT…``; the USER ``-`` is the
current one. The kernel sends DEATH_SIGNAL to the program when the thread that started it ends, for
any reason. A preexec function would do the same, but may deadlock in a process with threads. Only
Linux has this signal; on other systems the next start ends leftover processes.
"""

import ctypes
import os
import pwd
import sys

_PR_SET_PDEATHSIG = 1


def _become(user: str) -> None:
    account = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)


def _die_with_parent(parent: int, death_signal: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    if os.getppid() != parent:  # it ended before the signal was armed
        sys.exit(1)


def main() -> None:
    """Arm the signal, change the user if requested, and execute the program."""
    parent, death_signal, user, *command = sys.argv[1:]
    if user != "-":
        _become(user)  # first: a change of user disarms the signal
    _die_with_parent(int(parent), int(death_signal))
    os.execvp(command[0], command)  # noqa: S606  the purpose of this script


if __name__ == "__main__":
    main()
