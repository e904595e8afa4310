"""The public test kit: what users' own CI needs to rehearse signing, publishing and verifying without the outside world."""

from vxsec.testing.contract import Registry, Snapshot
from vxsec.testing.registry import LoggedRequest, RegistrySimulator
from vxsec.testing.verdaccio import VerdaccioServer

__all__ = ["LoggedRequest", "Registry", "RegistrySimulator", "Snapshot", "VerdaccioServer"]
