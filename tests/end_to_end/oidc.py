"""Tokens of a real OpenID provider: which are accepted, their rights, and refusals."""

import asyncio
import hashlib
import hmac
import json
import sys
import time
import urllib.request
from pathlib import Path

import suite
from checks import Checks
from provider import Provider, encoded, with_claims, with_header
from server import Toolvault, free_port

FOLDER = Path(sys.argv[1] if len(sys.argv) > 1 else "")
ACCEPTED = ("RS256", "ES256", "EdDSA")
RECOVERED_WITHIN = 10.0
NEW = {"secret_name": "by-token", "secret_value": "a-value-by-token", "tool_name": "oidc__*", "tool_arg": "token"}


def table(name: str, ready: dict, **more: object) -> str:
    """One issuer in the configuration."""
    settings = {
        "issuer": ready["issuer"],
        "audience": ready["audience"],
        "jwks_url": ready["jwks_url"],
        "allow_private_network": True,
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in (settings | more).items()]
    return "\n".join([f"[auth.issuers.{name}]", *lines, ""])


class Asker:
    """Sends a request with a token."""

    def __init__(self, server: Toolvault) -> None:
        self.server = server

    async def ask(self, token: str, method: str = "GET", path: str = "/v1/me", body=None, header: str = "token"):
        client = self.server.client()
        value = f"Bearer {token}" if header == "authorization" else token
        try:
            return await client.request(method, path, body, {header: value})
        finally:
            client.close()


async def accepted(checks: Checks, asker: Asker, provider: Provider) -> None:
    users = set()
    for algorithm in ACCEPTED:
        token = provider.token(algorithm, "manage audit use")
        for header in ("token", "authorization"):
            answer = await asker.ask(token, header=header)
            checks.that(f"a token signed by {algorithm} in '{header}' is accepted", answer.status == 200, answer)
            me = answer.json()
            users.add(me.get("user_id"))
            scopes = sorted(me.get("scopes", []))
            checks.that("its rights are its scope within the issuer's", scopes == ["audit", "manage"], scopes)
    checks.that("each of them is the same user", len(users) == 1 and None not in users, users)


async def rights(checks: Checks, asker: Asker, provider: Provider) -> None:
    manage = provider.token("ES256", "manage")
    made = await asker.ask(manage, "POST", "/v1/secrets/", NEW)
    checks.that("the scope manage creates a secret", made.status == 200, made)
    identifier = made.json().get("secret_id")
    listed = (await asker.ask(manage, path="/v1/secrets/", header="authorization")).json()["data"]
    checks.that("and it is in the list", [one["secret_id"] for one in listed] == [identifier], listed)
    resolving = {"tool_name": "oidc__x", "args": {}, "bindings": {"token": f"secret:///id/{identifier}"}}
    resolved = await asker.ask(manage, "POST", "/v1/resolve", resolving)
    checks.that("it does not resolve", resolved.status == 403 and b"a-value" not in resolved.body, resolved)
    audit = provider.token("EdDSA", "audit")
    refused = await asker.ask(audit, "POST", "/v1/secrets/", NEW)
    checks.that("the scope audit creates none", refused.status == 403, refused)
    trail = (await asker.ask(audit, path="/v1/audit?action=secret.created")).json()["data"]
    actor = f"jwt:{provider.ready['issuer']} {provider.ready['client_id']}"
    checks.that("the trail names issuer and subject", [one["actor"] for one in trail] == [actor], trail)
    beyond = await asker.ask(provider.token("RS256", "use"))
    checks.that("a scope beyond the issuer's grants nothing", beyond.json().get("scopes") == [], beyond)


def forgeries(provider: Provider, stranger: Provider) -> dict[str, str]:
    """Tokens that must be refused, by their flaw."""
    token = provider.token("RS256", "manage")
    header, claims, signature = token.split(".")
    with urllib.request.urlopen(provider.ready["jwks_url"], timeout=30) as answer:
        modulus = json.load(answer)["keys"][0]["n"].encode()
    shared = with_header(token, alg="HS256").rsplit(".", 1)[0]
    tampered = ("B" if signature[0] == "A" else "A") + signature[1:]
    return {name: provider.token(name, "manage") for name in provider.ready["flaws"]} | {
        "another key's signature": f"{header}.{claims}.{stranger.token().split('.')[2]}",
        "tampered signature": f"{header}.{claims}.{tampered}",
        "cut signature": f"{header}.{claims}.{signature[:-8]}",
        "no signature": f"{header}.{claims}.",
        "alg none": with_header(token, alg="none").rsplit(".", 1)[0] + ".",
        "the public key as a shared secret": f"{shared}.{encoded(hmac.digest(modulus, shared.encode(), hashlib.sha256))}",
        "widened scope": with_claims(token, scope="manage audit use"),
        "another subject": with_claims(token, sub="somebody-else"),
        "unknown key id": with_header(token, kid="nobody"),
        "algorithm of another key": with_header(token, alg="ES256"),
        "an algorithm that is not configured": provider.token("PS256", "manage"),
        "critical header": with_header(token, crit=["x"], x=1),
        "an issuer that is not configured": stranger.token("RS256", "manage"),
        "not a token": "abc.def",
        "four parts": f"{token}.x",
    }


async def refused(checks: Checks, asker: Asker, provider: Provider, stranger: Provider) -> None:
    for flaw, token in forgeries(provider, stranger).items():
        answers = [await asker.ask(token, header=header) for header in ("token", "authorization")]
        holds = all(one.status == 401 and one.json() == {"detail": "Missing or invalid credentials."} for one in answers)
        checks.that(f"401 for {flaw}", holds and all("www-authenticate" in one.headers for one in answers), answers)
    valid = await asker.ask(provider.token())
    checks.that("a valid token is accepted after all that", valid.status == 200, valid)


async def strangers(checks: Checks, asker: Asker, closed: Provider, admin: str) -> None:
    for header in ("token", "authorization"):
        answer = await asker.ask(closed.token("RS256", "manage"), header=header)
        checks.that(f"401 for an unknown user without create_users, in '{header}'", answer.status == 401, answer)
    client = asker.server.client(admin)
    users = (await client.request("GET", "/v1/users")).json()["data"]
    client.close()
    checks.that("and no user was made", not [user for user in users if closed.ready["issuer"] in json.dumps(user)], users)


async def issuer_comes_back(checks: Checks, asker: Asker, port: int) -> None:
    """The issuer's keys cannot be fetched at first; a token gets 503 within the time limit."""
    late = Provider(FOLDER, port)
    token = late.token("RS256", "manage")
    late.end()
    began = time.monotonic()
    answer = await asker.ask(token)
    waited = time.monotonic() - began
    holds = answer.status == 503 and waited < 4
    checks.that("503 while the issuer's keys cannot be fetched", holds, (answer, waited))
    late = Provider(FOLDER, port)
    try:
        began = time.monotonic()
        while (answer := await asker.ask(late.token("RS256", "manage"))).status == 503:
            if time.monotonic() > began + RECOVERED_WITHIN:
                break
            await asyncio.sleep(0.1)
        print(f"an issuer that came back is known after {time.monotonic() - began:.1f} s")
        checks.that("accepted soon after the issuer came back", answer.status == 200, answer)
    finally:
        late.end()


async def oidc(checks: Checks, folder: Path) -> None:
    providers = [Provider(FOLDER) for _ in range(3)]
    provider, closed, stranger = providers
    late_port = free_port()
    late = provider.ready | {
        "issuer": f"http://127.0.0.1:{late_port}",
        "jwks_url": f"http://127.0.0.1:{late_port}/jwks",
    }
    server = Toolvault(folder / "server")
    configuration = folder / "toolvault.toml"
    configuration.write_text(
        table("main", provider.ready, create_users=True, scopes=["manage", "audit"])
        + table("closed", closed.ready, create_users=False)
        + table("late", late, create_users=True)
    )
    try:
        await server.serve("--config", str(configuration))
        asker = Asker(server)
        await accepted(checks, asker, provider)
        await rights(checks, asker, provider)
        await refused(checks, asker, provider, stranger)
        await strangers(checks, asker, closed, server.first_keys()["operator_key"])
        await issuer_comes_back(checks, asker, late_port)
        log = server.log.read_text()
        checks.that("no token is in the log", "eyJ" not in log, log[-500:])
        done = await server.command("audit", "verify", "--json")
        checks.that("the audit trail verifies", done.returncode == 0, done.stdout)
    finally:
        server.kill()
        for one in providers:
            one.end()


if __name__ == "__main__":
    suite.run(oidc)
