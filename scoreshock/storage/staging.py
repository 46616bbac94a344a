"""Atomic writing of files: under a temporary name in the same folder, then renamed.

The rename stays within a folder, so it is atomic on every file system.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

REPLACEMENTS = 20
"""Attempts to take the place of a folder that other writers replace at the same time."""

FULL_BYTES = 2**22
"""Free space below which a disk counts as full: a chunk, its index and the header can need this much."""


@contextmanager
def staged(path: Path) -> Iterator[Path]:
    """Yield a temporary name in the folder of ``path``; rename it to ``path`` on success, remove it on failure."""
    path.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{path.name}.{socket.gethostname()}."
    _remove_abandoned(path.parent, prefix)
    temporary = path.parent / f"{prefix}{os.getpid()}.{secrets.token_hex(4)}.tmp.nc"
    _unfinished.add(temporary)
    try:
        yield temporary
        _flush(temporary)
        os.replace(temporary, path)
        with suppress(OSError):  # some network file systems do not support this for folders
            _flush(path.parent)
    except Exception as error:
        # netCDF reports a full disk as "HDF error". Derived classes such as `BrokenFile` are not errors of the disk.
        free = shutil.disk_usage(path.parent).free
        of_disk = type(error) in (OSError, RuntimeError)
        if of_disk and (free < FULL_BYTES or getattr(error, "errno", 0) == errno.ENOSPC):
            text = f"the disk is full: {_mebibytes(free)} are free in {path.parent}; {path} was not written"
            raise OSError(errno.ENOSPC, text) from error
        error.add_note(f"while writing {path}; {_mebibytes(free)} are free in {path.parent} (a quota may allow less)")
        raise
    finally:
        with suppress(OSError):
            os.truncate(temporary, 0)  # after an error the NetCDF library keeps it open, which would occupy disk space
        temporary.unlink(missing_ok=True)
        _unfinished.discard(temporary)


@contextmanager
def staged_folder(path: Path) -> Iterator[Path]:
    """Yield a new folder beside ``path``, which it replaces on success; on failure it is removed.

    Of several writers at once the last to finish remains.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{path.name}.{socket.gethostname()}."
    _remove_abandoned(path.parent, prefix)
    temporary = path.parent / f"{prefix}{os.getpid()}.{secrets.token_hex(4)}.tmp"
    temporary.mkdir()
    _unfinished.add(temporary)
    try:
        yield temporary
        _replace_folder(temporary, path)
    finally:
        _remove(temporary)
        _unfinished.discard(temporary)


def _replace_folder(new: Path, path: Path) -> None:
    """Rename a folder to ``path``, in place of what is there, also while others do the same."""
    for _ in range(REPLACEMENTS):
        shutil.rmtree(path, ignore_errors=True)
        with suppress(OSError):  # another writer was faster
            new.rename(path)
            return
    new.rename(path)


class BrokenFile(OSError):
    """A file that is missing, unreadable, incomplete, or changed since it was written."""


_unfinished: set[Path] = set()


def discard_unfinished() -> None:
    """Remove the temporary files and folders of this process, which is about to exit."""
    for temporary in tuple(_unfinished):
        _remove(temporary)


def write_file(content: str | bytes, path: str | Path) -> None:
    """Write a file atomically, text in UTF-8."""
    with staged(Path(path)) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


def _remove_abandoned(folder: Path, prefix: str) -> None:
    """Remove temporary files and folders of killed writers of this host; writers of other hosts may be alive."""
    for name in os.listdir(folder):  # faster than glob for many files
        owner = name.removeprefix(prefix).split(".")[0]
        if name.startswith(prefix) and name.endswith((".tmp.nc", ".tmp")) and owner.isdigit() and not is_alive(int(owner)):
            _remove(folder / name)


def _remove(path: Path) -> None:
    """Remove a file, or a folder with all in it, if it is there and can be removed."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
        return
    with suppress(OSError):
        path.unlink(missing_ok=True)


def is_alive(process: int) -> bool:
    """Whether a process with this number runs on this host."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"


def _flush(path: Path) -> None:
    """Flush a file or folder to disk, so that after a power failure no renamed file lacks its data."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
