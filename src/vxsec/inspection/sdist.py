"""A Python source distribution: a strict tarball whose one top directory is named for what its PKG-INFO says.

PyPA source distribution format (PEP 625): ``NAME-VERSION.tar.gz`` with one top directory ``NAME-VERSION`` and in it
PKG-INFO. Installing from one runs the project's own build; that is what a wheel is for.

Reasons beyond the archive's own (``formats.tarball``): ``sdist.metadata``, ``sdist.root``.
Findings, all low: ``sdist.setup-script``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.errors import FormatError, TarballError
from vxsec.formats.core_metadata import names_release, read_core_metadata
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.finding import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vxsec.formats.tarball import Tarball
    from vxsec.model.package import Manifest

__all__ = ["PKG_INFO", "SDIST_ENDING", "read_sdist_manifest", "sdist_findings"]

PKG_INFO = "PKG-INFO"
SDIST_ENDING = ".tar.gz"
_SETUP = "setup.py"
_NPM_ONLY = frozenset({"archive.top-directory", "archive.renamed", "archive.unicode-override"})
_SHOWN = 120


def read_sdist_manifest(tarball: Tarball, *, limits: Limits = DEFAULT_LIMITS) -> Manifest:
    """The metadata of a source distribution.

    Args:
        tarball: Read with PKG-INFO kept, as far as ``limits.manifest_bytes`` allow.
        limits: ``manifest_bytes``.

    Raises:
        TarballError: ``sdist.metadata`` or ``sdist.root``.
    """
    raw = tarball.kept.get(PKG_INFO)
    if raw is None:
        raise TarballError([("sdist.metadata", f"{PKG_INFO} is larger than {limits.manifest_bytes} bytes")])
    try:
        manifest = read_core_metadata(raw, where=PKG_INFO, limits=limits)
    except FormatError as error:
        raise TarballError([("sdist.metadata", str(error))]) from error
    if not names_release(tarball.root, manifest.package):
        found = f"the top directory {tarball.root[:_SHOWN]!r}, and {PKG_INFO} of {manifest.package}"
        raise TarballError([("sdist.root", f"expected a top directory named for the release, found {found}")])
    return manifest


def sdist_findings(tarball: Tarball) -> Iterator[Finding]:
    """What is worth saying about it; what only npm does with an archive is left out."""
    yield from (finding for finding in tarball.findings if finding.code not in _NPM_ONLY)
    if any(file.path == _SETUP for file in tarball.files):
        yield Finding(
            code="sdist.setup-script",
            severity=Severity.LOW,
            message="installing from it runs this script",
            where=_SETUP,
        )
