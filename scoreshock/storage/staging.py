"""Files that get their name when they are whole: written under another one in the same folder, then renamed.

The rename stays within a folder, so it is one step on every file system.
"""

from __future__ import annotations

import errno
import glob
import os
import secrets
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

FULL_BYTES = 2**22
"""A disk with less room than this is full: a chunk, its index and the header may need as much."""


@contextmanager
def staged(path: Path) -> Iterator[Path]:
    """Give a temporary name beside ``path``; make it ``path`` when the body succeeds, remove it when it fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{path.name}.{socket.gethostname()}."
    _remove_abandoned(path.parent, prefix)
    temporary = path.parent / f"{prefix}{os.getpid()}.{secrets.token_hex(4)}.tmp.nc"
    _unfinished.add(temporary)
    try:
        yield temporary
        _flush(temporary)
        os.replace(temporary, path)
        with suppress(OSError):  # some network file systems have no such call for folders
            _flush(path.parent)
    except Exception as error:
        # A full disk is only "HDF error" to netCDF.
        free = shutil.disk_usage(path.parent).free
        of_disk = type(error) in (
            OSError,
            RuntimeError,
        )  # not what is derived from them, such as `BrokenFile`
        if of_disk and (free < FULL_BYTES or getattr(error, "errno", 0) == errno.ENOSPC):
            said = f"the disk is full: {_room(free)} are free in {path.parent}; {path} was not written"
            raise OSError(errno.ENOSPC, said) from error
        error.add_note(f"while writing {path}; {_room(free)} are free in {path.parent} (a quota may allow less)")
        raise
    finally:
        with suppress(OSError):
            os.truncate(temporary, 0)  # after an error the NetCDF library keeps it open, and it would go on taking room
        temporary.unlink(missing_ok=True)
        _unfinished.discard(temporary)


class BrokenFile(OSError):
    """A file that is not whole: absent, unreadable, never finished, or changed since it was written."""


_unfinished: set[Path] = set()


def discard_unfinished() -> None:
    """Remove what this process is writing: for one that ends at once."""
    for temporary in tuple(_unfinished):
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_text(text: str, path: str | Path) -> None:
    """Write ``text`` so that a file named ``path`` is whole at any moment, or absent, or the old one."""
    with staged(Path(path)) as temporary:
        temporary.write_text(text, "utf-8")


def _remove_abandoned(folder: Path, prefix: str) -> None:
    """Remove temporary files of killed writers on this host; those of other hosts may be alive."""
    for left in folder.glob(f"{glob.escape(prefix)}*.tmp.nc"):
        owner = left.name.removeprefix(prefix).split(".")[0]
        if owner.isdigit() and not is_alive(int(owner)):
            with suppress(OSError):
                left.unlink()


def is_alive(process: int) -> bool:
    """Whether a process of this number runs on this host."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _room(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"


def _flush(path: Path) -> None:
    """Have the system put a file or folder on disk, so that a rename cannot outlive a loss of power and the data not."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
