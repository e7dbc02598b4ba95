// Commands and files to copy. They take the key from the environment, so that none is in a file or in the history.

/** Where this server is, without a slash at the end. */
export const base = new URL(".", document.baseURI).href.replace(/\/$/, "");
const isDefault = base === "http://127.0.0.1:8710";

const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;
const json = (value) => JSON.stringify(value, null, 2);
const exported = isDefault ? "" : `export TOOLVAULT_URL=${quoted(base)}\n`;
const inPython = isDefault ? "" : `url=${JSON.stringify(base)}`;
/** The start of a request with curl; the path has no character that a URL cannot have. */
const curl = (path, more = "") => `curl -s ${quoted(base + path)} -H "x-api-key: $TOOLVAULT_API_KEY" -H 'content-type: application/json'${more}`;
const ofTool = (tool, act) => `/v1/tools/${encodeURIComponent(tool)}/${act}`;

/** Ways to store a secret. */
export const storing = [
  {
    name: "Command line",
    label: "Store a secret on the command line",
    note: "Asks for the value, so that it is in no history.",
    text: `${exported}toolvault secret create linear --tool 'linear__*' --arg api_token --default`,
  },
  {
    name: "curl",
    label: "Store a secret with curl",
    note: "TOOLVAULT_API_KEY is a key of yours with the scope manage.",
    text: `printf 'Value: '; IFS= read -rs VALUE; echo
VALUE="$VALUE" python3 -c '
import json, os
print(json.dumps({"secret_name": "linear", "secret_value": os.environ["VALUE"],
    "tool_name": "linear__*", "tool_arg": "api_token", "is_default_for_tool": True}))' |
  ${curl("/v1/secrets/", " -d @-")}`,
  },
  {
    name: "Python",
    label: "Store a secret with Python",
    note: "TOOLVAULT_API_KEY is a key of yours with the scope manage.",
    text: `from getpass import getpass
from toolvault import Toolvault

vault = Toolvault(${inPython})
vault.secrets.create(
    "linear",
    getpass("Value: "),
    tool_name="linear__*",
    tool_arg="api_token",
    is_default_for_tool=True,
)`,
  },
];

export const explaining = (tool) => curl(ofTool(tool, "explain"), " -d '{}'");

/** Ways to get a completed call of `tool`, for runtimes. */
export const resolving = (tool) => [
  {
    name: "curl",
    label: "Resolve with curl",
    note: "The answer has the values: use a key with the scope resolve, in a runtime that you trust.",
    text: `${curl(ofTool(tool, "resolve"))} \\
  -d '{"args": {}}'`,
  },
  {
    name: "Python",
    label: "Resolve with Python",
    note: "Use a key with the scope resolve, in a runtime that you trust.",
    text: `from toolvault import Toolvault

vault = Toolvault(${inPython})
with vault.inject(${JSON.stringify(tool)}, {}) as call:
    ...  # run the tool with call.args, and show the model only call.redact(result)`,
  },
  { name: "Explain", label: "Explain on the command line", text: `${exported}toolvault explain ${quoted(tool)}` },
];

/** How clients reach `server` behind the gateway; all servers without one. */
export function clients(server) {
  const name = server ?? "toolvault";
  const url = server ? `${base}/mcp/${server}` : `${base}/mcp`;
  const bearer = (key) => ({ Authorization: `Bearer ${key}` });
  const key = "TOOLVAULT_API_KEY is the agent's key, with the scope use only.";
  return [
    {
      name: "Claude Code",
      label: ".mcp.json of the project",
      note: key,
      text: json({ mcpServers: { [name]: { type: "http", url, headers: bearer("${TOOLVAULT_API_KEY}") } } }),
    },
    {
      name: "Claude Desktop",
      label: "claude_desktop_config.json",
      note: "Put the agent's key in place of tvk_AGENT, and the whole path of toolvault as the command.",
      text: json({
        mcpServers: {
          [name]: {
            command: "toolvault",
            args: ["mcp", "stdio", ...(server ? [server] : [])],
            env: { ...(isDefault ? {} : { TOOLVAULT_URL: base }), TOOLVAULT_API_KEY: "tvk_AGENT" },
          },
        },
      }),
    },
    { name: "Cursor", label: ".cursor/mcp.json", note: key, text: json({ mcpServers: { [name]: { url, headers: bearer("${env:TOOLVAULT_API_KEY}") } } }) },
    {
      name: "VS Code",
      label: ".vscode/mcp.json",
      note: "VS Code asks for the agent's key once.",
      text: json({
        inputs: [{ type: "promptString", id: "toolvault-key", description: "Toolvault key of the agent", password: true }],
        servers: { [name]: { type: "http", url, headers: bearer("${input:toolvault-key}") } },
      }),
    },
    { name: "Codex", label: "~/.codex/config.toml", note: key, text: `[mcp_servers.${name}]\nurl = "${url}"\nbearer_token_env_var = "TOOLVAULT_API_KEY"` },
    {
      name: "curl",
      label: "A first request with curl",
      note: key,
      text: `${curl(server ? `/mcp/${server}` : "/mcp")} \\
  -H 'accept: application/json, text/event-stream' \\
  -d '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"me","version":"1"}}}'`,
    },
  ];
}

/** How to put a server behind the gateway. */
export const adding = [
  { name: "HTTP", label: "Add a server over HTTP", text: "toolvault mcp add linear https://mcp.linear.app/mcp --header 'Authorization: Bearer {{ secret://linear }}'\ntoolvault reload" },
  { name: "Program", label: "Add a server that is a program", text: "toolvault mcp add github --env GITHUB_PERSONAL_ACCESS_TOKEN=secret://github -- docker run -i --rm -e GITHUB_PERSONAL_ACCESS_TOKEN ghcr.io/github/github-mcp-server\ntoolvault reload" },
  { name: "Import", label: "Import a client's servers", text: "toolvault mcp import .mcp.json" },
];
