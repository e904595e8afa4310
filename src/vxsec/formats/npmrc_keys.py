"""Which keys npm knows in an ``.npmrc``: a table of facts, so that a misspelt one is found without npm.

npm has warned about keys it does not know since 11.2; npm 12 refuses them where ``strict-npmrc=true`` is set (without it,
it still warns), and says that a later version will refuse them always. Source: ``definitions`` and ``nerfDarts`` of
``@npmcli/config`` in npm 11.17, 11.19 and 12.2, and ``Config.checkUnknown`` there for how a key with a colon is judged.
A test compares this table with the npm that is installed.
"""

from __future__ import annotations

import difflib
from enum import StrEnum
from typing import TYPE_CHECKING

from vxsec.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "CREDENTIAL_KEYS",
    "DEPRECATED_KEYS",
    "FOREIGN_KEYS",
    "HISTORIC_KEYS",
    "KNOWN_KEYS",
    "NEW_IN_12",
    "REGISTRY_KEYS",
    "REMOVED_IN_12",
    "KeyJudgement",
    "KeyState",
    "judge_key",
]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


KNOWN_KEYS = _words(
    """
    _auth access all allow-directory allow-file allow-git allow-remote allow-same-version allow-scripts
    allow-scripts-pending allow-scripts-pin allow-unused-patches also audit audit-level auth-type before bin-links browser
    bypass-2fa ca cache cache-max cache-min cafile call cert cidr color commit-hooks cpu dangerously-allow-all-scripts
    depth description dev diff diff-dst-prefix diff-ignore-all-space diff-name-only diff-no-prefix diff-src-prefix
    diff-text diff-unified dry-run edit-dir editor engine-strict expect-result-count expect-results expires extension-file
    fetch-retries fetch-retry-factor fetch-retry-maxtimeout fetch-retry-mintimeout fetch-timeout force foreground-scripts
    format-package-lock fund git git-tag-version global global-ignore-file global-style globalconfig heading https-proxy
    if-present ignore-existing ignore-extension ignore-patch-failures ignore-scripts include include-attestations
    include-staged include-workspace-root init-author-email init-author-name init-author-url init-license init-module
    init-private init-type init-version init.author.email init.author.name init.author.url init.license init.module
    init.version install-links install-strategy json keep-edit-dir key legacy-bundling legacy-peer-deps libc link
    local-address location lockfile-version loglevel logs-dir logs-max long maxsockets message min-release-age
    min-release-age-exclude name node-gyp node-options noproxy offline omit omit-lockfile-registry-resolved only optional
    orgs orgs-permission os otp pack-destination package package-lock package-lock-only packages packages-all
    packages-and-scopes-permission parseable password patches-dir prefer-dedupe prefer-offline prefer-online prefix preid
    production progress provenance provenance-file proxy read-only rebuild-bundle registry replace-registry-host save
    save-bundle save-dev save-exact save-optional save-peer save-prefix save-prod sbom-format sbom-type scope scopes
    script-shell searchexclude searchlimit searchopts searchstaleness shell shrinkwrap sign-git-commit sign-git-tag
    strict-allow-scripts strict-npmrc strict-peer-deps strict-ssl tag tag-version-prefix timing to token-description umask
    unicode update-notifier usage user-agent userconfig version versions viewer which workspace workspaces
    workspaces-update yes
    """
)
"""Every key that npm 11.17 to 12.2 defines."""

NEW_IN_12 = _words(
    """
    allow-unused-patches edit-dir extension-file global-ignore-file ignore-existing ignore-extension ignore-patch-failures
    keep-edit-dir patches-dir strict-npmrc to
    """
)
REMOVED_IN_12 = frozenset({"shrinkwrap"})

REGISTRY_KEYS = frozenset({"_auth", "_authToken", "_password", "certfile", "email", "keyfile", "username"})
"""What may stand behind ``//host/path/:`` beside every known key."""

CREDENTIAL_KEYS = ("_authToken", "_auth", "_password", "username")
"""What npm 9 and newer refuse (``ERR_INVALID_AUTH``) where no ``//host/path/:`` stands before it."""

DEPRECATED_KEYS: Mapping[str, str] = {
    "also": "include=dev",
    "cache-max": "prefer-online=true",
    "cache-min": "prefer-offline=true",
    "cert": "//HOST/PATH/:certfile=FILE",
    "dev": "include=dev",
    "global-style": "install-strategy=shallow",
    "init.author.email": "init-author-email=EMAIL",
    "init.author.name": "init-author-name=NAME",
    "init.author.url": "init-author-url=URL",
    "init.license": "init-license=LICENSE",
    "init.module": "init-module=FILE",
    "init.version": "init-version=VERSION",
    "key": "//HOST/PATH/:keyfile=FILE",
    "legacy-bundling": "install-strategy=nested",
    "only": "omit=dev",
    "optional": "omit=optional",
    "production": "omit=dev",
    "shrinkwrap": "package-lock=true",
}
"""Keys that npm still reads and asks to replace, with the line to write instead."""

HISTORIC_KEYS: Mapping[str, str] = {
    "always-auth": "remove the line (npm 7 and newer send a credential wherever one is scoped to the URL)",
    "email": "remove the line (npm needs it no more)",
    "ignore-prepublish": "remove the line (npm 7 and newer have no such setting)",
    "python": "remove the line, and set the environment variable npm_config_python for node-gyp",
    "scripts-prepend-node-path": "remove the line (npm 7 and newer have no such setting)",
    "send-metrics": "remove the line (npm 7 and newer have no such setting)",
    "tmp": "remove the line, and set the environment variable TMPDIR",
    "unsafe-perm": "remove the line (npm 7 and newer run scripts as the owner of the folder)",
}
"""Keys that older versions of npm read, with what to do."""

FOREIGN_KEYS: Mapping[str, str] = dict.fromkeys(
    _words(
        """
    auto-install-peers dedupe-peer-dependents enable-pre-post-scripts hoist hoist-pattern hoist-workspace-packages
    ignore-workspace-root-check link-workspace-packages minimum-release-age modules-dir node-linker package-import-method
    prefer-workspace-packages public-hoist-pattern recursive-install resolution-mode save-workspace-protocol
    shamefully-hoist shared-workspace-lockfile side-effects-cache store-dir strict-peer-dependencies symlink
    use-node-version virtual-store-dir
    """
    ),
    "move it to pnpm-workspace.yaml, where pnpm 10 and newer read it",
)
"""Keys that only another program reads, with where that program reads them too."""

_INTERNAL = frozenset({"npm-version", "global-prefix", "local-prefix"})
_CLOSE = 0.75
_LONGEST = 60


class KeyState(StrEnum):
    """What npm makes of a key."""

    KNOWN = "known"
    DEPRECATED = "deprecated"
    HISTORIC = "historic"
    FOREIGN = "foreign"
    UNSCOPED = "unscoped"
    """A credential that does not say for which registry."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyJudgement:
    """A key's state; ``word`` is the part npm looks up (behind the last colon), ``meant`` the known word it is close to.

    ``advice`` is the line to write instead, or a sentence.
    """

    state: KeyState
    word: str
    meant: str | None = None
    advice: str | None = None


def judge_key(key: str) -> KeyJudgement:
    """Say what npm makes of a key as it stands in the file, before ``${…}`` is replaced."""
    scoped = ":" in key
    word = key.rpartition(":")[2]
    if not scoped and word.lstrip("_-").lower() in {"authtoken", "auth", "password", "username"} and word != "password":
        meant = next(name for name in CREDENTIAL_KEYS if name.lstrip("_").lower() == word.lstrip("_-").lower())
        return KeyJudgement(state=KeyState.UNSCOPED, word=word, meant=meant)
    if word in KNOWN_KEYS or (scoped and word in REGISTRY_KEYS) or key in _INTERNAL:
        advice = None if scoped else DEPRECATED_KEYS.get(word)
        return KeyJudgement(state=KeyState.DEPRECATED if advice else KeyState.KNOWN, word=word, advice=advice)
    for table, state in ((HISTORIC_KEYS, KeyState.HISTORIC), (FOREIGN_KEYS, KeyState.FOREIGN)):
        if word in table:
            return KeyJudgement(state=state, word=word, advice=table[word])
    return KeyJudgement(state=KeyState.UNKNOWN, word=word, meant=_nearest(word, scoped=scoped))


def _nearest(word: str, *, scoped: bool) -> str | None:
    """The known word that was probably meant; case, and ``_`` for ``-``, count as nothing."""
    if not word or len(word) > _LONGEST:
        return None
    plain = {_plain(name): name for name in (*sorted(KNOWN_KEYS), *(sorted(REGISTRY_KEYS) if scoped else ()))}
    found = difflib.get_close_matches(_plain(word), plain, n=1, cutoff=_CLOSE)
    return plain[found[0]] if found else None


def _plain(word: str) -> str:
    return word.lower().replace("_", "-").strip("- ")
