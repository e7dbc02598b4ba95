import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { inspect, promisify } from "node:util";

import { Toolvault } from "toolvault";

import { canary } from "./support/canary.js";
import { Server } from "./support/server.js";

const PACKAGE = fileURLToPath(new URL("../../", import.meta.url));
const ROOT = process.env.TOOLVAULT_ROOT ?? join(PACKAGE, "..", "..");
const run = promisify(execFile);

let server: Server;
let environment: NodeJS.ProcessEnv;

before(async () => {
  server = await Server.start();
  environment = { ...process.env, TOOLVAULT_URL: server.url, TOOLVAULT_API_KEY: server.operatorKey };
});
after(() => server.stop());

async function blocks(path: string, language: string): Promise<string[]> {
  const text = await readFile(path, "utf8");
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms"))].map(([, code]) => code as string);
}

test("the README's example runs in an empty project, with nothing else installed", async () => {
  const project = await mkdtemp(join(tmpdir(), "toolvault-"));
  try {
    const packed = await run("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", project], {
      cwd: PACKAGE,
    });
    await writeFile(join(project, "package.json"), '{"type":"module"}');
    const words = ["install", "--silent", "--offline", "--no-audit", "--no-fund", join(project, packed.stdout.trim())];
    await run("npm", words, { cwd: project });
    assert.deepEqual(
      (await readdir(join(project, "node_modules"))).filter((name) => !name.startsWith(".")),
      ["toolvault"],
    );
    const [example] = await blocks(join(PACKAGE, "README.md"), "ts");
    const [owed] = await blocks(join(PACKAGE, "README.md"), "console");
    await writeFile(join(project, "example.js"), example as string);
    const { stdout } = await run(process.execPath, ["example.js"], { cwd: project, env: environment });
    assert.equal(stdout, owed);
    for (const name of ["ai", "langchain", "mastra", "openai-agents"]) {
      const code = `import("toolvault/${name}").catch((error) => console.log(error.code))`;
      assert.equal((await run(process.execPath, ["-e", code], { cwd: project })).stdout, "ERR_MODULE_NOT_FOUND\n");
    }
    const fake = await run(process.execPath, ["-e", 'import("toolvault/testing").then(() => console.log("here"))'], {
      cwd: project,
    });
    assert.equal(fake.stdout, "here\n");
  } finally {
    await rm(project, { recursive: true });
  }
});

/** Compiles the files of a folder below `build`, by their names, with the package's own strictness. */
async function compile(name: string, files: Readonly<Record<string, string>>, options: object = {}): Promise<string> {
  const folder = join(PACKAGE, "build", name);
  await rm(folder, { recursive: true, force: true });
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  const compilerOptions = { rootDir: ".", outDir: ".", ...options };
  const settings = { extends: "../../tsconfig.json", compilerOptions, include: ["."], exclude: [] };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(settings));
  await run(process.execPath, [join(PACKAGE, "node_modules", "typescript", "bin", "tsc"), "-p", folder], {
    cwd: PACKAGE,
  }).catch(({ stdout }) => assert.fail(stdout));
  return folder;
}

test("the README's examples have types, and run one after the other", async () => {
  const [value, theirs] = [canary(), canary()];
  const platformKey = await server.platformKey();
  const { user_id: userId } = await server.operator().users.create({ name: "reader" });
  const binding = { tool_name: "linear__*", tool_arg: "api_token", is_default_for_tool: true };
  const platform = new Toolvault({ url: server.url, apiKey: platformKey, user: userId });
  await platform.secrets.create({ secret_name: "theirs", secret_value: theirs, ...binding });
  const app = `import { scripted } from "../tests/support/models/ai.js";
export const model = scripted([{ name: "linear__get_issue", args: { issue_id: "ENG-42" } }]);
export const [platformKey, userId] = ${JSON.stringify([platformKey, userId])};
`;
  const examples = (await blocks(join(PACKAGE, "README.md"), "ts")).map((one) =>
    one.replace("lin_api_0123456789abcdef", value),
  );
  // The first example is plain JavaScript, so that it runs as it is.
  const options = { noImplicitAny: false, noUnusedLocals: false };
  const folder = await compile("readme", { "app.ts": app, "example.ts": examples.join("\n") }, options);
  const { stdout, stderr } = await run(process.execPath, [join(folder, "example.js")], { env: environment });
  const [owed] = await blocks(join(PACKAGE, "README.md"), "console");
  const use = { tool: "linear__get_issue", argument: "api_token", secret_name: "linear", user: undefined };
  assert.equal(stdout, `${owed}ENG-42, asked with the token [secret:theirs]\n${inspect([use])}\n`);
  for (const secret of [value, theirs]) assert.ok(!(stdout + stderr).includes(secret));
});

const MODELS = {
  "Vercel AI SDK": 'import { scripted } from "../tests/support/models/ai.js"; export const model = scripted(calls);',
  "LangChain.js and LangGraph.js":
    'import { Scripted } from "../tests/support/models/langchain.js"; export const model = new Scripted(calls);',
  "OpenAI Agents SDK":
    'import { Scripted } from "../tests/support/models/openai-agents.js"; export const model = new Scripted(calls);',
  Mastra: 'import { scriptedV3 } from "../tests/support/models/ai.js"; export const model: any = scriptedV3(calls);',
};

test("the page's examples have types, and run", async () => {
  const vault = server.operator();
  const value = canary();
  for await (const { secret_id: id } of vault.secrets.iterate()) await vault.secrets.delete(id);
  const binding = { tool_name: "linear__*", tool_arg: "api_token", is_default_for_tool: true };
  await vault.secrets.create({ secret_name: "linear-prod", secret_value: value, ...binding });
  const page = await readFile(join(ROOT, "docs", "typescript", "frameworks.md"), "utf8");
  const [owed] = /ENG-42: .*\)/.exec(page) as RegExpExecArray;
  const examples = await blocks(join(ROOT, "docs", "typescript", "frameworks.md"), "ts");
  assert.equal(examples.length, Object.keys(MODELS).length);
  const files: Record<string, string> = {};
  for (const [index, [name, model]] of Object.entries(MODELS).entries()) {
    assert.ok(page.includes(`## ${name}\n`));
    const calls = 'const calls: any[] = [{ name: "linear__get_issue", args: { issue_id: "ENG-42" } }];';
    const named = name === "Mastra" ? calls.replace("linear__get_issue", "getIssue") : calls;
    files[`${index}/model.ts`] = `${model.replace("../", "../../").replace(/; /, `;\n${named}\n`)}\n`;
    files[`${index}/example.ts`] = examples[index] as string;
  }
  const folder = await compile("docs", files);
  for (const index of Object.keys(examples)) {
    const { stdout, stderr } = await run(process.execPath, [join(folder, index, "example.js")], { env: environment });
    assert.ok(stdout.includes(owed), stdout + stderr);
    assert.ok(!(stdout + stderr).includes(value));
  }
});
