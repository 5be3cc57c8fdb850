// The peer "oauth2-mock": npm's oauth2-mock-server with hooks for rotation and for odd token answers, and a small
// protected API. It knows nothing of Keybearer. In memory, loopback only.
//
// Environment: PORT (the provider), API_PORT (the API and the peer's switches), ACCESS_TTL, PEER_MODULES (the folder whose
// node_modules holds oauth2-mock-server). Nobody is asked for consent; every code is a new account.
// A refresh token is good once. Its second use ends every token of its family.
//
//   GET  /api/whoami     whose token it is; 401 for a dead token
//   POST /_peer/odd      {kinds: [kind…]}: the next successful refreshes answer oddly, one kind each:
//                        narrow_scope, string_expiry, no_expiry, same_refresh (the sent refresh token stays good and is left out)
import { createRequire } from 'node:module';
import http from 'node:http';
import { randomUUID } from 'node:crypto';
import { pathToFileURL } from 'node:url';

const modules = createRequire(pathToFileURL(`${process.env.PEER_MODULES}/package.json`));
const { OAuth2Server } = await import(pathToFileURL(modules.resolve('oauth2-mock-server')));

const host = '127.0.0.1';
const ttl = Number(process.env.ACCESS_TTL);
const refreshTokens = new Map(); // token -> {family, used}
const accessTokens = new Map(); // token -> {family, ends}
const revoked = new Set(); // families
let families = 0;
let odd = [];

function revoke(token) {
  const found = refreshTokens.get(token) ?? accessTokens.get(token);
  if (found) revoked.add(found.family);
}

const server = new OAuth2Server();
await server.issuer.keys.generate('RS256');
server.service.on('beforeResponse', (response, request) => {
  const refused = (text) => {
    response.statusCode = 400;
    response.body = { error: 'invalid_grant', error_description: text };
  };
  if (response.statusCode !== 200) return;
  const sent = request.body?.refresh_token;
  let family;
  let kind;
  if (request.body?.grant_type === 'refresh_token') {
    const known = refreshTokens.get(sent);
    if (!known) return refused('unknown');
    if (known.used) revoked.add(known.family);
    if (revoked.has(known.family)) return refused('used before, or revoked');
    ({ family } = known);
    kind = odd.shift();
    known.used = kind !== 'same_refresh';
  } else {
    families += 1;
    family = families;
  }
  const access = `at-${family}-${randomUUID()}`;
  accessTokens.set(access, { family, ends: Date.now() + ttl * 1000 });
  const body = { access_token: access, token_type: 'Bearer', expires_in: ttl, scope: 'read extra' };
  if (kind !== 'same_refresh') {
    body.refresh_token = `rt-${family}-${randomUUID()}`;
    refreshTokens.set(body.refresh_token, { family, used: false });
  }
  if (kind === 'narrow_scope') body.scope = 'read';
  if (kind === 'string_expiry') body.expires_in = String(ttl);
  if (kind === 'no_expiry') delete body.expires_in;
  response.body = body;
});
// The server does not read the body of a revocation.
server.service.on('beforeRevoke', (_response, request) => {
  body(request).then((text) => revoke(new URLSearchParams(text).get('token')));
});

async function body(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}

const api = http.createServer(async (request, response) => {
  const answer = (status, value) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(value));
  };
  if (request.url === '/_peer/odd') {
    odd = JSON.parse(await body(request)).kinds;
    return answer(200, {});
  }
  const token = accessTokens.get(/^Bearer (.+)$/i.exec(request.headers.authorization)?.[1]);
  if (!token || token.ends < Date.now() || revoked.has(token.family)) return answer(401, { error: 'invalid_token' });
  return answer(200, { sub: `account-${token.family}`, scope: 'read' });
});
await server.start(Number(process.env.PORT), host);
api.listen(Number(process.env.API_PORT), host, 511, () => console.log(`listening ${server.issuer.url}`));
