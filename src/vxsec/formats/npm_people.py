"""The fields of a manifest that registries show: description, people, keywords, bugs, homepage, files.

Nothing here changes what is installed or run; it is done so that what vxsec publishes reads the same as what npm publishes.
Source: ``@npmcli/package-json`` 7, ``lib/normalize-data.js``.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from vxsec.formats.hosted_git import HostedGit, parse_hosted_git

__all__ = ["normalise_display_fields"]

_NO_README = "ERROR: No README data found!"
_HEADING = re.compile(r"(?:#|\Z)")
_NEED_HOST = frozenset({"http", "https", "ftp", "ws", "wss"})

_Document = dict[str, object]


def normalise_display_fields(data: _Document) -> None:
    """Bring the display fields of ``data`` into npm's form, in place."""
    _description(data)
    if data.get("modules"):
        del data["modules"]
    _strings(data, "files")
    hosted = _hosted(data)
    _bugs(data, hosted)
    keywords = data.get("keywords")
    if isinstance(keywords, str):
        data["keywords"] = re.split(r",\s+", keywords)
    _strings(data, "keywords")
    _homepage(data, hosted)
    if data.get("author"):
        data["author"] = _person(data["author"])
    for field in ("maintainers", "contributors"):
        people = data.get(field)
        if isinstance(people, list):
            data[field] = [_person(person) for person in people]


def _description(data: _Document) -> None:
    description, readme = data.get("description"), data.get("readme")
    if description and not isinstance(description, str):
        del data["description"]
        description = None
    if isinstance(readme, str) and readme and not description and readme != _NO_README:
        data["description"] = _first_paragraph(readme)


def _first_paragraph(text: str) -> str:
    lines = text.strip().split("\n")
    start = 0
    while start < len(lines) and _HEADING.match(lines[start].strip()):
        start += 1
    end = start + 1
    while end < len(lines) and lines[end].strip():
        end += 1
    return " ".join(lines[start:end]).strip()


def _strings(data: _Document, field: str) -> None:
    value = data.get(field)
    if isinstance(value, list):
        data[field] = [item for item in value if isinstance(item, str) and item]
    elif value:
        del data[field]


def _hosted(data: _Document) -> HostedGit | None:
    repository = data.get("repository")
    url = repository.get("url") if isinstance(repository, dict) else None
    return parse_hosted_git(url) if isinstance(url, str) else None


def _bugs(data: _Document, hosted: HostedGit | None) -> None:
    bugs = data.get("bugs")
    if not bugs:
        if hosted and hosted.bugs:
            data["bugs"] = {"url": hosted.bugs}
        return
    if isinstance(bugs, str):
        if _is_mail(bugs):
            data["bugs"] = {"email": bugs}
        elif _is_url(bugs):
            data["bugs"] = {"url": bugs}
        else:
            del data["bugs"]
        return
    kept: _Document = {}
    if isinstance(bugs, dict):
        url = bugs.get("name") or bugs.get("web") or bugs.get("url")
        mail = bugs.get("email")
        if isinstance(url, str) and _is_url(url):
            kept["url"] = url
        if isinstance(mail, str) and _is_mail(mail):
            kept["email"] = mail
    if kept:
        data["bugs"] = kept
    else:
        del data["bugs"]


def _homepage(data: _Document, hosted: HostedGit | None) -> None:
    if not data.get("homepage") and hosted:
        data["homepage"] = hosted.docs
    homepage = data.get("homepage")
    if homepage and not isinstance(homepage, str):
        del data["homepage"]
    elif isinstance(homepage, str) and homepage and not _is_url(homepage):
        data["homepage"] = f"http://{homepage}"


def _person(person: object) -> object:
    if isinstance(person, dict):
        url, mail = person.get("url") or person.get("web"), person.get("email") or person.get("mail")
        person = f"{person.get('name') or ''}{f' <{mail}>' if mail else ''}{f' ({url})' if url else ''}"
    if not isinstance(person, str):
        return person
    parsed: _Document = {}
    name = re.match(r"[^(<]+", person)
    mail_found, url_found = re.search(r"<([^<>]+)>", person), re.search(r"\(([^()]+)\)", person)
    if name and name[0].strip():
        parsed["name"] = name[0].strip()
    if mail_found:
        parsed["email"] = mail_found[1]
    if url_found:
        parsed["url"] = url_found[1]
    return parsed


def _is_mail(text: str) -> bool:
    return "@" in text and text.index("@") < text.rfind(".")


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text.strip())
    except ValueError:
        return False
    return bool(parts.scheme) and (parts.scheme not in _NEED_HOST or bool(parts.netloc or parts.path.strip("/")))
