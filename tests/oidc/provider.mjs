// A real OpenID provider (npm oidc-provider) on 127.0.0.1, for the tests of JWT sign-in.
//
//   node provider.mjs [PORT]        PORT 0, the default, takes a free one
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

const configuration = {
  clients: [{
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
  jwks: { keys: Object.entries(KEYS).map(privateKey) },
  scopes: SCOPE.split(' '),
  ttl: { ClientCredentials: LIFETIME_SECONDS },
};

const server = createServer();
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, configuration);
  server.on('request', provider.callback());
  const ready = {
    issuer,
    jwks_url: `${issuer}/jwks`,
    token_url: `${issuer}/token`,
    audience: AUDIENCE,
    ...CLIENT,
    resources,
    flaws: Object.keys(FLAWS),
  };
  process.stdout.write(`${JSON.stringify(ready)}\n`);
});
process.on('SIGTERM', () => process.exit(0));
if (process.env.TOOLVAULT_TEST_OIDC_ATTACHED) {
  process.stdin.on('end', () => process.exit(0)).resume();
}
