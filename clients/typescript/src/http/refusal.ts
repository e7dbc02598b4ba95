import type { ApiError, Problem } from "../errors.js";
import * as errors from "../errors.js";
import { isObject } from "../objects.js";
import type { Answer } from "./operation.js";

type Kind = new (message: string, details: errors.ApiErrorDetails) => ApiError;

const BY_STATUS: Readonly<Record<number, Kind>> = {
  400: errors.ValidationError,
  401: errors.Unauthorized,
  403: errors.Forbidden,
  404: errors.NotFound,
  409: errors.Unresolved,
  412: errors.PreconditionFailed,
  413: errors.TooLarge,
  415: errors.ValidationError,
  422: errors.ValidationError,
  429: errors.RateLimited,
  503: errors.Unavailable,
};

const UNRESOLVED: Readonly<Record<string, Kind>> = {
  secret_missing: errors.SecretMissing,
  secret_expired: errors.SecretExpired,
  secret_not_available: errors.SecretNotAvailable,
  secret_ambiguous: errors.SecretAmbiguous,
};

/** The error for an answer; undefined if it is not an error. */
export function refusal({ status, headers, content }: Answer): ApiError | undefined {
  if (status >= 200 && status < 300) return undefined;
  const detail = (content as { detail?: unknown } | undefined)?.detail;
  return ofDetail(status, text(headers["toolvault-error"]), detail, text(headers["retry-after"]));
}

/** The error for a status and the `detail` of its body. */
export function ofDetail(status: number, code: string | undefined, detail: unknown, retryAfter?: string): ApiError {
  const problems = Array.isArray(detail) ? detail.filter(isObject).map(problem) : [];
  const error = new (kind(status, code, problems))(message(status, detail, problems), { status, code, problems });
  if (error instanceof errors.RateLimited || error instanceof errors.Unavailable) {
    error.retryAfter = seconds(retryAfter);
  }
  if (error instanceof errors.Unresolved) error.argument = String(problems[0]?.loc.at(-1) ?? "");
  return error;
}

function kind(status: number, code: string | undefined, problems: readonly Problem[]): Kind {
  if (status === 409 && problems[0]) return UNRESOLVED[problems[0].type] ?? errors.Unresolved;
  if (status === 413 && code === "quota_exceeded") return errors.QuotaExceeded;
  return BY_STATUS[status] ?? (status >= 500 ? errors.ServerFailure : errors.UnexpectedAnswer);
}

/** Only type, location and message: the original server adds the rejected input, which may be a secret. */
function problem({ type, loc, msg }: Record<string, unknown>): Problem {
  const places: unknown[] = Array.isArray(loc) ? loc : [];
  const isPlace = (one: unknown): one is string | number => typeof one === "string" || typeof one === "number";
  return { type: String(type ?? ""), loc: places.filter(isPlace), msg: String(msg ?? "") };
}

function message(status: number, detail: unknown, problems: readonly Problem[]): string {
  if (typeof detail === "string") return detail;
  if (problems.length === 0) return `The server answered with status ${status}.`;
  return problems.map(({ loc, msg }) => (status === 409 ? msg : `${loc.join(".")}: ${msg}`)).join("; ");
}

function seconds(given: string | undefined): number | undefined {
  const value = Number(given || Number.NaN);
  return Number.isFinite(value) && value >= 0 ? value : undefined;
}

function text(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
