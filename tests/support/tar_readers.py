"""What other readers see in a tarball: npm's node-tar in one long-lived process, and Python's tarfile."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.node_tools import NodeTools
    from vxsec.formats.tarball import Tarball

__all__ = ["NodeTar", "differences", "installed_as", "read_with_tarfile", "running_node_tar"]

_SCRIPT = Path(__file__).with_suffix(".cjs")


class NodeTar:
    """A node process that reads the archives it is given, as npm does."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process = process
        self._folder = folder

    def read(self, data: bytes, *, chunk: int = 0) -> dict[str, object]:
        """Everything node-tar says: `listed`, `extracted`, `warnings`, or `error`. `chunk` bytes arrive at once, 0 is all."""
        assert self._process.stdin
        assert self._process.stdout
        archive, target = self._folder / "archive.tgz", self._folder / "out"
        archive.write_bytes(data)
        target.mkdir()
        request = {"archive": str(archive), "folder": str(target), "chunk": chunk}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer: dict[str, object] = json.loads(self._process.stdout.readline())
        return answer


@contextmanager
def running_node_tar(tools: NodeTools, folder: Path, *, modules: Path | None = None) -> Iterator[NodeTar]:
    """Start the process; `modules` is the folder whose `tar` to load, npm's own by default."""
    own = Path(tools.npm[-1]).parents[1] / "node_modules"
    process = subprocess.Popen(
        [*tools.node, str(_SCRIPT), str(modules or own)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        yield NodeTar(process, folder)
        assert process.stdin
        process.stdin.close()


def read_with_tarfile(data: bytes) -> list[tuple[str, str, str]]:
    """Type, name and SHA-512 of every member."""
    found = []
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        for member in archive:
            body = archive.extractfile(member) if member.isfile() else None
            kind = "File" if member.isfile() else "Directory" if member.isdir() else repr(member.type)
            found.append((kind, member.name, hashlib.sha512(body.read() if body else b"").hexdigest()))
    return found


def differences(tarball: Tarball, data: bytes, node: NodeTar, *, chunk: int = 0) -> list[str]:
    """How any other reader's view differs from `tarball`, read from `data`; empty where all agree."""
    ours = {file.path: file.sha512 for file in tarball.files}
    full = sorted(("File", f"{tarball.root}/{path}", digest) for path, digest in ours.items())
    found = []
    try:
        python = read_with_tarfile(data)
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        return [f"tarfile raises {error!r}"]
    if sorted(entry for entry in python if entry[0] != "Directory") != full:
        found.append(f"tarfile sees {python}")
    answer = node.read(data, chunk=chunk)
    entries = answer.get("listed")
    listed = [tuple(entry) for entry in entries] if isinstance(entries, list) else []
    if answer.get("error") or answer.get("warnings"):
        found.append(f"node-tar says {answer}")
    if sorted((kind.replace("OldFile", "File"), *rest) for kind, *rest in listed if kind != "Directory") != full:
        found.append(f"node-tar lists {listed}")
    installed = {installed_as(path): digest for path, digest in ours.items()}
    if answer.get("extracted") != installed:
        found.append(f"npm extracts {answer.get('extracted')}")
    return found


def installed_as(path: str) -> str:
    """Npm installs `.gitignore` as `.npmignore`; vxsec says so in a finding."""
    folder, slash, name = path.rpartition("/")
    return f"{folder}{slash}.npmignore" if name == ".gitignore" else path
