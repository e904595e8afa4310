"""(What npm sends, field by field, is in tests/integration.)"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest

from support.tar_factory import file, tgz
from vxsec.errors import UsageError
from vxsec.inspection.artifact import read_artifact
from vxsec.model.artifact import Artifact
from vxsec.model.package import Manifest, PackageRef
from vxsec.registry.publish_document import PublishConfig, build_publish_document, read_publish_config

URL = "https://registry.example.test/npm"


def artifact(name: str = "@vextrus/a", *, readme: bytes = b"", **fields: Any) -> Artifact:
    document = {"name": name, "version": "1.0.0", **fields}
    members = [file("package/package.json", json.dumps(document).encode())]
    if readme:
        members.append(file("package/README.md", readme))
    found = read_artifact(tgz(*members), filename="a.tgz")
    assert isinstance(found, Artifact)
    return found


def build(subject: Artifact, *, tag: str = "latest", access: str | None = None) -> dict[str, Any]:
    document = json.loads(build_publish_document(subject, registry_url=URL, tag=tag, access=access))
    assert isinstance(document, dict)
    return document


def test_the_attachment_is_the_judged_bytes() -> None:
    subject = artifact(description="d", dist={"unpackedSize": 1, "integrity": "lie"})
    document = build(subject, tag="next", access="restricted")
    (attachment,) = document["_attachments"].values()
    assert list(document["_attachments"]) == ["@vextrus/a-1.0.0.tgz"]
    assert base64.b64decode(attachment["data"]) == subject.data
    assert attachment["length"] == len(subject.data)
    assert document["dist-tags"] == {"next": "1.0.0"}
    assert (document["_id"], document["description"], document["access"]) == ("@vextrus/a", "d", "restricted")
    assert document["versions"]["1.0.0"]["dist"] == {
        "unpackedSize": 1,
        "integrity": subject.digests.integrity,
        "shasum": hashlib.sha1(subject.data, usedforsecurity=False).hexdigest(),
        "tarball": "http://registry.example.test/npm/@vextrus/a/-/@vextrus/a-1.0.0.tgz",
    }


def test_a_tag_in_package_json_does_not_decide() -> None:
    assert build(artifact(tag="latest"), tag="next")["dist-tags"] == {"next": "1.0.0"}


def test_a_readme_is_sent_unless_it_is_huge() -> None:
    assert build(artifact(readme=b"# T\n\nhello"))["versions"]["1.0.0"]["readme"] == "# T\n\nhello"
    assert "No README" in build(artifact(readme=b"x" * (1 << 20) + b"x"))["versions"]["1.0.0"]["readme"]


@pytest.mark.parametrize("tag", ["", "1", "1.0.0", "v1", "v", "x", "latest ", "a/b", "-a", ".a", "lat\u00e9st", "a\n"])
def test_a_tag_that_is_none(tag: str) -> None:
    with pytest.raises(UsageError) as caught:
        build(artifact(), tag=tag)
    assert caught.value.code == "publish.tag"


@pytest.mark.parametrize("tag", ["latest", "next-1", "version", "evidence", "release_2"])
def test_a_tag_that_is_one(tag: str) -> None:
    assert build(artifact(), tag=tag)["dist-tags"] == {tag: "1.0.0"}


def test_private_is_not_published() -> None:
    with pytest.raises(UsageError) as caught:
        build(artifact(private=True))
    assert caught.value.code == "publish.private"


def test_restricted_needs_a_scope() -> None:
    with pytest.raises(UsageError) as caught:
        build(artifact("plain"), access="restricted")
    assert caught.value.code == "publish.access"


def config(value: object, name: str = "@vextrus/a") -> PublishConfig:
    package = PackageRef(name=name, version="1.0.0")
    return read_publish_config(Manifest(package=package, document={"publishConfig": value}))


def test_publish_config_is_read() -> None:
    assert config(None) == PublishConfig()
    assert config({"registry": URL, "tag": "next", "access": "public", "provenance": True, "directory": "dist"}) == (
        PublishConfig(registry=URL + "/", tag="next", access="public", unsupported=("directory", "provenance"))
    )


def test_the_scopes_registry_counts_first() -> None:
    value = {"registry": "https://b.test", "@vextrus:registry": "https://a.test", "@x:registry": "https://c.test"}
    assert config(value) == PublishConfig(registry="https://a.test/", unsupported=("@x:registry",))
    assert config(value, "plain").registry == "https://b.test/"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ([], "publish-config.value"),
        ({"registry": 1}, "publish-config.value"),
        ({"tag": True}, "publish-config.value"),
        ({"access": "secret"}, "publish-config.value"),
        ({"tag": "1.0.0"}, "publish.tag"),
        ({"registry": "ftp://x"}, "registry.url"),
    ],
)
def test_publish_config_is_refused(value: object, code: str) -> None:
    with pytest.raises(UsageError) as caught:
        config(value)
    assert caught.value.code == code
