"""The public test kit: what users' own CI needs to rehearse signing, publishing and verifying without the outside world."""

from vxsec.testing.registry import LoggedRequest, RegistrySimulator

__all__ = ["LoggedRequest", "RegistrySimulator"]
