"""Own names come from the own registry, and from nowhere else.

Why: A name that the team uses inside can be registered by anyone outside. Where ``.npmrc`` or the lockfile sends it to
another registry, somebody else's package is installed under the team's name. What is an own name, and where it lives,
stands in the trust document alone.

Fix: Route the scope in ``.npmrc`` (``@scope:registry=URL``), remove the lockfile's entry and run
``npm install --package-lock-only``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.formats.redact import redact_urls
from vxsec.formats.registry_url import is_under
from vxsec.model.decision import Phase
from vxsec.model.trust import OTHER_REGISTRY
from vxsec.policy.rule import EvidenceKind, NoParameters, Outcome, Rule, RuleContext, failed, passed, unknown

if TYPE_CHECKING:
    from vxsec.model.evidence import Route, RoutingEvidence

__all__ = ["RULE"]

_SHOWN = 160


def _check(_: NoParameters, context: RuleContext) -> Outcome:
    routing, subject = context.evidence.routing, context.evidence.subject
    if routing is None or subject.package is None:
        raise TypeError("routes were not collected")
    own = subject.package.name
    if subject.registry != OTHER_REGISTRY and not any(
        route.name == own and route.registry == subject.registry for route in routing.routes
    ):
        return unknown(
            "confusion.no-route",
            f"no route of {own} was found",
            expected=f"where {own} is fetched from",
            found=f"nothing in {routing.source}",
            hint=f"list its scope or name under registries: in {context.trust.source}",
        )
    for route, others in _by_name(routing, own, subject.registry):
        outcomes = [_trouble(candidate, context.phase, routing.source) for candidate in (route, *others)]
        if None not in outcomes:
            return outcomes[0]  # type: ignore[return-value]  # None is not among them
    if routing.incomplete is not None:
        return unknown(
            "confusion.lockfile-not-read",
            "the lockfile that was named could not be read for routes",
            expected="a lockfile of a format that this version reads",
            found=routing.incomplete,
            hint="give a package-lock.json, version 2 or 3, or leave --lockfile out",
        )
    count = len(routing.routes)
    found = f"{count} route{'s' if count > 1 else ''}" if count else "no own names"
    return passed("confusion.none", "own names come from the own registry", found=found)


def _by_name(routing: RoutingEvidence, own: str, registry: str) -> list[tuple[Route, list[Route]]]:
    """Routes that say the same about one name, grouped: a name listed by several registries may come from any of them.

    The subject itself may only come from the registry it is judged for.
    """
    groups: dict[tuple[str, str | None, str | None], list[Route]] = {}
    for route in routing.routes:
        if route.name != own or route.registry == registry:
            groups.setdefault((route.name, route.npmrc_url, route.resolved), []).append(route)
    return [(first, others) for first, *others in groups.values()]


def _trouble(route: Route, phase: Phase, source: str) -> Outcome | None:
    if route.npmrc_url is not None and route.npmrc_url != route.expected_url:
        return _failed(route, "confusion.npmrc", f".npmrc sends {route.name} elsewhere", route.npmrc_url, source)
    if route.resolved is not None and not is_under(route.resolved, route.expected_url):
        return _failed(
            route, "confusion.resolved", f"the lockfile takes {route.name} elsewhere", route.resolved, source
        )
    if phase is Phase.INSTALL and route.resolved is None and route.npmrc_url is None:
        return _failed(
            route, "confusion.unrouted", f"nothing sends {route.name} to its registry", "npm's default registry", source
        )
    return None


def _failed(route: Route, code: str, message: str, found: str, source: str) -> Outcome:
    scope = route.name.partition("/")[0] + ":" if route.name.startswith("@") else ""
    again = f"remove {route.name} from the lockfile, " if code == "confusion.resolved" else ""
    return failed(
        code,
        message,
        expected=route.expected_url,
        found=f"{redact_urls(found)[:_SHOWN]!r} ({source})",
        hint=f"{again}write {scope}registry={route.expected_url} into .npmrc, then npm install --package-lock-only",
    )


RULE = Rule(
    id="deps.confusion",
    summary="Own names come from the own registry, and from nowhere else.",
    phases=frozenset({Phase.PUBLISH, Phase.INSTALL}),
    needs=frozenset({EvidenceKind.ROUTING}),
    parameters=NoParameters,
    check=_check,
)
