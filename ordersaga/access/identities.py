"""Everybody who may say who they are: with a token of ours, or with one of the issuer."""

from dataclasses import dataclass

from ordersaga.access.oidc.issuer import Issuer
from ordersaga.access.oidc.login import Login
from ordersaga.access.oidc.options import OidcOptions
from ordersaga.access.oidc.verifier import Verifier, looks_signed
from ordersaga.access.tokens import Token, Tokens


@dataclass(frozen=True, slots=True)
class Identities:
    """Looks tokens up.

    Attributes:
        tokens: our own.
        verifier: of the issuer's; None: none of them is taken.
    """

    tokens: Tokens
    verifier: Verifier | None = None

    async def find(self, text: str) -> Token | None:
        """The token of this text; None: there is none.

        Raises:
            StoreUnavailable: the database does not answer.
            IssuerUnavailable: the issuer does not answer, and its keys are needed.
            TokenRefused: the text is a token of the issuer, and it proves nothing.
            NotAdmitted: it is a good one, and names no role of ours.
        """
        if self.verifier is not None and looks_signed(text):
            return await self.verifier.find(text)
        return await self.tokens.find(text)


@dataclass(frozen=True, slots=True)
class Provider:
    """The identity provider of an installation.

    Attributes:
        issuer: its keys and endpoints.
        bearer: takes its tokens at the API; None: the API takes none.
        session: takes its ID tokens at the console; None: nobody logs in with it.
        login: logs people in; None as `session` is.
    """

    issuer: Issuer
    bearer: Verifier | None = None
    session: Verifier | None = None
    login: Login | None = None

    @classmethod
    def of(cls, options: OidcOptions) -> "Provider":
        """The one that the settings name."""
        issuer, client = Issuer(options.issuer), options.client
        bearer = Verifier(options, issuer, options.audience) if options.audience else None
        if client is None:
            return cls(issuer, bearer)
        session = Verifier(options, issuer, client.id, is_client=True)
        return cls(issuer, bearer, session, Login(options, client, issuer, session))
