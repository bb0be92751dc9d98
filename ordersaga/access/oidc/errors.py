"""Why a token of the issuer is not accepted. No text holds anything of a token."""


class TokenRefused(Exception):
    """The token proves nothing: it is malformed, expired, for somebody else, or not signed."""


class NotAdmitted(Exception):
    """The token is good, and whoever has it has no role here.

    Attributes:
        token_id: identifies the subject, without personal data.
    """

    def __init__(self, why: str, token_id: str) -> None:
        super().__init__(why)
        self.token_id = token_id


class IssuerUnavailable(Exception):
    """The issuer does not answer, or what it answers is not usable; the text says which.

    Attributes:
        status: of an answer that is an error; None: there is none.
    """

    def __init__(self, why: str, status: int | None = None) -> None:
        super().__init__(why)
        self.status = status
