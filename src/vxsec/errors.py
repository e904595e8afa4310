"""Every error vxsec raises on purpose, with the exit status it maps to.

::

    VxsecError
    ├── UsageError                                                        exit 2
    │   └── ConfigurationError   policy, trust document, .npmrc, key file exit 2
    ├── NothingToJudgeError      given, but nothing vxsec can judge       exit 3
    ├── UndecidedError           could not decide: CI may retry           exit 4
    │   ├── NetworkError
    │   └── LogWriteError        the decision could not be recorded
    ├── RefusedError             the bytes themselves are refused         exit 10
    │   ├── TarballError         carries every reason, not just the first
    │   └── FormatError          JSON, lockfile, packument, bundle …
    └── VerificationError        not verified                             exit 10

A policy that says no (exit 11) and a batch that is partly live (exit 5) are results, not errors.

An error says what was expected, what was found and where; ``hint`` is the next step; ``code`` is a stable word for
machines. Anything that is not a ``VxsecError`` is a defect: the command line answers 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "ConfigurationError",
    "FormatError",
    "LogWriteError",
    "NetworkError",
    "NothingToJudgeError",
    "RefusedError",
    "TarballError",
    "UndecidedError",
    "UsageError",
    "VerificationError",
    "VxsecError",
    "next_step",
]

_NEXT_STEPS: Mapping[str, str] = {
    # files
    "usage.no-files": "name at least one file",
    "file.missing": "check the spelling; a path starts at the folder you are in",
    "file.unreadable": "give a regular file that this user may read (ls -l shows its owner and rights)",
    "file.unwritable": "give a path in a folder that exists and that this user may write to",
    "file.too-large": "check that this is the right file: one this large is never read",
    "file.changed": "let nothing write to the file while it is signed, and run the same command again",
    "log.write-failed": "give a --log FILE in a folder that exists and that this user may write to",
    # what people write
    "policy": "mend the policy at the place named",
    "policy.unknown-key": "correct the spelling, or remove the key: what is not understood is not enforced",
    "policy.unknown-parameter": "correct the spelling, or remove the parameter: what is not understood is not enforced",
    "policy.unknown-rule": "use one of the known rules",
    "policy.missing": "write the parameter under with:",
    "policy.duplicate-id": "give each of them an id of its own",
    "policy.phase": "move the rule to a scope with a phase that it judges, or add that phase to this scope",
    "policy.no-subjects": "give at least one tarball",
    "policy.naive-time": "give a time with its offset, such as 2026-11-21T00:00:00Z",
    "trust": "mend the trust document at the place named",
    "trust.empty": "list at least one public key under keys:",
    "trust.duplicate": "remove one of the two",
    "trust.window": "write an until: that is later than from:",
    "tuf": "get the trust repository again from where it is kept; if it stays, ask those who sign it",
    "trust.state": "look at the file that is named: it holds the versions this machine has seen",
    "config": "mend the configuration file at the place named",
    "document": "mend the file at the place named",
    "document.alias": "write the value itself in both places",
    "document.anchor": "remove the anchor, and write the value itself in every place",
    "document.control-character": "remove it: reviewers cannot see it, and readers disagree on what it does",
    "document.depth": "write it with fewer levels",
    "document.directive": "remove the line that begins with %",
    "document.duplicate-key": "remove one of the two: readers disagree on which of them counts",
    "document.empty": "check that this is the right file; new ones are written by: vxsec init",
    "document.encoding": "save the file as UTF-8 without a byte order mark",
    "document.key": "write the key as text, in quotes where it looks like a number",
    "document.merge-key": "write the members themselves",
    "document.missing": "add the member",
    "document.number": "write a smaller number, or quote it where it is text",
    "document.several-documents": "put each document into a file of its own",
    "document.syntax": "mend the line; text with : or # in it is written in quotes",
    "document.tag": "remove the tag (the word that begins with !)",
    "document.too-large": "check that this is the right file: one this large is never read",
    "document.type": "write it in the form that is expected",
    "document.unknown-member": "correct the spelling, or remove the member",
    "npmrc": "mend the line in the .npmrc file",
    "npmrc.credential": "write the credential again, as the registry gave it",
    "npmrc.encoding": "save the file as UTF-8",
    "npmrc.proxy": "write proxy=http://HOST:PORT/ or remove the line",
    "npmrc.value": "write the key once, without [] behind it",
    "registry": "check the registry's URL and its log, then try again",
    "registry.name": "give a name such as @scope/name",
    "registry.version": "give a version such as 1.2.3",
    "registry.unknown": "give one of the labels that stand under registries: in the trust document",
    "registry.conflict": "raise the version in package.json, or run the same command again if these bytes may be live",
    "registry.tarball-missing": "check that the version is there, and that your credential in .npmrc may read it",
    "publish": "mend the option or package.json, then pack, sign and publish again",
    "publish.access": "remove access: restricted from publishConfig, or give the package a scope",
    "publish-config": "mend publishConfig in package.json, then pack and sign again",
    "time": "write it in full, with its offset: 2026-11-21T00:00:00Z",
    "version": "write a version such as 1.2.3",
    "range": "write a range such as ^1.2.3",
    "package": "write it like @scope/name@1.2.3",
    "purl": "write it like pkg:npm/%40scope/name@1.2.3",
    # keys and signatures
    "key": "give another key file; a new pair is made with: vxsec keys generate PREFIX",
    "key.algorithm": "give one of these names",
    "key.unsupported": "make a key that every client verifies: vxsec keys generate PREFIX",
    "signer.unknown": "write the signer as file:PATH or env:NAME",
    "signer.env-missing": "set the variable to the private key's text, or give the key as file:PATH",
    "signer.blob-unsupported": "leave out --blob, or sign with another signer",
    "digest": "do not use this file: whoever signs the trust document took its bytes back",
    "signature": "check that file, bundle and key belong together, or ask the signer for the right bundle",
    "sshsig": "ask the signer to sign again: ssh-keygen -Y sign -n vxsec -f KEY FILE",
    "sshsig.too-large": "check that this is the right file: one this large is never read",
    "ssh-agent": "check the agent that SSH_AUTH_SOCK names: ssh-add -l",
    "statement": "ask the signer to sign again with this version",
    "statement.expires": "give a later time with --expires, or leave it out",
    "bundle": "ask the signer for the bundle again, or sign the file again",
    "bundle.too-large": "give fewer bundles in one file",
    "bundle.too-many": "give fewer bundles in one file",
    "bundle.no-file": "give the file that was signed",
    "tlog": "ask the signer for the bundle again, or sign the file again",
    "certificate": "ask the signer for the bundle again, or sign the file again",
    "sct": "ask the signer for the bundle again, or sign the file again",
    "timestamp": "ask the signer for the bundle again, or sign the file again",
    "timestamp.untrusted": "name the trusted root that lists the timestamp authority which the signer used",
    "tlog.unknown-log": "name the trusted root that lists the log which the signer used",
    "sct.unknown-log": "name the trusted root that lists the certificate transparency log which the signer's instance uses",
    "identity": "expect exactly the subject and the issuer that the certificate states",
    "verify.no-time": "give the time of judgement",
    "der": "make the file again with the program that wrote it",
    "trust-config": "get the client trust config again from whoever runs that Sigstore instance",
    "witness": "try again, or leave out --timestamp and --log-entry",
    "trusted-root": "get the trusted root again from whoever runs that Sigstore instance",
    "trusted-root.no-start": "give every key, log and authority a validFor with a start",
    "envelope": "ask the signer for the envelope again",
    "envelope.too-large": "check that this is the right file: one this large is never read",
    "github-attestations": "get the attestations again: gh attestation download FILE --repo OWNER/REPO",
    "npm-attestations": "get the document from the registry again, or ask whoever runs it",
    "pep740": "get the attestation from the index again, or ask whoever published the file",
    "provenance": "ask the builder for the provenance again, or look at the checks: each says what disagrees",
    "openpgp": "make the signature again: gpg --armor --detach-sign FILE",
    "openpgp.fingerprint": "write it in full; gpg --list-keys --with-colons prints it in the line fpr",
    "openpgp.no-fingerprint": "name the primary key that may sign; gpg --list-keys --with-colons prints it in the line fpr",
    "openpgp.key-version": "make a current key: gpg --quick-generate-key 'NAME <MAIL>' ed25519 sign",
    "openpgp.duplicate-certificate": "export each key once: gpg --armor --export FINGERPRINT",
    "openpgp.ambiguous-key": "give only the public keys of those who may sign, each once",
    "openpgp.key-usage": "sign with a key that its owner made for signing; gpg --list-keys shows it with an S",
    "openpgp.before-key": "set the clock of the machine that signed, and sign again",
    "openpgp.contradiction": "report this with the signature and the public key: two readers saw two signatures",
    "openpgp.status": "check which program is found as gpg: command -v gpg",
    "gnupg": "run gpg by hand and look at what it says",
    "evidence": "look into the evidence package on the registry: what is there was not written by vxsec, or was changed",
    "evidence.attempts": "allow at least one attempt",
    "evidence.empty": "give at least one bundle",
    "evidence.too-many": "move old evidence to another package (evidence: NAME in the trust document)",
    # what programs write
    "archive": "pack it again with npm pack or pnpm pack",
    "archive.path-too-long": "give the file a shorter path",
    "integrity": "write it as the registry states it: sha512-BASE64",
    "json": "make the file again with the program that wrote it; any JSON tool shows the place",
    "json.encoding": "save the file as UTF-8 without a byte order mark",
    "json.too-large": "check that this is the right file: one this large is never read",
    "lockfile": "check that it is the file npm wrote; npm makes it again: npm install --package-lock-only",
    "log": "keep the log as it is, and start another one: --log FILE",
    "packument": "try again; if it stays, look into the registry's log: it does not serve what npm reads",
    "tree": "make the lockfile again: remove the entry named, then npm install --package-lock-only",
    "tree.account": "report this with the lockfile: it is a defect",
    "tree.workspaces": "write fewer and simpler patterns under workspaces in package.json",
    "manifest": "give the tarball of the package that is meant",
    "npm": "install another version, and ask the registry's operator: what it signed is not what lies here",
    "npm.no-keys": "list the registry's key with roles: [registry] in the trust document, or give its keys document",
    "npm.unsigned": "ask the registry's operator to sign it: vxsec registry sign FILE.tgz --signer file:registry.key",
    "npm.unknown-key": "get the registry's new key from its operator, and list it in the trust document",
    "npm-keys": "make it again: vxsec registry keys --key registry.pub",
    # bills of materials, advisories
    "sbom": "make it again: vxsec sbom generate FILE.tgz --lockfile package-lock.json",
    "sbom.xml-unsupported": "give the JSON form: most tools write it with --output-format JSON",
    "osv": "get the data again: vxsec db update",
    "zip": "get the file again: it is not what OSV exports",
    "zip.too-large": "check that this is the right file: one this large is never read",
    "db": "fill it: vxsec db update, or without a connection: vxsec db import npm.zip",
    "audit": "make it again: npm audit --json",
    "wheel": "build it again: python -m build",
    "sdist": "build it again: python -m build --sdist",
    "metadata": "build it again with a current version of its build backend",
    "pip-report": "make it again: pip install --dry-run --report FILE",
    # answers
    "approve.declined": "look at the difference, and run the same command again to approve it",
    "approve.push": "add the package's scope or name under registries: in the trust document",
    "verify.threshold": "give a threshold of at least 1",
    # the network
    "network": "check the registry's URL and the proxy, then try again",
    "network.header": "write the credential again in .npmrc, as the registry gave it",
    "network.redirect": "put the registry's final URL into .npmrc and the trust document",
    "network.tls": "check cafile, certfile and keyfile in .npmrc: each names a readable PEM file",
    "network.url": "write the registry's URL as https://registry.example.test/",
}
"""What to do where the place that raises knows nothing better: by code, else by family."""


def next_step(code: str) -> str | None:
    """The step that generally helps with an error of this code; None where there is none."""
    return _NEXT_STEPS.get(code) or _NEXT_STEPS.get(code.partition(".")[0])


class VxsecError(Exception):
    """Base of every deliberate error.

    Args:
        message: What was expected, what was found.
        code: Stable lower-case word, ``family.reason``.
        where: File, line, member or field the message is about.
        hint: The next command to type, or the next thing to do; what generally helps with ``code`` if not given.
    """

    exit_status: int = 1
    default_code: ClassVar[str] = "internal"

    def __init__(
        self, message: str, *, code: str | None = None, where: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.where = where
        self.hint = next_step(self.code) if hint is None else hint

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


class UsageError(VxsecError):
    """A missing or unreadable file, a bad option, or a combination that makes no sense."""

    exit_status = 2
    default_code = "usage"


class ConfigurationError(UsageError):
    """A policy, trust document, ``.npmrc`` or key file that cannot be used as it is."""

    default_code = "configuration"


class NothingToJudgeError(VxsecError):
    """Arguments were given, but nothing in them that this version can judge."""

    exit_status = 3
    default_code = "nothing-to-judge"


class UndecidedError(VxsecError):
    """The question could not be answered; trying again may help."""

    exit_status = 4
    default_code = "undecided"


class NetworkError(UndecidedError):
    """A registry did not answer as its protocol says, or not in time."""

    default_code = "network"


class LogWriteError(UndecidedError):
    """The decision log could not be written; nothing may pass without its record."""

    default_code = "log.write-failed"


class RefusedError(VxsecError):
    """Bytes from outside that are not what their format allows."""

    exit_status = 10
    default_code = "refused"


class FormatError(RefusedError):
    """One foreign document (JSON, lockfile, packument, bundle) is malformed."""

    default_code = "format.malformed"


class TarballError(RefusedError):
    """A tarball that vxsec does not accept.

    Args:
        reasons: ``(code, message)`` for every reason found, in the order found; never empty.
    """

    default_code = "archive.refused"

    def __init__(
        self, reasons: Sequence[tuple[str, str]], *, where: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__("; ".join(text for _, text in reasons), code=reasons[0][0], where=where, hint=hint)
        self.reasons = tuple(reasons)


class VerificationError(VxsecError):
    """Not verified. Inside ``vxsec.verification`` malformed input is this error too.

    ``checks`` are the steps made before and with it (``vxsec.model.verification.Check``), where the verification keeps them.
    """

    checks: tuple[object, ...] = ()

    exit_status = 10
    default_code = "verification.failed"
