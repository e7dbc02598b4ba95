// The TypeScript SDK of the older era, as told.py describes: told_legacy.mjs ERA TARGET.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';

import { follow, say } from './told.mjs';

const where = JSON.parse(process.argv[3]);
const client = new Client({ name: 'suite', version: '1' });
client.setNotificationHandler(ToolListChangedNotificationSchema, ({ method }) => say({ heard: method }));
const [program, ...args] = where.command ?? [];
const requestInit = { headers: { Authorization: `Bearer ${where.key}` } };
await client.connect(
  program
    ? new StdioClientTransport({ command: program, args, env: where.environment })
    : new StreamableHTTPClientTransport(new URL(where.url), { requestInit }),
);
await follow(client);
