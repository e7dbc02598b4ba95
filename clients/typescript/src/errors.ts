/** The errors of this package, by meaning. No error holds a value, and none shows an input. */

/** The base class of all errors of this package. */
export class ToolvaultError extends Error {
  override get name(): string {
    return this.constructor.name;
  }
}

/** The client or a tool cannot be set up: an address, a key or an option is missing or unusable. */
export class ConfigurationError extends ToolvaultError {}

/** One thing that is wrong with a request. */
export interface Problem {
  readonly type: string;
  readonly loc: ReadonlyArray<string | number>;
  readonly msg: string;
}

export interface ApiErrorDetails {
  readonly status?: number | undefined;
  readonly code?: string | undefined;
  readonly problems?: readonly Problem[] | undefined;
}

/**
 * The server refused, or did not answer.
 *
 * `status` is the HTTP status, undefined without an answer; `code` is the machine-readable code; `problems` has the
 * items of an answer that lists several.
 */
export class ApiError extends ToolvaultError {
  readonly status: number | undefined;
  readonly code: string | undefined;
  readonly problems: readonly Problem[];

  constructor(message: string, { status, code, problems = [] }: ApiErrorDetails = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.problems = problems;
  }
}

/** 401: the credential is missing, unknown, expired or revoked. */
export class Unauthorized extends ApiError {}

/** 403: the credential lacks the right, or the tool lies outside its patterns. */
export class Forbidden extends ApiError {}

/** 404: the object is unknown or belongs to another user. */
export class NotFound extends ApiError {}

/** 412: the secret has changed since then. */
export class PreconditionFailed extends ApiError {}

/** 413: the user's secrets would exceed their limits. Nothing was stored. */
export class QuotaExceeded extends ApiError {}

/** 413: the request is larger than the server's limit. */
export class TooLarge extends ApiError {}

/** 400, 415 or 422: the request is invalid; `problems` says where. */
export class ValidationError extends ApiError {}

/** 429: too many requests. `retryAfter` is in seconds. */
export class RateLimited extends ApiError {
  retryAfter: number | undefined;
}

/** 503, or no answer. `retryAfter` is in seconds, if the server sent it. */
export class Unavailable extends ApiError {
  retryAfter: number | undefined;
}

/** 500 and similar: a defect, or stored data that failed verification. */
export class ServerFailure extends ApiError {}

/** The answer is not from a Toolvault server. */
export class UnexpectedAnswer extends ApiError {}

/** 409: a tool's arguments cannot be completed. `argument` is the first one concerned, `tool` its tool. */
export class Unresolved extends ApiError {
  argument = "";
  tool = "";
}

/** The argument is required, was not received, and has no default. */
export class SecretMissing extends Unresolved {}

/** The secret that would be applied has expired. */
export class SecretExpired extends Unresolved {}

/** The reference names no secret that this tool and argument may receive. */
export class SecretNotAvailable extends Unresolved {}

/** Several secrets with the referenced name match. */
export class SecretAmbiguous extends Unresolved {}
