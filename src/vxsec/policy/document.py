"""A policy file, from bytes to typed values. Everything it may say is listed here; anything else is a load error.

What a later version will understand (``extends``, waivers, ``expr`` …) is refused by name: a key that is ignored would be
a rule that is not enforced.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from vxsec.errors import ConfigurationError, FormatError
from vxsec.formats.document_node import nearest
from vxsec.formats.strict_yaml import read_document
from vxsec.formats.timestamps import parse_time
from vxsec.model.decision import Mode, Phase, PolicyRef
from vxsec.model.trust import Role
from vxsec.policy.language import (
    API_VERSION,
    ECOSYSTEMS,
    KIND,
    LATER_KEYS,
    LATER_KINDS,
    LATER_RULES,
    Match,
    Policy,
    Requirements,
    RuleUse,
    Scope,
)
from vxsec.policy.parameters import build_parameters
from vxsec.policy.rules import BUILTIN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from vxsec.formats.document_node import DocumentNode
    from vxsec.policy.rule import Rule

__all__ = [
    "API_VERSION",
    "LATER_RULES",
    "Match",
    "Policy",
    "Requirements",
    "RuleUse",
    "Scope",
    "parse_policy",
]

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")
_GLOB = re.compile(r"[A-Za-z0-9@/~_.!'()*-]{1,214}\Z")
_SHOWN = 80


@dataclass(slots=True)
class _Problems:
    """Collects problems, so that one run tells all of them."""

    found: list[ConfigurationError] = field(default_factory=list)

    @contextmanager
    def catching(self) -> Iterator[None]:
        try:
            yield
        except ConfigurationError as error:
            self.found.append(error)

    def add(self, message: str, *, code: str, where: str, hint: str | None = None) -> None:
        self.found.append(ConfigurationError(message, code=code, where=where, hint=hint))

    def raise_if_any(self) -> None:
        if len(self.found) == 1:
            raise self.found[0]
        if self.found:
            first = self.found[0]
            listed = "; ".join(str(problem) for problem in self.found)
            raise ConfigurationError(
                f"{len(self.found)} problems: {listed}", code=first.code, hint=first.hint
            ) from first


def parse_policy(data: bytes, *, source: str, rules: Sequence[Rule[Any]] = BUILTIN) -> Policy:
    """Read a policy.

    Guarantees: every key was understood; there is at least one scope, and every scope has at least one phase and one
    rule that applies in one of them; parameters are typed and within their bounds.

    Args:
        data: The file's bytes; their SHA-256 stands in every decision.
        source: What the file is called: its ending decides between YAML, JSON and TOML.
        rules: The rules it may use.

    Raises:
        ConfigurationError: ``document.*`` for a file that is not a readable document; else everything wrong with it
            in one message, under the code of the first: ``policy.unsupported``, ``policy.unknown-key``,
            ``policy.unknown-rule``, ``policy.unknown-parameter``, ``policy.missing``, ``policy.empty``,
            ``policy.value``, ``policy.duration``, ``policy.duplicate-id``, ``policy.phase``,
            ``policy.ecosystem``, ``document.type``.
    """
    return _Loader({rule.id: rule for rule in rules}).policy(read_document(data, filename=source), data, source)


class _Loader:
    def __init__(self, rules: dict[str, Rule[Any]]) -> None:
        self._rules = rules
        self._problems = _Problems()
        self._places: dict[str, str] = {}

    def policy(self, root: DocumentNode, data: bytes, source: str) -> Policy:
        problems = self._problems
        with problems.catching():
            self._version(root)
        problems.raise_if_any()  # another language: nothing else is worth saying
        self._known(root, "apiVersion", "kind", "metadata", "mode", "requires", "scopes")
        name, version, owner, expires = "", 0, None, None
        with problems.catching():
            name, version, owner, expires = self._metadata(root["metadata"])
        mode = self._mode(root.get("mode")) or Mode.ENFORCE
        requires = Requirements()
        with problems.catching():
            requires = self._requires(root.get("requires"))
        scopes: tuple[Scope, ...] = ()
        with problems.catching():
            scopes = tuple(self._scopes(root["scopes"], mode))
        problems.raise_if_any()
        ref = PolicyRef(name=name, version=version, source=source, sha256=hashlib.sha256(data).hexdigest())
        return Policy(
            ref=ref,
            mode=mode,
            requires=requires,
            scopes=scopes,
            owner=owner,
            expires=expires,
            places=MappingProxyType(self._places),
        )

    def _version(self, root: DocumentNode) -> None:
        api, kind = root["apiVersion"], root["kind"]
        if api.string() != API_VERSION:
            code = "policy.unsupported" if api.string().startswith("vxsec/policy/") else "policy.value"
            raise ConfigurationError(
                f"expected apiVersion {API_VERSION}, found {api.string()[:_SHOWN]!r}",
                code=code,
                where=api.where,
                hint=f"write apiVersion: {API_VERSION}, the one language that this version reads",
            )
        if kind.string() in LATER_KINDS:
            raise _unsupported(f"kind: {kind.string()}", kind.where, f"give a file of kind: {KIND}")
        if kind.string() != KIND:
            raise ConfigurationError(
                f"expected kind {KIND}, found {kind.string()[:_SHOWN]!r}",
                code="policy.value",
                where=kind.where,
                hint=f"give a file of kind: {KIND}",
            )

    def _metadata(self, node: DocumentNode) -> tuple[str, int, str | None, datetime | None]:
        self._known(node, "name", "version", "owner", "expires")
        name = self._identifier(node["name"])
        version = node["version"].integer()
        if version < 1:
            raise ConfigurationError(
                f"expected a version of at least 1, found {version}", code="policy.value", where=node["version"].where
            )
        owner, expires = node.get("owner"), node.get("expires")
        moment = None
        if expires is not None:
            try:
                moment = parse_time(expires.string(), where=expires.where)
            except FormatError as error:
                raise ConfigurationError(
                    error.message, code="policy.value", where=expires.where, hint=error.hint
                ) from error
        return name, version, owner.string() if owner is not None else None, moment

    def _requires(self, node: DocumentNode | None) -> Requirements:
        if node is None:
            return Requirements()
        self._known(node, "roles", "registries", "trust")
        roles, registries, trust = node.get("roles"), node.get("registries"), node.get("trust")
        if trust is not None:
            self._places["trust"] = trust.where
        return Requirements(
            roles=tuple(Role(self._noted("role", item, self._choice(item, Role))) for item in self._list(roles)),
            registries=tuple(self._label(item) for item in self._list(registries)),
            signed_trust=trust is not None and self._choice(trust, ("any", "signed")) == "signed",
        )

    def _scopes(self, node: DocumentNode, mode: Mode) -> Iterator[Scope]:
        ids: set[str] = set()
        for item in self._list(node):
            with self._problems.catching():
                scope = self._scope(item, mode)
                self._new(scope.id, ids, item["id"])
                yield scope

    def _scope(self, node: DocumentNode, mode: Mode) -> Scope:
        self._known(node, "id", "match", "phases", "mode", "rules")
        own = self._mode(node.get("mode"))
        phases: frozenset[Phase] = frozenset()
        with self._problems.catching():
            phases = frozenset(Phase(self._choice(item, Phase)) for item in self._list(node["phases"]))
        match = Match()
        with self._problems.catching():
            match = self._match(node["match"])
        uses: list[RuleUse] = []
        ids: set[str] = set()
        for item in self._list(node["rules"]):
            with self._problems.catching():
                use = self._use(item, phases, match, own, mode)
                self._new(use.id, ids, item["id"])
                uses.append(use)
        return Scope(id=self._identifier(node["id"]), match=match, phases=phases, rules=tuple(uses))

    def _match(self, node: DocumentNode) -> Match:
        self._known(node, "ecosystem", "name", "registry")
        if not dict(node.members()):
            raise ConfigurationError(
                "expected what the scope is about, found nothing",
                code="policy.empty",
                where=node.where,
                hint="write match: {ecosystem: npm} for every package",
            )
        ecosystems = tuple(self._choice(item, ECOSYSTEMS) for item in self._one_or_list(node.get("ecosystem")))
        names = self._one_or_list(node.get("name"))
        for item in names:
            if not _GLOB.match(item.string()):
                raise ConfigurationError(
                    f"expected a package name, '*' standing for any text, found {item.string()[:_SHOWN]!r}",
                    code="policy.value",
                    where=item.where,
                )
        return Match(
            ecosystems=ecosystems,
            names=tuple(item.string() for item in names),
            registries=tuple(self._label(item) for item in self._one_or_list(node.get("registry"))),
        )

    def _use(
        self, node: DocumentNode, phases: frozenset[Phase], match: Match, scope_mode: Mode | None, mode: Mode
    ) -> RuleUse:
        self._known(node, "id", "use", "with", "mode")
        use = node["use"]
        rule = self._rules.get(use.string())
        if rule is None:
            raise self._no_rule(use)
        if phases and not phases & rule.phases:
            raise ConfigurationError(
                f"{rule.id} has nothing to say in {_words(phases)}; it judges {_words(rule.phases)}",
                code="policy.phase",
                where=use.where,
                hint=f"remove {rule.id} from this scope, or add one of its phases to the scope's phases:",
            )
        if match.ecosystems and rule.ecosystems.isdisjoint(match.ecosystems):
            raise ConfigurationError(
                f"{rule.id} cannot judge packages of {', '.join(match.ecosystems)}; "
                f"it judges {', '.join(sorted(rule.ecosystems))}",
                code="policy.ecosystem",
                where=use.where,
                hint=f"remove {rule.id} from this scope",
            )
        own = self._mode(node.get("mode")) or scope_mode
        return RuleUse(
            id=self._identifier(node["id"]),
            rule=rule,
            parameters=build_parameters(rule.parameters, node.get("with"), where=node.where),
            mode=own or mode,
            own_mode=own,
        )

    def _no_rule(self, use: DocumentNode) -> ConfigurationError:
        known = ", ".join(sorted(self._rules))
        if use.string() in LATER_RULES:
            return _unsupported(f"use: {use.string()}", use.where, f"remove this rule; known: {known}")
        return ConfigurationError(
            f"unknown rule {use.string()[:_SHOWN]!r}{nearest(use.string(), self._rules)}; known: {known}",
            code="policy.unknown-rule",
            where=use.where,
        )

    def _mode(self, node: DocumentNode | None) -> Mode | None:
        with self._problems.catching():
            if node is not None:
                if node.string() == "audit":
                    raise _unsupported(
                        "mode: audit", node.where, "write mode: warn, which reports and never closes the gate"
                    )
                return Mode(self._choice(node, Mode))
        return None

    def _known(self, node: DocumentNode, *keys: str) -> None:
        """Notes every member that is not understood, and every one that is there and says nothing."""
        for key, value in node.members():
            if key in LATER_KEYS:
                self._problems.found.append(_unsupported(f"{key}:", value.where, f"remove {key}: and what is below it"))
            elif key not in keys:
                self._problems.add(
                    f"unknown key {key[:_SHOWN]!r}{nearest(key, keys)}; known: {', '.join(keys)}",
                    code="policy.unknown-key",
                    where=value.where,
                )
            elif value.value is None:
                self._problems.add(f"expected a value for {key!r}, found none", code="policy.empty", where=value.where)

    def _list(self, node: DocumentNode | None) -> tuple[DocumentNode, ...]:
        """The elements; a list that is there and empty is an error, never "all passed"."""
        if node is None:
            return ()
        items = tuple(node.items())
        if not items:
            raise ConfigurationError("expected at least one element, found none", code="policy.empty", where=node.where)
        return items

    def _one_or_list(self, node: DocumentNode | None) -> tuple[DocumentNode, ...]:
        return (node,) if node is not None and isinstance(node.value, str) else self._list(node)

    def _identifier(self, node: DocumentNode) -> str:
        text = node.string()
        if not _ID.match(text):
            raise ConfigurationError(
                f"expected letters, digits, '.', '_' and '-', at most 100, found {text[:_SHOWN]!r}",
                code="policy.value",
                where=node.where,
            )
        return text

    def _label(self, node: DocumentNode) -> str:
        return self._noted("registry", node, self._identifier(node))

    def _noted(self, kind: str, node: DocumentNode, word: str) -> str:
        """``word``, once its place is noted for ``policy.requirements``."""
        self._places.setdefault(f"{kind} {word}", node.where)
        return word

    def _choice(self, node: DocumentNode, words: Iterable[str]) -> str:
        text, known = node.string(), [str(word) for word in words]
        if text not in known:
            raise ConfigurationError(
                f"expected one of {', '.join(known)}, found {text[:_SHOWN]!r}{nearest(text, known)}",
                code="policy.value",
                where=node.where,
            )
        return text

    def _new(self, identifier: str, ids: set[str], node: DocumentNode) -> None:
        if identifier in ids:
            self._problems.add(f"duplicate id {identifier!r}", code="policy.duplicate-id", where=node.where)
        ids.add(identifier)


def _unsupported(what: str, where: str, hint: str) -> ConfigurationError:
    return ConfigurationError(
        f"{what} is not supported by this version", code="policy.unsupported", where=where, hint=hint
    )


def _words(phases: frozenset[Phase]) -> str:
    return ", ".join(phase for phase in Phase if phase in phases)
