import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

import { Toolvault } from "toolvault";

/** A real server (TOOLVAULT_BINARY) on an empty folder. */
export class Server {
  readonly url: string;
  readonly operatorKey: string;
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(url: string, operatorKey: string, child: ChildProcess, folder: string) {
    this.url = url;
    this.operatorKey = operatorKey;
    this.#child = child;
    this.#folder = folder;
  }

  static async start(): Promise<Server> {
    const folder = await mkdtemp(join(tmpdir(), "toolvault-"));
    const data = join(folder, "data");
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("TOOLVAULT_")));
    const child = spawn(binary(), ["serve", "--listen", "127.0.0.1:0", "--data-dir", data], {
      env,
      stdio: ["ignore", "ignore", "pipe"],
    });
    const url = await listening(child);
    const keys = await readFile(`${data}.first-keys`, "utf8");
    return new Server(url, /^operator_key=(.+)$/m.exec(keys)?.[1] as string, child, folder);
  }

  /** A client with all rights. */
  operator(): Toolvault {
    return new Toolvault({ url: this.url, apiKey: this.operatorKey });
  }

  /** A client with all rights, and the paths of its requests. */
  counted(): { counted: Toolvault; asked: string[] } {
    const asked: string[] = [];
    const operator = this.operator();
    const runner: ConstructorParameters<typeof Toolvault>[1] = {
      run: (operation, options) => {
        asked.push(operation.path);
        return operator.run(operation, options);
      },
    };
    return { counted: new Toolvault({ url: this.url, apiKey: this.operatorKey }, runner), asked };
  }

  /** A client with the scope `resolve` only, as for a runtime. */
  async runtime(): Promise<Toolvault> {
    const { key } = await this.operator().keys.create({ scopes: ["resolve"], name: "runtime" });
    return new Toolvault({ url: this.url, apiKey: key });
  }

  /** A client whose key acts for any user. */
  async platform(): Promise<Toolvault> {
    return new Toolvault({ url: this.url, apiKey: await this.platformKey() });
  }

  /** A key that acts for any user. */
  async platformKey(): Promise<string> {
    const { user_id: user } = await this.operator().users.create({ name: "platform" });
    const words = [
      "key",
      "create",
      "--user",
      user,
      "--any-user",
      "--expires",
      "1d",
      "--json",
      "--data-dir",
      join(this.#folder, "data"),
    ];
    const scopes = ["manage", "resolve"].flatMap((scope) => ["--scope", scope]);
    const { stdout } = await promisify(execFile)(binary(), [...words, ...scopes]);
    return JSON.parse(stdout).key;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill();
    await ended;
    await rm(this.#folder, { recursive: true });
  }
}

async function listening(child: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: child.stderr as NodeJS.ReadableStream })) {
    const url = /"listening","url":"([^"]+)/.exec(line)?.[1];
    if (url) {
      child.stderr?.resume();
      return url;
    }
  }
  throw new Error("the server ended before it listened");
}

function binary(): string {
  const path = process.env.TOOLVAULT_BINARY;
  if (!path) throw new Error("set TOOLVAULT_BINARY to the server's binary");
  return path;
}
