"""Zip and tar archives, read in memory: nothing is unpacked to disk, and members that point elsewhere are refused."""

import bz2
import gzip
import io
import lzma
import re
import stat
import tarfile
import zipfile
import zlib

from spikemeta.data.dataset import refuse, several
from spikemeta.errors import UserError

LARGEST = 8 << 30  # bytes of an archive's content
_PACKED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
_DAMAGED = (
    OSError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
    NotImplementedError,
    ValueError,
)


class Archive:
    """The files of a zip, tar, tar.gz, tar.bz2 or tar.xz archive.

    Parameters
    ----------
    path : Path

    Attributes
    ----------
    names : list of str
        Of its files, in the archive's order.

    Raises
    ------
    UserError
        Not an archive, truncated or damaged; or with every member that is a link, a device or encrypted, comes twice, or would
        lie outside the folder that the archive is unpacked in.
    """

    def __init__(self, path):
        self.path, problems = path, []
        try:
            if zipfile.is_zipfile(path):
                members = self._zip()
            else:
                members = self._tar()
        except _DAMAGED as error:
            raise UserError(f"cannot use {path}:\n  truncated or damaged ({error})") from None
        of_kind, seen = {}, set()
        for name, _, kind in members:
            outside = name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name) or ".." in re.split(r"[/\\]", name)
            if outside:
                of_kind.setdefault("{n} members climb out of the archive's folder", []).append(name)
            elif "\\" in name:
                of_kind.setdefault("{n} names hold a backslash", []).append(name)
            if kind not in ("file", "folder"):
                of_kind.setdefault(f"{{n}} members are {kind}", []).append(name)
            if name in seen:
                of_kind.setdefault("{n} names come twice", []).append(name)
            seen.add(name)
        problems = [several(list(dict.fromkeys(names)), what) for what, names in of_kind.items()]
        total = sum(size for _, size, _ in members)
        if total > LARGEST:
            problems.append(f"its content would take {total / 2**30:.0f} GiB, more than the {LARGEST >> 30} GiB that are read")
        refuse(path, problems)
        self.names = [name for name, _, kind in members if kind == "file"]

    def read(self, name):
        """Content of a file.

        Raises
        ------
        UserError
            If it is damaged.
        """
        try:
            return self._read(name)
        except (*_DAMAGED, RuntimeError) as error:
            raise UserError(f"{name}: truncated or damaged ({error})") from None

    def _zip(self):
        held = zipfile.ZipFile(io.BytesIO(self.path.read_bytes()))
        self._read = held.read

        def kind(info):
            mode = info.external_attr >> 16
            if info.flag_bits & 1:
                return "encrypted"
            if stat.S_ISLNK(mode):
                return "links"
            return "folder" if info.is_dir() else "file"

        return [(info.filename, info.file_size, kind(info)) for info in held.infolist()]

    def _tar(self):
        raw = self.path.read_bytes()
        unpack = next((unpack for magic, unpack in _PACKED.items() if raw.startswith(magic)), io.BytesIO if raw else None)
        if unpack is None:
            raise UserError(f"cannot use {self.path}:\n  empty: not a zip or tar archive")
        data = unpack(io.BytesIO(raw)).read(LARGEST + 1) if unpack is not io.BytesIO else raw
        try:
            held = tarfile.open(fileobj=io.BytesIO(data), mode="r:")
        except tarfile.ReadError:
            begins = raw[:8].hex(" ")
            raise UserError(f"cannot use {self.path}:\n  not a zip or tar archive: it begins with {begins}") from None
        members = {member.name: member for member in held.getmembers()}
        if data[held.offset : held.offset + 512] != bytes(512):  # tarfile takes any end for the end
            raise tarfile.ReadError(f"it breaks off after {len(members)} members")
        self._read = lambda name: held.extractfile(members[name]).read()

        def kind(member):
            if member.issym() or member.islnk():
                return "links"
            return "folder" if member.isdir() else "file" if member.isfile() else "devices or of another kind"

        return [(member.name, member.size, kind(member)) for member in held.getmembers()]
