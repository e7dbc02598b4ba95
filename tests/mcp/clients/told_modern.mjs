// The TypeScript SDK of both eras, as told.py describes: told_modern.mjs ERA TARGET.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

import { follow, say } from './told.mjs';

const [era, target] = process.argv.slice(2);
const where = JSON.parse(target);
const mode = era === 'legacy' ? 'legacy' : { pin: '2026-07-28' };
const heard = () => say({ heard: 'notifications/tools/list_changed' });
const client = new Client(
  { name: 'suite', version: '1' },
  { versionNegotiation: { mode }, listChanged: { tools: { autoRefresh: false, onChanged: heard } } },
);
const [program, ...args] = where.command ?? [];
const requestInit = { headers: { Authorization: `Bearer ${where.key}` } };
await client.connect(
  program
    ? new StdioClientTransport({ command: program, args, env: where.environment })
    : new StreamableHTTPClientTransport(new URL(where.url), { requestInit }),
);
await follow(client);
