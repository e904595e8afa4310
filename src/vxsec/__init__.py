"""vxsec proves what a team publishes and checks what it installs.

This is the facade for release tooling. Each name is loaded when it is first used, so that importing vxsec costs next to
nothing::

    import vxsec

    vxsec.generate_key("ci", password=b"secret")
    vxsec.sign(["kernel-1.0.0.tgz"], signers=["file:ci.key"], registry="https://registry.example.test/", password=b"secret")
    report = vxsec.verify(["kernel-1.0.0.tgz"], keys=["ci.pub"])
    assert report.exit_status == 0

Everything raises :class:`VxsecError` and its kinds (``vxsec.errors``), and nothing else on purpose.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vxsec._version import __version__

if TYPE_CHECKING:
    from vxsec.errors import VxsecError
    from vxsec.usecases.approve import approve
    from vxsec.usecases.database.maintain import database_states, import_database, update_database
    from vxsec.usecases.gate import gate
    from vxsec.usecases.init import init
    from vxsec.usecases.inputs import open_artifact
    from vxsec.usecases.inspect import inspect
    from vxsec.usecases.keys import generate_key, show_key
    from vxsec.usecases.publish import publish
    from vxsec.usecases.sbom.attest import attest_sbom, extract_sbom
    from vxsec.usecases.sbom.build import build_sbom
    from vxsec.usecases.sbom.compare import check_sbom, verify_sbom
    from vxsec.usecases.scan.scan import scan
    from vxsec.usecases.sign import attest, sign
    from vxsec.usecases.verify_file import verify
    from vxsec.usecases.verify_install import verify_lockfile
    from vxsec.usecases.verify_npm import verify_packument

__all__ = [
    "VxsecError",
    "__version__",
    "approve",
    "attest",
    "attest_sbom",
    "build_sbom",
    "check_sbom",
    "database_states",
    "extract_sbom",
    "gate",
    "generate_key",
    "import_database",
    "init",
    "inspect",
    "open_artifact",
    "publish",
    "scan",
    "show_key",
    "sign",
    "update_database",
    "verify",
    "verify_lockfile",
    "verify_packument",
    "verify_sbom",
]

_HOMES = {
    "VxsecError": "vxsec.errors",
    "approve": "vxsec.usecases.approve",
    "attest": "vxsec.usecases.sign",
    "attest_sbom": "vxsec.usecases.sbom.attest",
    "build_sbom": "vxsec.usecases.sbom.build",
    "check_sbom": "vxsec.usecases.sbom.compare",
    "database_states": "vxsec.usecases.database.maintain",
    "extract_sbom": "vxsec.usecases.sbom.attest",
    "gate": "vxsec.usecases.gate",
    "generate_key": "vxsec.usecases.keys",
    "import_database": "vxsec.usecases.database.maintain",
    "init": "vxsec.usecases.init",
    "inspect": "vxsec.usecases.inspect",
    "open_artifact": "vxsec.usecases.inputs",
    "publish": "vxsec.usecases.publish",
    "scan": "vxsec.usecases.scan.scan",
    "show_key": "vxsec.usecases.keys",
    "sign": "vxsec.usecases.sign",
    "update_database": "vxsec.usecases.database.maintain",
    "verify": "vxsec.usecases.verify_file",
    "verify_lockfile": "vxsec.usecases.verify_install",
    "verify_packument": "vxsec.usecases.verify_npm",
    "verify_sbom": "vxsec.usecases.sbom.compare",
}


def __getattr__(name: str) -> object:
    """Load a facade name on first use (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)
