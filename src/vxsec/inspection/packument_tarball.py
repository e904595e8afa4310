"""What a packument says of one tarball, ``versions[v].dist``, against the bytes: digests, counts, and its address."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from vxsec.errors import FormatError
from vxsec.formats.lockfiles.source import is_registry_tarball
from vxsec.formats.packument_dist import has_signatures, read_dist
from vxsec.formats.redact import redact_urls
from vxsec.formats.registry_url import is_under
from vxsec.inspection.insecure_url import insecure_url
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.model.digest import Integrity
from vxsec.model.finding import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vxsec.formats.packument import Packument, PackumentVersion
    from vxsec.model.artifact import Artifact

__all__ = ["address_findings", "dist_findings", "integrity_findings", "signature_findings"]

_SHOWN = 160


def integrity_findings(artifact: Artifact, listed: PackumentVersion) -> Iterator[Finding]:
    """``dist.integrity`` is there, strong, and of these bytes."""
    if listed.integrity is None:
        yield _finding(
            "packument.integrity-missing", Severity.HIGH, "the packument states no integrity, at most a SHA-1"
        )
        return
    try:
        stated = Integrity.parse(listed.integrity)
    except FormatError as error:
        yield _finding("packument.integrity-malformed", Severity.HIGH, error.message)
        return
    if stated.is_weak:
        message = f"the packument states nothing stronger than {stated.strongest}"
        yield _finding("packument.integrity-weak", Severity.HIGH, message)
    elif not stated.matches(artifact.digests):
        message = f"the packument states {listed.integrity[:_SHOWN]}, the bytes are {artifact.digests.integrity}"
        yield _finding("packument.integrity-mismatch", Severity.HIGH, message)


def dist_findings(
    artifact: Artifact, listed: PackumentVersion, *, limits: Limits = DEFAULT_LIMITS
) -> Iterator[Finding]:
    """``shasum``, ``fileCount`` and ``unpackedSize``, where stated, are those of these bytes."""
    if listed.shasum is not None and listed.shasum != artifact.digests.sha1:
        message = f"the packument states {listed.shasum[:_SHOWN]!r}, the bytes are {artifact.digests.sha1}"
        yield _finding("packument.shasum-mismatch", Severity.HIGH, message, "dist.shasum")
    try:
        dist = read_dist(listed, limits=limits)
    except FormatError as error:
        yield _finding("packument.dist-malformed", Severity.HIGH, str(error)[:_SHOWN], "dist")
        return
    counts = (
        ("packument.file-count", "fileCount", dist.file_count, len(artifact.files)),
        ("packument.unpacked-size", "unpackedSize", dist.unpacked_size, artifact.unpacked_size),
    )
    for code, field, stated, counted in counts:
        if stated is not None and stated != counted:
            message = f"the packument states {stated}, the tarball has {counted}"
            yield _finding(code, Severity.MEDIUM, message, f"dist.{field}")


def signature_findings(packument: Packument, listed: PackumentVersion) -> Iterator[Finding]:
    """A version without signatures, published after one that has some: they were taken away, or the registry stopped.

    Where the packument gives no times, its order decides, which is that of publishing.
    """
    if has_signatures(listed):
        return
    when = packument.times.get(listed.version)
    listed_before = True
    for version, other in packument.versions.items():
        listed_before = listed_before and version != listed.version
        then = packument.times.get(version)
        earlier = then < when if then and when else listed_before
        if earlier and has_signatures(other):
            message = f"no registry signature, and the earlier {version[:_SHOWN]} has one"
            yield _finding("packument.unsigned", Severity.MEDIUM, message, "dist.signatures")
            return


def address_findings(listed: PackumentVersion, *, registry: str | None) -> Iterator[Finding]:
    """``dist.tarball`` is where this registry (a normalised URL) serves this package in this version.

    Without ``registry`` the host is not judged. An address that is not stated leads nowhere.
    """
    url = listed.tarball
    if url is None:
        return
    for code, severity, message in _address_troubles(url, listed, registry):
        yield _finding(code, severity, f"{message}: {redact_urls(url)[:_SHOWN]!r}", "dist.tarball")


def _address_troubles(url: str, listed: PackumentVersion, registry: str | None) -> Iterator[tuple[str, Severity, str]]:
    parts = _split(url)
    if parts is None:
        yield "packument.tarball-foreign", Severity.HIGH, "no http address that every reader sees alike"
        return
    scheme, host, with_credentials = parts
    if with_credentials:
        yield "packument.tarball-credentials", Severity.HIGH, "an address with a user name or password"
    own = registry is not None and is_under(url, registry)
    trouble = None if own or with_credentials else insecure_url(url)
    if trouble is not None:
        yield "packument.tarball-insecure", Severity.HIGH, trouble
    if registry is not None and not own:
        expected = _split(registry)
        if expected is None or (scheme, host) != expected[:2]:
            yield "packument.tarball-foreign", Severity.HIGH, f"expected an address at {registry}, found another host"
        elif not with_credentials:
            yield "packument.tarball-path", Severity.MEDIUM, f"expected an address below {registry}, found another path"
    if not is_registry_tarball(url, listed.name, listed.version):
        what = f"{listed.name}@{listed.version}"[:_SHOWN]
        yield "packument.tarball-name", Severity.HIGH, f"not an address by which a registry serves {what}"


def _split(url: str) -> tuple[str, tuple[str, int | None], bool] | None:
    """Scheme, host and port, and whether there is user information; None for what readers could see differently."""
    if not url.isascii() or not url.isprintable() or set(url) & set(' \\"<>'):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    default = {"http": 80, "https": 443}.get(parts.scheme)
    if default is None or not parts.hostname:
        return None
    return parts.scheme, (parts.hostname, port or default), "@" in parts.netloc


def _finding(code: str, severity: Severity, message: str, where: str | None = None) -> Finding:
    return Finding(code=code, severity=severity, message=message, where=where)
