// A tool server at which people sign in, and its authorization server (npm oidc-provider), both on 127.0.0.1.
//
//   node tool_server.mjs
//
// Clients register themselves (RFC 7591). Refresh tokens are used once. The server's only tool says who one is.
//
// Prints one line of JSON when it is ready, and ends with SIGTERM or when its standard input closes.
import { createServer } from 'node:http';

import { Provider } from 'oidc-provider';

// The library prints notices; standard output is for the one line.
console.info = console.log = console.error;

const SCOPE = 'read write';

const listen = (server) => new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}`)));
const body = async (request) => Buffer.concat(await request.toArray()).toString();

const tools = createServer();
const accounts = createServer();
const [origin, issuer] = await Promise.all([listen(tools), listen(accounts)]);
const resource = `${origin}/mcp`;

const provider = new Provider(issuer, {
  features: {
    devInteractions: { enabled: false },
    introspection: { enabled: true },
    registration: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_context, indicator) => {
        if (indicator !== resource) throw new Error(`unknown resource ${indicator}`);
        return { audience: resource, scope: SCOPE, accessTokenFormat: 'opaque', accessTokenTTL: 3600 };
      },
      useGrantedResource: () => true,
    },
    revocation: { enabled: true },
  },
  interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
  issueRefreshToken: () => true,
  pkce: { required: () => true },
  rotateRefreshToken: () => true,
  scopes: ['openid', 'offline_access', ...SCOPE.split(' ')],
});

/** Everybody agrees to what the client asks for. */
async function agree({ params, session }) {
  const grant = new provider.Grant({ clientId: params.client_id, accountId: session.accountId });
  grant.addOIDCScope(`openid offline_access ${SCOPE}`);
  grant.addResourceScope(resource, SCOPE);
  return { consent: { grantId: await grant.save() } };
}

/** The page on which people say who they are, and what it sends. */
async function interact(request, response) {
  const details = await provider.interactionDetails(request, response);
  if (details.prompt.name === 'consent') {
    await provider.interactionFinished(request, response, await agree(details), { mergeWithLastSubmission: true });
    return;
  }
  if (request.method === 'GET') {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end('<title>Provider</title><link rel="icon" href="data:,"><form method="post"><label>Name <input name="name"></label>'
      + '<button name="act" value="go">Continue</button><button name="act" value="cancel">Cancel</button></form>');
    return;
  }
  const form = new URLSearchParams(await body(request));
  const result = form.get('act') === 'go' ? { login: { accountId: form.get('name') } } : { error: 'access_denied' };
  await provider.interactionFinished(request, response, result);
}

const serve = provider.callback();
accounts.on('request', (request, response) => {
  if (!request.url.startsWith('/interaction/')) return serve(request, response);
  interact(request, response).catch((error) => response.writeHead(500).end(String(error)));
});

const answers = {
  initialize: () => ({ protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'notes', version: '1' } }),
  'tools/list': () => ({ tools: [{ name: 'whoami', description: 'Says who you are.', inputSchema: { type: 'object' } }] }),
  'tools/call': (token) => ({ content: [{ type: 'text', text: `You are ${token.accountId}.` }] }),
};

async function answer(request, response) {
  const json = (status, value, headers = {}) => response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
  const metadata = `${origin}/.well-known/oauth-protected-resource/mcp`;
  if (request.url === new URL(metadata).pathname) {
    return json(200, { resource, authorization_servers: [issuer], scopes_supported: SCOPE.split(' ') });
  }
  const presented = request.headers.authorization?.replace(/^Bearer /, '');
  const token = presented && (await provider.AccessToken.find(presented));
  if (!token || token.aud !== resource) {
    return json(401, {}, { 'www-authenticate': `Bearer resource_metadata="${metadata}"` });
  }
  if (request.method !== 'POST') return response.writeHead(405).end();
  const { id, method } = JSON.parse(await body(request));
  if (id === undefined) return response.writeHead(202).end();
  const result = answers[method]?.(token);
  const outcome = result ? { result } : { error: { code: -32601, message: 'Method not found' } };
  return json(200, { jsonrpc: '2.0', id, ...outcome });
}

tools.on('request', (request, response) => {
  answer(request, response).catch((error) => response.writeHead(500).end(String(error)));
});
process.stdout.write(`${JSON.stringify({ issuer, url: resource })}\n`);
process.on('SIGTERM', () => process.exit(0));
process.stdin.on('end', () => process.exit(0)).resume();
