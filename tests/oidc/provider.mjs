// A real OpenID provider (npm oidc-provider) on 127.0.0.1, for the tests of JWT sign-in and of people who sign in.
//
//   node provider.mjs [PORT [REDIRECT…]]        PORT 0, the default, takes a free one
//
// With redirect URLs, people sign in to the client `dashboard` by their name, without a password.
//
// Prints one line of JSON when it is ready, and ends with SIGTERM or when its standard input closes
// if TOOLVAULT_TEST_OIDC_ATTACHED is set. Its keys are new at every start. The client may ask for
// JWT access tokens (RFC 9068) signed by each algorithm, or genuinely signed ones with one flaw: the
// resource indicator (RFC 8707) chooses.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';

import { Provider } from 'oidc-provider';

// The library prints notices; standard output is for the one line.
console.info = console.log = console.error;

const AUDIENCE = 'https://toolvault.test';
const CLIENT = { client_id: 'test-runtime', client_secret: 'test-runtime-secret' };
const SCOPE = 'manage audit use';
const LIFETIME_SECONDS = 300;
const KEYS = {
  RS256: ['rsa', { modulusLength: 2048 }],
  PS256: ['rsa', { modulusLength: 2048 }],
  ES256: ['ec', { namedCurve: 'P-256' }],
  EdDSA: ['ed25519', {}],
};

// The flaw of a token with a valid RS256 signature.
const FLAWS = {
  'wrong-audience': () => ({ aud: 'https://elsewhere.test' }),
  'other-issuer': () => ({ iss: 'https://elsewhere.test' }),
  expired: (now) => ({ iat: now - 7200, exp: now - 3600 }),
  'not-yet-valid': (now) => ({ nbf: now + 3600, exp: now + 7200 }),
  'text-as-expiry': (now) => ({ exp: String(now + LIFETIME_SECONDS) }),
  'too-long-lived': (now) => ({ exp: now + 90 * 86400 }),
};

const resources = Object.fromEntries(
  [...Object.keys(KEYS), ...Object.keys(FLAWS)].map((name) => [name, `urn:toolvault:${name.toLowerCase()}`]),
);
const nameOf = (indicator) => Object.entries(resources).find(([, resource]) => resource === indicator)?.[0];

function privateKey([algorithm, [type, options]]) {
  const { privateKey: key } = generateKeyPairSync(type, options);
  return { ...key.export({ format: 'jwk' }), kid: `test-${algorithm}`, use: 'sig', alg: algorithm };
}

function resourceServer(indicator) {
  const name = nameOf(indicator);
  if (!name) throw new Error(`unknown resource ${indicator}`);
  return {
    // The provider tells resources apart by it, so it is the real one only in the token.
    audience: indicator,
    scope: SCOPE,
    accessTokenFormat: 'jwt',
    accessTokenTTL: LIFETIME_SECONDS,
    jwt: { sign: { alg: name in KEYS ? name : 'RS256' } },
  };
}

function finish(_context, token, parts) {
  const flaw = FLAWS[nameOf(token.aud)];
  const now = Math.floor(Date.now() / 1000);
  Object.assign(parts.payload, { aud: AUDIENCE }, flaw?.(now));
}

// The client of people. Its secret must be encoded to be sent.
const DASHBOARD = { client_id: 'dashboard', client_secret: 'a secret: of 100% +' };
const REDIRECTS = process.argv.slice(3);
const PEOPLE = {
  ...DASHBOARD,
  grant_types: ['authorization_code'],
  redirect_uris: REDIRECTS,
  response_types: ['code'],
  scope: 'openid',
};

/** The page on which people say who they are, and what it sends. */
async function interact(provider, request, response) {
  if (request.method === 'GET') {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end('<title>Provider</title><link rel="icon" href="data:,"><form method="post"><label>Name <input name="name"></label>'
      + '<button name="act" value="go">Continue</button><button name="act" value="cancel">Cancel</button></form>');
    return;
  }
  const chunks = await request.toArray();
  const form = new URLSearchParams(Buffer.concat(chunks).toString());
  const result = form.get('act') === 'go'
    ? { login: { accountId: form.get('name') } }
    : { error: 'access_denied' };
  await provider.interactionFinished(request, response, result);
}

/** Everybody agrees that the dashboard learns who they are. */
async function agree(context) {
  const { client, session, provider } = context.oidc;
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
  grant.addOIDCScope('openid');
  await grant.save();
  return grant;
}

const configuration = {
  clients: [...(REDIRECTS.length > 0 ? [PEOPLE] : []), {
    ...CLIENT,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    scope: SCOPE,
  }],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resources.RS256,
      getResourceServerInfo: (_context, indicator) => resourceServer(indicator),
    },
  },
  formats: { customizers: { jwt: finish } },
  interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
  loadExistingGrant: agree,
  jwks: { keys: Object.entries(KEYS).map(privateKey) },
  scopes: SCOPE.split(' '),
  ttl: { ClientCredentials: LIFETIME_SECONDS },
};

const server = createServer();
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, configuration);
  const serve = provider.callback();
  server.on('request', (request, response) => {
    if (!request.url.startsWith('/interaction/')) return serve(request, response);
    interact(provider, request, response).catch((error) => response.writeHead(500).end(String(error)));
  });
  const ready = {
    issuer,
    jwks_url: `${issuer}/jwks`,
    token_url: `${issuer}/token`,
    audience: AUDIENCE,
    ...CLIENT,
    dashboard: DASHBOARD,
    resources,
    flaws: Object.keys(FLAWS),
  };
  process.stdout.write(`${JSON.stringify(ready)}\n`);
});
process.on('SIGTERM', () => process.exit(0));
if (process.env.TOOLVAULT_TEST_OIDC_ATTACHED) {
  process.stdin.on('end', () => process.exit(0)).resume();
}
