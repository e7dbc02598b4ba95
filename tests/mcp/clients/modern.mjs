// The TypeScript SDK of both eras.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

const [url, key, tool, given] = process.argv.slice(2);
const modes = { legacy: 'legacy', auto: 'auto', modern: { pin: '2026-07-28' } };
for (const [era, mode] of Object.entries(modes)) {
  const client = new Client({ name: 'suite', version: '1' }, { versionNegotiation: { mode } });
  const requestInit = { headers: { Authorization: `Bearer ${key}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }));
  const { tools } = await client.listTools();
  const result = await client.callTool({ name: tool, arguments: JSON.parse(given) });
  const schemas = Object.fromEntries(tools.map(({ name, inputSchema }) => [name, inputSchema]));
  console.log(JSON.stringify({ era, tools: schemas, text: result.content[0].text }));
  await client.close();
}
