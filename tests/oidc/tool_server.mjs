// A tool server at which people sign in, and its authorization server (npm oidc-provider), both on 127.0.0.1.
//
//   node tool_server.mjs [SECONDS]
//
// Clients register themselves (RFC 7591). Refresh tokens are used once. Access tokens are good for SECONDS, else for an
// hour, and the tool server asks the authorization server about each (RFC 7662). Its tools say who one is, need a scope
// that is not in its description, or have a stream that is longer than the token is good. It speaks both eras.
//
// `GET /seen` at the tool server says what happened at the authorization server, `GET /secrets` what it issued, and what
// else only it and the client may know.
//
// Prints one line of JSON when it is ready, and ends with SIGTERM or when its standard input closes.
import { createServer } from 'node:http';
import { setTimeout } from 'node:timers/promises';

import { Provider } from 'oidc-provider';

// The library prints notices; standard output is for the one line.
console.info = console.log = console.error;

const SCOPE = 'read write';
/** What a tool needs that the server's description does not name. */
const FURTHER = 'erase';
const SECONDS = Number(process.argv[2] ?? 3600);

const listen = (server) => new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}`)));
const body = async (request) => Buffer.concat(await request.toArray()).toString();

const tools = createServer();
const accounts = createServer();
const [origin, issuer] = await Promise.all([listen(tools), listen(accounts)]);
const resource = `${origin}/mcp`;
/** As whom the tool server asks about tokens. */
const server = { client_id: 'notes', client_secret: 'the secret of the tool server' };

const provider = new Provider(issuer, {
  clients: [{ ...server, grant_types: [], redirect_uris: [], response_types: [] }],
  features: {
    devInteractions: { enabled: false },
    introspection: { enabled: true },
    registration: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_context, indicator) => {
        if (indicator !== resource) throw new Error(`unknown resource ${indicator}`);
        return { audience: resource, scope: `${SCOPE} ${FURTHER}`, accessTokenFormat: 'opaque', accessTokenTTL: SECONDS };
      },
      useGrantedResource: () => true,
    },
    revocation: { enabled: true },
  },
  interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
  issueRefreshToken: () => true,
  pkce: { required: () => true },
  rotateRefreshToken: () => true,
  scopes: ['openid', 'offline_access', FURTHER, ...SCOPE.split(' ')],
});

/** Everybody agrees to what the client asks for. */
async function agree({ params, session }) {
  const grant = new provider.Grant({ clientId: params.client_id, accountId: session.accountId });
  grant.addOIDCScope(`openid offline_access ${SCOPE} ${FURTHER}`);
  grant.addResourceScope(resource, `${SCOPE} ${FURTHER}`);
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

const seen = { registered: 0, signedIn: 0, refreshed: 0, refused: 0, revoked: 0 };
provider.on('registration_create.success', () => (seen.registered += 1));
provider.on('grant.success', ({ oidc }) => (seen[oidc.params.grant_type === 'refresh_token' ? 'refreshed' : 'signedIn'] += 1));
provider.on('grant.error', () => (seen.refused += 1));
for (const kind of ['access_token', 'refresh_token']) provider.on(`${kind}.destroyed`, () => (seen.revoked += 1));

const secrets = {};
const keep = (kind, value) => value && (secrets[kind] ??= []).push(value);
for (const kind of ['access_token', 'authorization_code', 'refresh_token', 'registration_access_token']) {
  provider.on(`${kind}.saved`, ({ jti }) => keep(kind, jti));
}
provider.on('authorization.success', ({ oidc }) => keep('state', oidc.params.state));
provider.on('grant.success', ({ oidc }) => keep('code_verifier', oidc.params.code_verifier));

/** What the authorization server says about a token. */
async function introspect(token) {
  const identity = Buffer.from(Object.values(server).map(encodeURIComponent).join(':')).toString('base64');
  const answered = await fetch(`${issuer}/token/introspection`, {
    method: 'POST',
    headers: { authorization: `Basic ${identity}` },
    body: new URLSearchParams({ token }),
  });
  return answered.json();
}

const tool = (name, description) => ({ name, description, inputSchema: { type: 'object' } });
const text = (words) => ({ content: [{ type: 'text', text: words }] });
const answers = {
  initialize: () => ({ protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'notes', version: '1' } }),
  'server/discover': () => ({ supportedVersions: ['2026-07-28'], capabilities: { tools: {} }, serverInfo: { name: 'notes', version: '1' } }),
  ping: () => ({}),
  'tools/list': () => ({
    tools: [
      tool('whoami', 'Says who you are.'),
      tool('erase', 'Erases everything.'),
      tool('outlast', 'Goes on until your token has ended, then says so.'),
      tool('break', 'Goes on until your token has ended, then breaks off.'),
    ],
  }),
  'tools/call': ({ sub }, { name }) => text(name === 'erase' ? `${sub} erased everything.` : `You are ${sub}.`),
};

/** A stream that is open until the token has ended: then it has its answer, or none. */
async function stream(response, id, presented, complete) {
  const send = (message) => response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`);
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  do {
    send({ method: 'notifications/message', params: { level: 'info', data: 'It goes on.' } });
    await setTimeout(100);
  } while ((await introspect(presented)).active);
  if (complete) send({ id, result: complete(text('Your token has ended.')) });
  response.end();
}

async function answer(request, response) {
  const json = (status, value, headers = {}) => response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
  const metadata = `${origin}/.well-known/oauth-protected-resource/mcp`;
  if (request.url === '/seen') return json(200, seen);
  if (request.url === '/secrets') return json(200, secrets);
  if (request.url === new URL(metadata).pathname) {
    return json(200, { resource, authorization_servers: [issuer], scopes_supported: SCOPE.split(' ') });
  }
  const presented = request.headers.authorization?.replace(/^Bearer /, '');
  const token = presented ? await introspect(presented) : {};
  if (!token.active || token.aud !== resource) {
    return json(401, {}, { 'www-authenticate': `Bearer resource_metadata="${metadata}"` });
  }
  if (request.method !== 'POST') return response.writeHead(405).end();
  const { id, method, params = {} } = JSON.parse(await body(request));
  if (id === undefined) return response.writeHead(202).end();
  if (params.name === 'erase' && !token.scope.split(' ').includes(FURTHER)) {
    return json(403, {}, { 'www-authenticate': `Bearer error="insufficient_scope", scope="${FURTHER}", resource_metadata="${metadata}"` });
  }
  const later = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' };
  const complete = (result) => ({ ...(request.headers['mcp-protocol-version'] === '2026-07-28' ? later : {}), ...result });
  if (params.name === 'outlast' || params.name === 'break') return stream(response, id, presented, params.name === 'outlast' && complete);
  const result = answers[method]?.(token, params);
  const outcome = result ? { result: complete(result) } : { error: { code: -32601, message: 'Method not found' } };
  return json(200, { jsonrpc: '2.0', id, ...outcome });
}

tools.on('request', (request, response) => {
  answer(request, response).catch((error) => response.writeHead(500).end(String(error)));
});
process.stdout.write(`${JSON.stringify({ issuer, url: resource })}\n`);
process.on('SIGTERM', () => process.exit(0));
process.stdin.on('end', () => process.exit(0)).resume();
