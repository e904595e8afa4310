"""vxsec proves what a team publishes and checks what it installs."""

from vxsec._version import __version__

__all__ = ["__version__"]
