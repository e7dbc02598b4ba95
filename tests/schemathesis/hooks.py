"""What the document cannot express for schemathesis: the user to keep, pydantic's lax mode, and rules on stored data."""

import itertools
import os

import schemathesis
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

OWN = os.environ.get("SUITE_KEY_ID"), os.environ.get("SUITE_USER_ID")
SPARES = dict(zip(OWN, (os.environ.get("SUITE_SPARE_KEY_ID"), os.environ.get("SUITE_SPARE_USER_ID"))))

BOOLEANS = {"is_default_for_tool", "any_user", "disabled", "protected", "redact", "canary"}
INTEGERS = {"expires_in", "overlap_seconds", "secrets_limit", "bytes_limit", "limit", "offset", "rotate_after_days"}
REQUESTS = itertools.count()
WORDS = {"1", "t", "y", "on", "yes", "true", "0", "f", "n", "no", "off", "false"}

# Types of 422 that depend on the clock, on stored data, or on more than one member; and the two rules that
# JSON Schema cannot express: lengths in bytes, and percent-encoded UTF-8.
BEYOND_SCHEMA = {
    "bytes_too_long",
    "bytes_too_short",
    "cursor_invalid",
    "expiry_not_earlier",
    "idempotency_key_reused",
    "key_ended",
    "name_taken",
    "scopes_not_narrower",
    "secret_reference",
    "unknown_user",
    "version_in_use",
}
BEYOND_SCHEMA_MESSAGES = {
    "A key with 'any_user' needs an expiry.",
    "Value error, it is not the answer of an authorization server",
    "Value error, give 'expires_in' or 'expires_at', not both",
    "Value error, give one of 'key', 'link' and 'oidc'",
    "Value error, no issuer of this name signs people in",
    "Value error, the expiry must lie in the future",
    "Value error, a URL pattern holds a whole origin without '*', then '/…'",
}


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """An operator's key acts only for its own user: with this header every request would be 403."""
    if None in OWN:
        return
    for item in raw_schema["paths"].values():
        for operation in item.values():
            parameters = operation.get("parameters", [])
            parameters[:] = [each for each in parameters if each["name"] != "x-toolvault-user"]


@schemathesis.hook
def before_call(context, case, kwargs):
    """Keeps requests independent, and protects the run's own key and user: spare ones are deleted instead."""
    for name, value in (case.path_parameters or {}).items():
        if value is not None and value in SPARES:
            case.path_parameters[name] = SPARES[value]
    headers, number = case.headers or {}, next(REQUESTS)
    # One idempotency key for all requests would make all but the first 422.
    key = headers.get("Idempotency-Key")
    if isinstance(key, str) and 0 < len(key) <= 200:
        headers["Idempotency-Key"] = f"{key}{number}"
    # A made-up entity tag never matches.
    if headers.get("If-Match") is not None and number % 2:
        headers["If-Match"] = "*"


def is_spelled_freely(name, value):
    """Whether it is a boolean or a number only in pydantic's lax mode."""
    if name in BOOLEANS:
        return str(value).lower() in WORDS or (not isinstance(value, bool) and value in (0, 1))
    if name in INTEGERS and not (isinstance(value, int) and not isinstance(value, bool)):
        try:
            return float(value).is_integer()
        except (TypeError, ValueError, OverflowError):
            return False
    return False


@schemathesis.check
def schema_violation_is_rejected(ctx, response, case):
    """`negative_data_rejection`, except for what the original accepts beyond its own schema."""
    if response.status_code == 413:
        return None
    members = case.body.items() if isinstance(case.body, dict) else ()
    if any(is_spelled_freely(name, value) for name, value in [*members, *(case.query or {}).items()]):
        return None
    return negative_data_rejection(ctx, response, case)


@schemathesis.check
def valid_request_is_accepted(ctx, response, case):
    """`positive_data_acceptance`, except for rules that no schema can express."""
    if response.status_code in (412, 413):
        return None
    if response.status_code == 422:
        errors = response.json()["detail"]
        if all(error["type"] in BEYOND_SCHEMA or error["msg"] in BEYOND_SCHEMA_MESSAGES for error in errors):
            return None
    return positive_data_acceptance(ctx, response, case)
