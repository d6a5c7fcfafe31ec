"""How does a process give up its own right to write files, open sockets and signal others?

Linux' Landlock lets any process, without privileges, renounce rights for the rest of its life; the
kernel enforces it below every library. Reached through `ctypes`: no package is needed.
Source: Linux kernel documentation, userspace-api/landlock.
"""

from __future__ import annotations

import ctypes
import os
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
_ABI_REFER, _ABI_TRUNCATE, _ABI_NETWORK, _ABI_IOCTL, _ABI_SCOPE = 2, 3, 4, 5, 6
_NETWORK_RIGHTS = 0b11  # bind and connect TCP
_SCOPES = 0b11  # abstract Unix sockets, signals


def give_up_writing(writable_directory: str) -> str:
    """Renounce writing, creating, removing and executing files, TCP, and signals to others.

    Must be called before other threads start: the kernel restricts the calling thread and those it
    starts later, no others.

    Args:
        writable_directory: The one folder in which this process may still write.

    Returns:
        An empty string when the kernel now enforces this, else why it does not.
    """
    if not sys.platform.startswith("linux"):
        return f"{sys.platform} has no Landlock"
    libc = ctypes.CDLL(None, use_errno=True)
    abi = libc.syscall(_CREATE_RULESET, None, 0, _CREATE_RULESET_VERSION)
    if abi < 1:
        return f"this kernel has no Landlock ({os.strerror(ctypes.get_errno())})"
    rights, attribute = _ruleset(abi)
    ruleset = libc.syscall(_CREATE_RULESET, attribute, len(attribute), 0)
    if ruleset < 0:
        return f"Landlock refused its rules ({os.strerror(ctypes.get_errno())})"
    folder = os.open(writable_directory, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = struct.pack("=Qi", rights & ~_EXECUTE, folder)
        done = (
            libc.syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, rule, 0) == 0
            and libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            and libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0
        )
        return "" if done else f"Landlock failed ({os.strerror(ctypes.get_errno())})"
    finally:
        os.close(folder)
        os.close(ruleset)


def _ruleset(abi: int) -> tuple[int, bytes]:
    """Return the file rights this kernel can withhold, and the packed `landlock_ruleset_attr`."""
    rights = _EXECUTE | _WRITE_RIGHTS
    rights |= _REFER if abi >= _ABI_REFER else 0
    rights |= _TRUNCATE if abi >= _ABI_TRUNCATE else 0
    rights |= _IOCTL_DEVICE if abi >= _ABI_IOCTL else 0
    attribute = struct.pack("=Q", rights)
    if abi >= _ABI_NETWORK:
        attribute += struct.pack("=Q", _NETWORK_RIGHTS)
    if abi >= _ABI_SCOPE:
        attribute += struct.pack("=Q", _SCOPES)
    return rights, attribute
