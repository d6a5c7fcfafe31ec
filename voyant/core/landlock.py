"""How does a process give up its own right to write files, open sockets and signal others?

Linux' Landlock lets any process, without privileges, renounce rights for the rest of its life; the
kernel enforces it below every library. Reached through `ctypes`: no package is needed.
Source: Linux kernel documentation, userspace-api/landlock.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
import sys

__all__ = ["give_up_writing"]

# System call numbers, the same on every architecture (they are newer than the unified table).
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_PR_SET_NO_NEW_PRIVS = 38
_RULE_PATH_BENEATH = 1
_CREATE_RULESET_VERSION = 1

# Rights over files, from LANDLOCK_ACCESS_FS_* of linux/landlock.h, by the ABI that brought them.
_EXECUTE = 1 << 0
_WRITE_RIGHTS = (1 << 1) | sum(1 << bit for bit in range(4, 13))  # write, remove, make
_REFER, _TRUNCATE, _IOCTL_DEVICE = 1 << 13, 1 << 14, 1 << 15
_FILE_RIGHTS = _EXECUTE | 1 << 1 | _TRUNCATE | _IOCTL_DEVICE  # the others are of folders
_ABI_REFER, _ABI_TRUNCATE, _ABI_NETWORK, _ABI_IOCTL, _ABI_SCOPE = 2, 3, 4, 5, 6
_NETWORK_RIGHTS = 0b11  # bind and connect TCP
_SCOPE_SIGNALS = 0b10
_SCOPES = 0b01 | _SCOPE_SIGNALS  # abstract Unix sockets too


def give_up_writing(*writable: str, may_run_programs: bool = False) -> str:
    """Renounce writing, creating and removing files, and signals to other processes.

    Must be called before other threads start: the kernel restricts the calling thread and those it
    starts later, no others.

    Args:
        writable: The folders in which this process may still write; files that exist (`/dev/null`)
            may be named too.
        may_run_programs: Go on running programs and using the network, which are renounced too
            otherwise. The programs are bound by the same rules.

    Returns:
        An empty string when the kernel now enforces this, else why it does not.
    """
    if not sys.platform.startswith("linux"):
        return f"{sys.platform} has no Landlock"
    libc = ctypes.CDLL(None, use_errno=True)
    abi = libc.syscall(_CREATE_RULESET, None, 0, _CREATE_RULESET_VERSION)
    if abi < 1:
        return f"this kernel has no Landlock ({os.strerror(ctypes.get_errno())})"
    rights, attribute = _ruleset(abi, may_run_programs=may_run_programs)
    ruleset = libc.syscall(_CREATE_RULESET, attribute, len(attribute), 0)
    if ruleset < 0:
        return f"Landlock refused its rules ({os.strerror(ctypes.get_errno())})"
    try:
        done = (
            all(_allow(libc, ruleset, rights & ~_EXECUTE, path) for path in writable)
            and libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            and libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0
        )
        return "" if done else f"Landlock failed ({os.strerror(ctypes.get_errno())})"
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, rights: int, path: str) -> bool:
    """Add the rule that keeps these rights beneath a folder, or on a file those a file can have."""
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            rights &= _FILE_RIGHTS
        rule = struct.pack("=Qi", rights, descriptor)
        return bool(libc.syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, rule, 0) == 0)
    finally:
        os.close(descriptor)


def _ruleset(abi: int, *, may_run_programs: bool) -> tuple[int, bytes]:
    """Return the file rights this kernel can withhold, and the packed `landlock_ruleset_attr`."""
    rights = _WRITE_RIGHTS
    rights |= 0 if may_run_programs else _EXECUTE
    rights |= _REFER if abi >= _ABI_REFER else 0
    rights |= _TRUNCATE if abi >= _ABI_TRUNCATE else 0
    rights |= _IOCTL_DEVICE if abi >= _ABI_IOCTL and not may_run_programs else 0
    attribute = struct.pack("=Q", rights)
    if abi >= _ABI_NETWORK:
        attribute += struct.pack("=Q", 0 if may_run_programs else _NETWORK_RIGHTS)
    if abi >= _ABI_SCOPE:
        attribute += struct.pack("=Q", _SCOPE_SIGNALS if may_run_programs else _SCOPES)
    return rights, attribute
