"""A server of the Python SDK at which people sign in, with an authorization server of the SDK's own classes.

    python sign_in.py PORT SECONDS

Runs with both majors of the SDK. Access tokens are good for SECONDS, refresh tokens are used once, and everybody is ann.
"""

import secrets
import sys
import time

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    AuthorizationParams,
    OAuthAuthorizationServerProvider,
    RefreshToken,
    TokenError,
    construct_redirect_uri,
)
from mcp.server.auth.settings import AuthSettings, ClientRegistrationOptions, RevocationOptions
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken

try:
    from mcp.server.mcpserver import MCPServer as Server
except ModuleNotFoundError:
    from mcp.server.fastmcp import FastMCP as Server

PORT, SECONDS = int(sys.argv[1]), int(sys.argv[2])
ORIGIN = f"http://127.0.0.1:{PORT}"
SCOPES = ["notes"]


class People(OAuthAuthorizationServerProvider):
    """Keeps everything in memory."""

    def __init__(self) -> None:
        self.clients: dict[str, OAuthClientInformationFull] = {}
        self.codes: dict[str, AuthorizationCode] = {}
        self.refresh: dict[str, RefreshToken] = {}
        self.access: dict[str, AccessToken] = {}

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        return self.clients.get(client_id)

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        self.clients[client_info.client_id] = client_info

    async def authorize(self, client: OAuthClientInformationFull, params: AuthorizationParams) -> str:
        code = secrets.token_urlsafe(32)
        fields = params.model_dump(exclude={"state", "scopes"})
        self.codes[code] = AuthorizationCode(
            **fields, code=code, client_id=client.client_id, scopes=params.scopes or SCOPES, expires_at=time.time() + 60
        )
        return construct_redirect_uri(str(params.redirect_uri), code=code, state=params.state)

    async def load_authorization_code(self, client: OAuthClientInformationFull, authorization_code: str):
        return self.codes.get(authorization_code)

    async def exchange_authorization_code(self, client: OAuthClientInformationFull, authorization_code):
        del self.codes[authorization_code.code]
        return self.issue(client.client_id, authorization_code.scopes, authorization_code.resource)

    async def load_refresh_token(self, client: OAuthClientInformationFull, refresh_token: str):
        return self.refresh.get(refresh_token)

    async def exchange_refresh_token(self, client: OAuthClientInformationFull, refresh_token, scopes: list[str]):
        if self.refresh.pop(refresh_token.token, None) is None:
            raise TokenError("invalid_grant")
        return self.issue(client.client_id, scopes or refresh_token.scopes, f"{ORIGIN}/mcp")

    async def load_access_token(self, token: str) -> AccessToken | None:
        known = self.access.get(token)
        return known if known and known.expires_at > time.time() else None

    async def revoke_token(self, token: AccessToken | RefreshToken) -> None:
        self.access.pop(token.token, None)
        self.refresh.pop(token.token, None)

    def issue(self, client_id: str, scopes: list[str], resource: str | None) -> OAuthToken:
        access, refresh = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        common = {"client_id": client_id, "scopes": scopes}
        self.access[access] = AccessToken(
            token=access, expires_at=int(time.time()) + SECONDS, resource=resource, **common
        )
        self.refresh[refresh] = RefreshToken(token=refresh, **common)
        return OAuthToken(
            access_token=access,
            token_type="Bearer",
            expires_in=SECONDS,
            refresh_token=refresh,
            scope=" ".join(scopes),
        )


settings = AuthSettings(
    issuer_url=ORIGIN,
    resource_server_url=f"{ORIGIN}/mcp",
    required_scopes=SCOPES,
    client_registration_options=ClientRegistrationOptions(enabled=True, valid_scopes=SCOPES, default_scopes=SCOPES),
    revocation_options=RevocationOptions(enabled=True),
)
own = {"host": "127.0.0.1", "port": PORT}
is_fast = Server.__name__ == "FastMCP"
server = Server("notes", auth_server_provider=People(), auth=settings, **(own if is_fast else {}))


@server.tool()
def whoami() -> str:
    """Says who you are."""
    token = get_access_token()
    return f"You are ann, with {' '.join(token.scopes)}."


server.run("streamable-http", **({} if is_fast else own))
