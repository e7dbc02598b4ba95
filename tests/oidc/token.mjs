// Fetches an access token from a running provider.mjs and prints it.
//
//   node token.mjs READY [ALGORITHM] [SCOPE]
//
// READY is the line that provider.mjs printed; ALGORITHM is RS256 (the default), PS256, ES256 or
// EdDSA; without SCOPE the token has none.
const [, , line, algorithm = 'RS256', scope] = process.argv;
const ready = JSON.parse(line);
const form = new URLSearchParams({
  grant_type: 'client_credentials',
  resource: ready.resources[algorithm],
});
if (scope) form.set('scope', scope);
const basic = Buffer.from(`${ready.client_id}:${ready.client_secret}`).toString('base64');
const response = await fetch(ready.token_url, {
  method: 'POST',
  headers: { authorization: `Basic ${basic}` },
  body: form,
});
const answer = await response.json();
if (!response.ok) {
  process.stderr.write(`${response.status} ${JSON.stringify(answer)}\n`);
  process.exit(1);
}
process.stdout.write(`${answer.access_token}\n`);
