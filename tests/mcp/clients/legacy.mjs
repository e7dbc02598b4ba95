// The TypeScript SDK of the earlier era.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const [url, key, tool, given] = process.argv.slice(2);
const client = new Client({ name: 'suite', version: '1' });
const requestInit = { headers: { Authorization: `Bearer ${key}` } };
await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }));
const { tools } = await client.listTools();
const result = await client.callTool({ name: tool, arguments: JSON.parse(given) });
const schemas = Object.fromEntries(tools.map(({ name, inputSchema }) => [name, inputSchema]));
console.log(JSON.stringify({ era: 'legacy', tools: schemas, text: result.content[0].text }));
await client.close();
