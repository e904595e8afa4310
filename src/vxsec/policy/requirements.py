"""What a policy asks of the trust root it is evaluated with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec.errors import ConfigurationError
from vxsec.formats.document_node import nearest
from vxsec.model.trust import OTHER_REGISTRY

if TYPE_CHECKING:
    from vxsec.model.trust import TrustRoot
    from vxsec.policy.language import Policy

__all__ = ["check_requirements"]


def check_requirements(policy: Policy, trust: TrustRoot) -> None:
    """Refuse a policy whose words the trust root does not know: its rules would never match or never pass.

    Raises:
        ConfigurationError: ``policy.requires``: a missing role or registry label, or an unsigned trust document where
            ``trust: signed`` is asked for; the message names what to add.
    """
    for role in policy.requires.roles:
        if role not in trust.roles():
            raise _unmet(
                policy,
                f"role {role}",
                f"a key or identity with the role {role}",
                f"add a key with roles: [{role}] to {trust.source}",
            )
    labels = {label for scope in policy.scopes for label in scope.match.registries} - {OTHER_REGISTRY}
    for label in sorted(labels.union(policy.requires.registries)):
        if trust.registry(label) is None:
            known = [registry.label for registry in trust.registries]
            raise _unmet(
                policy,
                f"registry {label}",
                f"a registry labelled {label!r}{nearest(label, known)}; {trust.source} has {', '.join(known) or 'none'}",
                f"correct the label, or add a registry labelled {label} under registries: in {trust.source}",
            )
    if policy.requires.signed_trust and not trust.signed:
        raise _unmet(
            policy,
            "trust",
            f"a signed trust root, and {trust.source} is the unsigned file form",
            "make a trust repository of it: vxsec trust init DIR --identities FILE --root-key KEY, then --trust DIR",
        )


def _unmet(policy: Policy, word: str, what: str, hint: str) -> ConfigurationError:
    return ConfigurationError(
        f"the policy {policy.ref.name!r} needs {what}",
        code="policy.requires",
        where=policy.places.get(word, policy.ref.source),
        hint=hint,
    )
