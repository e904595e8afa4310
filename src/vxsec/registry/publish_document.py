"""The body of ``PUT /<name>``: what npm's libnpmpublish sends, around exactly the bytes that were judged."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING

from vxsec.errors import ConfigurationError, UsageError
from vxsec.formats.npm_manifest import normalise_manifest
from vxsec.formats.registry_url import normalise_registry_url
from vxsec.formats.strict_json import dump_json
from vxsec.formats.tarball import read_tarball
from vxsec.limits import DEFAULT_LIMITS, Limits
from vxsec.values import dataclass

if TYPE_CHECKING:
    from vxsec.model.artifact import Artifact
    from vxsec.model.package import Manifest

__all__ = ["PublishConfig", "build_publish_document", "check_tag", "read_publish_config"]

_ACCESS = frozenset({"public", "restricted"})
_README_BYTES = 1 << 20
"""A registry stores the readme in every packument; a larger one is left out, which changes nothing but a web page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishConfig:
    """``publishConfig`` of a package.json. ``unsupported`` lists the keys that npm or pnpm would act on and vxsec does not."""

    registry: str | None = None
    tag: str | None = None
    access: str | None = None
    unsupported: tuple[str, ...] = ()


def read_publish_config(manifest: Manifest) -> PublishConfig:
    """Read ``publishConfig``; a ``@scope:registry`` for the package's own scope counts before ``registry``, as in npm.

    Raises:
        ConfigurationError: ``publish-config.value`` for a wrong type, an unknown ``access``, or a tag that could be taken
            for a version; ``registry.url``.
    """
    value = manifest.document.get("publishConfig")
    if value is None:
        return PublishConfig()
    if not isinstance(value, Mapping):
        raise _wrong("expected publishConfig to be an object", manifest)
    name = manifest.package.name
    own = f"{name.partition('/')[0]}:registry" if name.startswith("@") else "registry"
    registry = _text(value, own, manifest) or _text(value, "registry", manifest)
    access = _text(value, "access", manifest)
    if access is not None and access not in _ACCESS:
        raise _wrong(f"expected publishConfig.access to be public or restricted, found {access[:40]!r}", manifest)
    tag = _text(value, "tag", manifest)
    if tag is not None:
        check_tag(tag)
    return PublishConfig(
        registry=normalise_registry_url(registry) if registry else None,
        tag=tag,
        access=access,
        unsupported=tuple(sorted(str(key) for key in value if key not in {"registry", own, "tag", "access"})),
    )


def check_tag(tag: str) -> None:
    """Refuse a dist-tag that a registry or npm would not take as one.

    Raises:
        UsageError: ``publish.tag``.
    """
    plain = tag.isascii() and all(char.isalnum() or char in "-_." for char in tag)
    looks_like_a_range = tag[:1].isdigit() or (tag[:1] in {"v", "x", "X"} and (len(tag) == 1 or tag[1:2].isdigit()))
    if not tag or not plain or looks_like_a_range or tag.startswith((".", "-")):
        raise UsageError(
            f"expected a dist-tag such as latest or next, found {tag[:40]!r}",
            code="publish.tag",
            hint="a tag must not look like a version or a range",
        )


def build_publish_document(
    artifact: Artifact,
    *,
    registry_url: str,
    tag: str,
    access: str | None,
    limits: Limits = DEFAULT_LIMITS,
) -> bytes:
    """Build the body for one version; the attachment is ``artifact.data``, byte for byte.

    As libnpmpublish does, ``dist.tarball`` is written with ``http:``: registries rewrite it when they serve it. Unlike npm,
    a ``tag`` field in package.json does not override ``tag``.

    Args:
        artifact: What was judged.
        registry_url: Where it goes.
        tag: The dist-tag to set.
        access: ``public``, ``restricted`` or None (the registry's default).
        limits: Bounds for reading the readme out of the tarball again.

    Raises:
        UsageError: ``publish.private`` for a package marked private, ``publish.tag``, ``publish.access`` for restricted
            access without a scope.
        ConfigurationError: ``registry.url``.
    """
    check_tag(tag)
    name, version = artifact.package.name, artifact.package.version
    if artifact.manifest.document.get("private"):
        raise UsageError(
            f"{artifact.package} is marked private",
            code="publish.private",
            where=artifact.filename,
            hint='remove "private" from its package.json to publish it',
        )
    if access == "restricted" and not name.startswith("@"):
        raise UsageError("only a name with a scope can be restricted", code="publish.access", where=artifact.filename)
    manifest = normalise_manifest(
        artifact.manifest.document, files=[entry.path for entry in artifact.files], texts=_texts(artifact, limits)
    )
    file = f"{name}-{version}.tgz"
    tarball = f"{normalise_registry_url(registry_url)}{name}/-/{file}"
    stated = manifest.get("dist")
    manifest["version"] = version
    manifest["dist"] = {
        **(stated if isinstance(stated, dict) else {}),
        "integrity": artifact.digests.integrity,
        "shasum": artifact.digests.sha1,
        "tarball": "http:" + tarball.partition(":")[2],
    }
    document: dict[str, object] = {"_id": name, "name": name}
    if manifest.get("description") is not None:
        document["description"] = manifest["description"]
    attachment = {
        "content_type": "application/octet-stream",
        "data": base64.b64encode(artifact.data).decode("ascii"),
        "length": len(artifact.data),
    }
    document |= {
        "dist-tags": {tag: version},
        "versions": {version: manifest},
        "access": access,
        "_attachments": {file: attachment},
    }
    return dump_json(document)


def _texts(artifact: Artifact, limits: Limits) -> dict[str, str]:
    """README and AUTHORS files of the top directory."""

    def wanted(path: str, size: int) -> bool:
        return "/" not in path and path.lower().startswith(("readme", "authors")) and size <= _README_BYTES

    kept = read_tarball(artifact.data, limits=limits, keep=wanted).kept
    return {path: data.decode("utf-8", "replace") for path, data in kept.items()}


def _text(value: Mapping[str, object], key: str, manifest: Manifest) -> str | None:
    found = value.get(key)
    if found is not None and not isinstance(found, str):
        raise _wrong(f"expected publishConfig.{key[:80]} to be a string", manifest)
    return found


def _wrong(message: str, manifest: Manifest) -> ConfigurationError:
    return ConfigurationError(message, code="publish-config.value", where=f"{manifest.package} package.json")
