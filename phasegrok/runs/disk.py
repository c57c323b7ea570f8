"""Files that appear whole or not at all, and locks that die with their process."""

import errno
import json
import os
import secrets
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

from phasegrok.errors import PhasegrokError, StorageError, StudyBusyError
from phasegrok.runs.processes import is_alive, process_birth

__all__ = [
    "PARTIAL",
    "exclusive_lock",
    "partial_files",
    "readable_errors",
    "whole_file",
    "write_new",
    "write_over",
    "write_together",
    "write_without_waiting",
]

PARTIAL = ".partial-"
"""Prefix of files that are being written; after it come the process and a random number."""

ORPHAN_SECONDS: Final = 10.0
"""What the workers of a collector that was killed are given to notice it."""

_ADVICE = {
    errno.ENOSPC: "The disk is full: free some space and start again.",
    errno.EDQUOT: "The disk quota is used up: free some space and start again.",
    errno.EFBIG: "The file passed the size limit of this process: raise it (ulimit -f).",
    errno.EACCES: "Allow writing there, or choose another folder.",
    errno.EPERM: "Allow writing there, or choose another folder.",
    errno.EROFS: "This file system is read-only: choose another folder.",
    errno.ENOTDIR: "A file stands where a folder is needed: choose another folder.",
}


def write_new(path: Path, content: bytes | memoryview) -> None:
    """Write a file that must not exist yet, whole or not at all.

    Parameters
    ----------
    path : Path
        Final name. The folder is made where it is missing.
    content : bytes
        All of the file.

    Raises
    ------
    FileExistsError
        If the name is taken; the file there is untouched.
    StorageError
        If the disk is full or the folder cannot be written; no part of the file is left.
    """
    with readable_errors(path.parent):
        partial = _write_aside(path.parent, content)
        try:
            _give_name(partial, path)
        finally:
            partial.unlink(missing_ok=True)
        _flush_folder(path.parent)


@contextmanager
def whole_file(path: Path, *, over: bool = False) -> Iterator[BinaryIO]:
    """Write a file piece by piece, which appears under its name only if all went well.

    Parameters
    ----------
    path : Path
        Final name. The folder is made where it is missing.
    over : bool
        Whether an older file of that name is replaced.

    Yields
    ------
    binary file
        Empty, under a partial name; to be written anywhere.

    Raises
    ------
    FileExistsError
        If the name is taken and nothing is to be replaced; the file there is untouched.
    StorageError
        If the disk is full or the folder cannot be written; no part of the file is left, and
        an older one stays.
    """
    with readable_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.parent / f"{PARTIAL}{os.getpid()}-{secrets.token_hex(4)}"
        try:
            with partial.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            if over:
                os.replace(partial, path)
            else:
                _give_name(partial, path)
        finally:
            partial.unlink(missing_ok=True)
        _flush_folder(path.parent)


def write_over(path: Path, content: bytes | memoryview) -> None:
    """Write a file in place of an older one, whole or not at all.

    Parameters
    ----------
    path : Path
        Final name.
    content : bytes
        All of the file.

    Raises
    ------
    StorageError
        If the disk is full or the folder cannot be written; the older file stays.
    """
    write_together(path.parent, {path.name: content})


def write_together(folder: Path, files: Mapping[str, bytes | memoryview]) -> None:
    """Write files in place of older ones, after all of them have found room on the disk.

    Parameters
    ----------
    folder : Path
        The folder; made where it is missing.
    files : mapping
        Final name to content; they take their names in this order.

    Raises
    ------
    StorageError
        If the disk is full or the folder cannot be written; the older files stay, all of them.
    """
    partials: dict[str, Path] = {}
    with readable_errors(folder):
        try:
            for name, content in files.items():
                partials[name] = _write_aside(folder, content)
            for name, partial in partials.items():
                os.replace(partial, folder / name)
        finally:
            for partial in partials.values():
                partial.unlink(missing_ok=True)
        _flush_folder(folder)


def write_without_waiting(path: Path, content: bytes) -> None:
    """Write a file in place of an older one, whole or not at all unless the machine stops.

    For what is written often and worth nothing tomorrow: nothing is flushed to the disk.

    Parameters
    ----------
    path : Path
        Final name, in a folder that is there.
    content : bytes
        All of the file.

    Raises
    ------
    OSError
        If there is no room, or the folder cannot be written; the older file stays.
    """
    partial = path.parent / f"{PARTIAL}{os.getpid()}-{secrets.token_hex(4)}"
    try:
        partial.write_bytes(content)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def partial_files(folder: Path) -> list[Path]:
    """Files that a writer has begun and not ended; stale where the writer is dead."""
    return sorted(folder.glob(f"{PARTIAL}*"))


@contextmanager
def exclusive_lock(path: Path, holder: str) -> Iterator[int]:
    """Hold a lock that the kernel releases when the process ends, however it ends.

    Children to which the descriptor is passed hold it with the process: where it is killed,
    nobody else begins before they have ended too.

    Parameters
    ----------
    path : Path
        Lock file; it stays when the lock is released, so that no two processes can hold
        locks on different files of one name.
    holder : str
        What the owner does, for the message that others see.

    Yields
    ------
    int
        Descriptor of the file, to be passed to children.

    Raises
    ------
    StudyBusyError
        If another process holds it, with its number and host, or children that have not ended
        within ten seconds after it was gone.
    StorageError
        If the lock file cannot be written, or the file system has no locks.
    """
    # Late, since Windows lacks it and an analyst there opens studies all the same.
    import fcntl

    with readable_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _take_lock(path, descriptor, holder)
        except BaseException:
            os.close(descriptor)
            raise
    try:
        _sign(descriptor)
        yield descriptor
    finally:
        with suppress(OSError):
            os.truncate(descriptor, 0)
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def _take_lock(path: Path, descriptor: int, holder: str) -> None:
    import fcntl

    begin = time.monotonic()
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            owner = _owner(descriptor)
            patience = ORPHAN_SECONDS if _is_gone(owner) else 0.0
            if time.monotonic() - begin >= patience:
                raise StudyBusyError(_busy(path, owner, holder)) from error
            time.sleep(0.05)


def _owner(descriptor: int) -> dict[str, Any]:
    """Who signed the lock; empty where nobody has yet."""
    try:
        owner = json.loads(os.pread(descriptor, 4096, 0))
    except (OSError, ValueError):
        return {}
    return owner if isinstance(owner, dict) else {}


def _is_gone(owner: Mapping[str, Any]) -> bool:
    """Whether it was a process of this machine that has ended."""
    here = owner.get("host") == socket.gethostname() and isinstance(owner.get("pid"), int)
    return here and not is_alive(owner["pid"], owner.get("birth"))


def _busy(path: Path, owner: Mapping[str, Any], holder: str) -> str:
    if {"pid", "host", "since"} <= set(owner):
        who = f"process {owner['pid']} on {owner['host']} since {owner['since']}"
    else:
        who = "a process that has not yet signed the lock"
    if _is_gone(owner):
        who += ", which is gone and has left worker processes that do not end"
    return (
        f"{holder} holds {path.parent} already: {who}. Wait until it is done, or end it; "
        "the lock goes with the process and needs no clearing."
    )


def _sign(descriptor: int) -> None:
    since = datetime.now(UTC).isoformat(timespec="seconds")
    process = os.getpid()
    owner = {
        "pid": process,
        "birth": process_birth(process),
        "host": socket.gethostname(),
        "since": since,
    }
    # A full disk must not keep a collector from reading what is left to do.
    with suppress(OSError):
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(owner).encode(), 0)


def _write_aside(folder: Path, content: bytes | memoryview) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{PARTIAL}{os.getpid()}-{secrets.token_hex(4)}"
    try:
        with partial.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return partial


def _give_name(partial: Path, path: Path) -> None:
    # A link fails where the name is taken; a rename would overwrite.
    try:
        os.link(partial, path)
    except FileExistsError:
        raise
    except OSError:  # Some network file systems have no links.
        if path.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path) from None
        os.rename(partial, path)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def readable_errors(folder: Path) -> Iterator[None]:
    """Tell what the system says of a folder that cannot be written, and what to do.

    Raises
    ------
    StorageError
        For any error of the system but a name that is taken.
    """
    try:
        yield
    except FileExistsError as error:
        if folder.exists() and not folder.is_dir():
            raise _storage_error(folder, error, errno.ENOTDIR) from error
        raise
    except (PhasegrokError, UnicodeError):
        raise
    except OSError as error:
        raise _storage_error(folder, error, error.errno or 0) from error


def _storage_error(folder: Path, error: OSError, number: int) -> StorageError:
    advice = _ADVICE.get(number, "Check the disk and the path.")
    said = os.strerror(number) if number else str(error)
    raised = StorageError(
        f"{folder} cannot be written ({said}). {advice} Finished shards stay valid."
    )
    raised.errno = number
    return raised
