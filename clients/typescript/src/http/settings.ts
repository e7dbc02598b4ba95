import { readFileSync } from "node:fs";
import { isIP } from "node:net";

import { Confidential } from "../confidential.js";
import { ConfigurationError } from "../errors.js";

export const DEFAULT_URL = "http://127.0.0.1:8710";

/** What a client can be given. */
export interface ClientOptions {
  /** The server's address. Default: `TOOLVAULT_URL`, or `http://127.0.0.1:8710`. */
  readonly url?: string | undefined;
  /** Default: `TOOLVAULT_API_KEY`, or the content of the file that `TOOLVAULT_API_KEY_FILE` names. */
  readonly apiKey?: string | Confidential | undefined;
  /** The user for whom a key with `any_user` acts. */
  readonly user?: string | undefined;
  /** The most that an operation may take with all its retries, in milliseconds. Default: 10,000. */
  readonly timeout?: number | undefined;
  /** The maximum number of retries, where a retry is safe. Default: 2. */
  readonly retries?: number | undefined;
  /** Whether plain http is allowed to other machines. */
  readonly allowHttp?: boolean | undefined;
  /** Certificates of private authorities, in PEM, which replace those of Node.js. */
  readonly ca?: string | readonly string[] | undefined;
}

/** The settings of a client, complete. */
export interface Settings {
  readonly url: URL;
  readonly apiKey: Confidential;
  readonly user: string | undefined;
  readonly timeout: number;
  readonly retries: number;
  readonly ca: string | readonly string[] | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The given options, completed from the environment. Throws `ConfigurationError`. */
export function settings(options: ClientOptions, environment: Environment = process.env): Settings {
  const { timeout = 10_000, retries = 2, allowHttp = false, ca } = options;
  const user = options.user === undefined ? undefined : identified(options.user);
  const apiKey = usable(options.apiKey === undefined ? keyOf(environment) : new Confidential(options.apiKey));
  const url = address(options.url || environment.TOOLVAULT_URL || DEFAULT_URL, allowHttp);
  if (!(timeout > 0 && timeout < 2 ** 31)) {
    throw new ConfigurationError("timeout must be a number of milliseconds above 0 and below 2147483648");
  }
  return { url, apiKey, user, timeout, retries, ca };
}

/** A user's ID. Anything else must not become the user of the client or of its key. */
export function identified(user: unknown): string {
  if (typeof user === "string" && user !== "") return user;
  throw new ConfigurationError("'user' is not the ID of a user: give a text that is not empty");
}

function keyOf(environment: Environment): Confidential {
  const { TOOLVAULT_API_KEY: key, TOOLVAULT_API_KEY_FILE: file } = environment;
  if (key) return new Confidential(key);
  if (!file) {
    throw new ConfigurationError("no API key: give apiKey, or set TOOLVAULT_API_KEY or TOOLVAULT_API_KEY_FILE");
  }
  try {
    return new Confidential(readFileSync(file, "utf8"));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigurationError(`TOOLVAULT_API_KEY_FILE: ${file} cannot be read (${code})`);
  }
}

function usable(key: Confidential): Confidential {
  const text = key.reveal().trim();
  if (/^[!-~]+$/.test(text)) return new Confidential(text);
  throw new ConfigurationError("the API key is empty, or has a character that no key has");
}

function address(text: string, allowHttp: boolean): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search || url.hash) {
    throw new ConfigurationError(
      `TOOLVAULT_URL must be an address such as ${DEFAULT_URL} or https://vault.example.com`,
    );
  }
  if (url.username || url.password) {
    throw new ConfigurationError("TOOLVAULT_URL must not contain a user or password; set the key in TOOLVAULT_API_KEY");
  }
  if (/\/v1\/*$/.test(url.pathname)) {
    throw new ConfigurationError("TOOLVAULT_URL must not end in /v1, which the client adds by itself");
  }
  if (url.protocol === "http:" && !allowHttp && !isLoopback(url.hostname)) {
    throw new ConfigurationError(`plain http to ${url.hostname} would expose keys: use https, or allowHttp: true`);
  }
  url.pathname = url.pathname.replace(/\/+$/, "");
  return url;
}

function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, "");
  return bare === "localhost" || bare === "::1" || (isIP(bare) === 4 && bare.startsWith("127."));
}
