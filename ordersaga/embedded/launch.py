"""Starts a program that must not outlive the process that asked for it.

Run as a script: ``launch.py PARENT_PID DEATH_SIGNAL USER PROGRAM ARGUMENT…`` (USER ``-``: as is).
The kernel then sends DEATH_SIGNAL to the program when the thread that started it ends, however it
ends. A preexec function would do the same, but may deadlock in a process with threads.
Systems other than Linux have no such signal; there the next start clears up what was left.
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
    """Arm the signal, change the user if asked to, become the program."""
    parent, death_signal, user, *command = sys.argv[1:]
    if user != "-":
        _become(user)  # first: a change of user disarms the signal
    _die_with_parent(int(parent), int(death_signal))
    os.execvp(command[0], command)  # noqa: S606  that is its purpose


if __name__ == "__main__":
    main()
