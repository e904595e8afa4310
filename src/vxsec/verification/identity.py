"""Whether a certificate was issued to whom we expect, exactly; and why not, in sentences.

Subject and issuer are compared character by character: no patterns, no case folding, no normalisation. What is close is never
good enough; it is explained, so that the person corrects the one character that differs.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from vxsec.errors import VerificationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vxsec.model.verification import CertificateIdentity
    from vxsec.model.verified import VerifiedSignature

__all__ = ["explain_identity", "require_identity"]

_SHOWN = 200
_PATTERN = ("^", "$", ".*", ".+", "\\", "[", "]", "(", ")", "|", "*", "?")
_HEADS, _TAGS, _PULL = "refs/heads/", "refs/tags/", "refs/pull/"
_WORKFLOWS = "/.github/workflows/"
# Letters of other scripts that are drawn like Latin ones, as far as names and addresses of people and hosts use them.
_LOOK_ALIKES = str.maketrans(
    "\u0430\u0441\u0435\u0456\u0458\u043e\u0440\u0455\u0445\u0443\u0501\u04bb\u0475\u051b\u051d\u03bf\u03bd\u03b9\u03c1\u0261\u0131\u2010\u2011\u2012\u2013\u2212\u2044\u2215",
    "aceijopsxydhvqwovipgi-----//",
)
_ISSUERS = {
    "https://token.actions.githubusercontent.com": "workflows on GitHub Actions",
    "https://github.com/login/oauth": "people signing in with GitHub",
    "https://gitlab.com": "pipelines on gitlab.com",
    "https://accounts.google.com": "people signing in with Google, and Google Cloud's service accounts",
    "https://login.microsoftonline.com": "people signing in with Microsoft",
    "https://oauth2.sigstore.dev/auth": "people signing in through Sigstore's own service",
}


def require_identity(signature: VerifiedSignature, *, subject: str, issuer: str) -> None:
    """The signature was made with a certificate of exactly this subject, vouched for by exactly this issuer.

    Args:
        signature: Verified.
        subject: An e-mail address, a URI or a user name.
        issuer: The URL of the identity provider.

    Raises:
        VerificationError: ``identity.no-certificate`` (signed with a key), ``identity.subject-mismatch`` or
            ``identity.issuer-mismatch``.
    """
    found = signature.identity
    if found is None:
        raise VerificationError(
            f"expected a certificate of {subject[:_SHOWN]!r}, found a signature with a key",
            code="identity.no-certificate",
            hint="verify it with the key: --key FILE.pub",
        )
    if found.subject != subject:
        raise _mismatch(subject, found.subject, found, (subject, issuer), code="identity.subject-mismatch")
    if found.issuer != issuer:
        raise _mismatch(issuer, found.issuer, found, (subject, issuer), code="identity.issuer-mismatch")


def explain_identity(identity: CertificateIdentity, *, subject: str, issuer: str) -> tuple[str, ...]:
    """Why the certificate's identity is not the one expected, a sentence each, the likeliest reason first.

    Empty where both match exactly. The values in it came from outside: escape it before it is shown.

    Args:
        identity: From a verified certificate.
        subject: As expected.
        issuer: As expected.
    """
    return (*_explain("subject", subject, identity.subject), *_explain("issuer", issuer, identity.issuer))


def _mismatch(
    expected: str, found: str, identity: CertificateIdentity, wanted: tuple[str, str], *, code: str
) -> VerificationError:
    reasons = explain_identity(identity, subject=wanted[0], issuer=wanted[1])
    return VerificationError(
        f"expected identity {expected[:_SHOWN]!r}, found {found[:_SHOWN]!r}", code=code, hint=reasons[0]
    )


def _explain(what: str, expected: str, found: str) -> Iterator[str]:
    if expected == found:
        return
    reasons = [*_characters(what, expected, found), *_spelling(what, expected, found)]
    if not reasons:
        reasons = [*(_subject(expected, found) if what == "subject" else _issuer(expected, found))]
    reasons += _pattern(what, expected, found)
    yield from reasons or [
        f"the {what} is another one: expected {expected[:_SHOWN]!r}, the certificate says {found[:_SHOWN]!r}"
    ]


def _characters(what: str, expected: str, found: str) -> Iterator[str]:
    """Characters that nobody sees, or that look like others."""
    for whose, text in (("expected", expected), ("certificate's", found)):
        odd = [character for character in dict.fromkeys(text) if not character.isascii() or not character.isprintable()]
        if odd and _plain(expected) == _plain(found):
            names = ", ".join(f"U+{ord(item):04X} {unicodedata.name(item, 'control character')}" for item in odd[:3])
            yield f"the {whose} {what} holds characters that look like others or like nothing: {names}"


def _plain(text: str) -> str:
    shown = (item for item in unicodedata.normalize("NFKC", text) if unicodedata.category(item) not in {"Cf", "Cc"})
    return "".join(shown).translate(_LOOK_ALIKES).strip()


def _spelling(what: str, expected: str, found: str) -> Iterator[str]:
    """The same but for blanks, the last slash, the scheme, or upper and lower case."""
    if expected.strip() == found.strip():
        yield f"the {what}s differ in blanks around them"
    elif expected.rstrip("/") == found.rstrip("/"):
        longer = "expected" if len(expected) > len(found) else "certificate's"
        yield f"the {longer} {what} ends with a slash and the other does not"
    elif expected.partition("://")[2] == found or _without_scheme(expected) == _without_scheme(found):
        yield f"the {what}s differ in what comes before '://': the certificate says {found[:_SHOWN]!r}"
    elif expected.casefold() == found.casefold():
        yield f"the {what}s differ in upper and lower case: the certificate says {found[:_SHOWN]!r}"


def _without_scheme(text: str) -> str:
    return text.partition("://")[2] or text


def _subject(expected: str, found: str) -> Iterator[str]:
    if ("@" in expected and "://" not in expected) and "://" in found:
        yield f"an e-mail address was expected, and a workflow or service signed: {found[:_SHOWN]!r}"
    elif "://" in expected and "@" in found and "://" not in found:
        yield f"a URI was expected, and the holder of an e-mail address signed: {found[:_SHOWN]!r}"
    elif _WORKFLOWS in expected + found:
        yield from _workflow(expected, found)


def _workflow(expected: str, found: str) -> Iterator[str]:
    """GitHub's ``https://github.com/OWNER/REPOSITORY/.github/workflows/FILE@REF``."""
    (ours, _, our_ref), (theirs, _, their_ref) = expected.partition("@"), found.partition("@")
    (our_repository, _, our_file), (their_repository, _, their_file) = (
        ours.partition(_WORKFLOWS),
        theirs.partition(_WORKFLOWS),
    )
    if our_repository != their_repository:
        yield f"the repository is another one: expected {our_repository[:_SHOWN]!r}, found {their_repository[:_SHOWN]!r}"
    elif not our_file:
        yield f"the expected subject names no workflow file; the certificate's is {found[:_SHOWN]!r}"
    elif our_file != their_file:
        yield f"the workflow file is another one: expected {our_file[:_SHOWN]!r}, found {their_file[:_SHOWN]!r}"
    if our_ref != their_ref and our_repository == their_repository:
        yield _ref(our_ref, their_ref)


def _ref(ours: str, theirs: str) -> str:
    kinds = {_HEADS: "a branch", _TAGS: "a tag", _PULL: "a pull request"}
    our_kind, their_kind = (
        next((kind for prefix, kind in kinds.items() if ref.startswith(prefix)), "") for ref in (ours, theirs)
    )
    if not ours:
        return f"the expected subject has no ref; write @{theirs[:_SHOWN]} behind the workflow file"
    if not our_kind and their_kind:
        return f"the expected ref is short: write {theirs[:_SHOWN]!r} in place of {ours[:_SHOWN]!r}, if that is meant"
    if our_kind and their_kind and our_kind != their_kind:
        return f"{our_kind} was expected, and the workflow ran for {their_kind}: {theirs[:_SHOWN]!r}"
    return f"the ref is another one: expected {ours[:_SHOWN]!r}, found {theirs[:_SHOWN]!r}"


def _issuer(expected: str, found: str) -> Iterator[str]:
    known = _ISSUERS.get(found.rstrip("/"))
    if known is not None:
        yield f"the issuer is another one: {found[:_SHOWN]!r} vouches for {known}; expected {expected[:_SHOWN]!r}"


def _pattern(what: str, expected: str, found: str) -> Iterator[str]:
    signs = [sign for sign in _PATTERN if sign in expected and sign not in found]
    if signs:
        yield f"the expected {what} looks like a pattern ({' '.join(signs[:4])}): identities are compared exactly"
