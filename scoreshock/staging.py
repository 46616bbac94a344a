"""Files that get their name when they are whole: written under another one in the same folder, then renamed.

The rename stays within a folder, so it is one step on every file system. Where ``SCORESHOCK_SCRATCH`` names a folder, such
as a node's own disk, a file is written and read back there, and copied beside its target as a whole before the rename.
"""

from __future__ import annotations

import errno
import glob
import hashlib
import os
import secrets
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from scoreshock import provenance

SCRATCH = "SCORESHOCK_SCRATCH"
FULL_BYTES = 2**22
"""A disk with less room than this is full: a chunk, its index and the header may need as much."""


@contextmanager
def staged(path: Path, folder: Path | None = None) -> Iterator[Path]:
    """Give a temporary name for ``path``; make it ``path`` when the body succeeds, remove it when it fails.

    It lies in ``folder``, by default that of `scratch`, else beside ``path``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = folder or scratch() or path.parent
    for place in {folder, path.parent}:
        _remove_abandoned(path, place)
    own = f"{os.getpid()}.{secrets.token_hex(4)}.tmp.nc"
    beside, written = (place / f"{_temporary_prefix(path, place)}{own}" for place in (path.parent, folder))
    names = {written, beside}
    _unfinished.update(names)
    try:
        if written != beside:
            beside.touch()  # tells others that the file is being written
        yield written
        if written != beside:
            _copy(written, beside)
        _flush(beside)
        os.replace(beside, path)
        with suppress(OSError):  # some network file systems have no such call for folders
            _flush(path.parent)
    except Exception as error:
        # A full disk is only "HDF error" to netCDF.
        free, tightest = min((shutil.disk_usage(place).free, place) for place in (folder, path.parent))
        of_disk = type(error) in (
            OSError,
            RuntimeError,
        )  # not what is derived from them, such as a broken file that was read
        if of_disk and (free < FULL_BYTES or getattr(error, "errno", 0) == errno.ENOSPC):
            said = f"the disk is full: {_room(free)} are free in {tightest}; {path} was not written"
            raise OSError(errno.ENOSPC, said) from error
        error.add_note(f"while writing {path}; {_room(free)} are free in {tightest} (a quota may allow less)")
        raise
    finally:
        for name in names:
            with suppress(OSError):
                os.truncate(name, 0)  # after an error the NetCDF library keeps it open, and it would go on taking room
            name.unlink(missing_ok=True)
        _unfinished.difference_update(names)


def scratch() -> Path | None:
    """The folder for what is being written: that of ``SCORESHOCK_SCRATCH``, whose variables are those of this node.

    None where it is not set, or names a variable that this node does not set.

    Raises
    ------
    ValueError
        When it names what is no folder that can be written to.

    Examples
    --------
    >>> os.environ["SCORESHOCK_SCRATCH"] = "$A_VARIABLE_OF_NO_QUEUE/mine"
    >>> scratch() is None
    True
    >>> del os.environ["SCORESHOCK_SCRATCH"]
    """
    given = os.environ.get(SCRATCH, "")
    named = os.path.expandvars(given)
    if not named or "$" in named:
        return None
    if not (os.path.isdir(named) and os.access(named, os.W_OK)):
        raise ValueError(
            f"{SCRATCH} = {given!r}: {named} is no folder on {socket.gethostname()} that can be written to; allowed: a "
            "folder for temporary files, or a variable with its name, such as '$TMPDIR'; or leave it unset to write beside "
            "the results"
        )
    return Path(named).absolute()


_unfinished: set[Path] = set()


def discard_unfinished() -> None:
    """Remove what this process is writing: for one that ends at once."""
    for temporary in tuple(_unfinished):
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_text(text: str, path: str | Path) -> None:
    """Write ``text`` so that a file named ``path`` is whole at any moment, or absent, or the old one."""
    with staged(Path(path), Path(path).parent) as temporary:
        temporary.write_text(text, "utf-8")


def _copy(source: Path, target: Path) -> None:
    """Copy a file and read it back."""
    shutil.copyfile(source, target)
    if provenance.file_digest(source) != provenance.file_digest(target):
        raise OSError(errno.EIO, f"{target} differs from {source}, of which it is a copy")


def _temporary_prefix(path: Path, place: Path) -> str:
    """How temporary names of ``path`` begin in a folder: on scratch with the file's name and folder, as a digest."""
    whose = path.name if place == path.parent else hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:16]
    return f".{whose}.{socket.gethostname()}."


def _remove_abandoned(path: Path, folder: Path) -> None:
    """Remove what killed writers of ``path`` on this host left in ``folder``; on other hosts they may be alive."""
    prefix = _temporary_prefix(path, folder)
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
