"""A Sigstore instance on loopback, to rehearse keyless signing where no internet and no real identity is to be had.

The unmodified ``sigstore`` client signs against it, and other Sigstore clients verify what it signed::

    from sigstore.models import ClientTrustConfig
    from sigstore.oidc import IdentityToken
    from sigstore.sign import SigningContext
    from vxsec.testing.sigstore import SigstoreInstance

    with SigstoreInstance() as instance:
        config = ClientTrustConfig.from_json(instance.client_trust_config().decode())
        token = IdentityToken(instance.issuer.token(subject="ci@example.test"))
        with SigningContext.from_trust_config(config).signer(token) as signer:
            bundle = signer.sign_artifact(b"a file")

``instance.issuer.workflow_token()`` is a token as GitHub Actions gives it, ``workflow_environment()`` what makes clients ask
for one. For bundles without HTTP, and for broken ones, see :mod:`vxsec.testing.sigstore.mint`.
"""

from vxsec.testing.sigstore.instance import SigstoreInstance
from vxsec.testing.sigstore.issuer import OidcIssuer

__all__ = ["OidcIssuer", "SigstoreInstance"]
