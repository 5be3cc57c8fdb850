// The peer "oidc-provider": npm's oidc-provider (an OpenID-certified authorization server) with a small
// protected API behind it. It knows nothing of Keybearer; clients register themselves (RFC 7591), so one
// process serves every test. In memory, loopback only.
//
// Environment: PORT; PEER_MODULES, the folder whose node_modules holds oidc-provider.
// It requires PKCE, rotates refresh tokens, kills a grant whose refresh token is used twice, sends `iss`
// (RFC 9207), and offers introspection (RFC 7662) and revocation (RFC 7009).
//
//   POST /reg                     client registration; `access_ttl` sets the seconds its access tokens live, `wanted_secret`
//                                 is made the client's secret
//   GET  /api/whoami              whose token it is; 401 for a dead token, 403 without scope api:read
//   GET  /api/notes?limit&after   25 notes of that user, cursor-paged; POST makes one (scope api:write)
//   GET  /_peer/stats?client_id=  what the peer saw of that client, the tokens that it issued included
//   POST /_peer/faults            {client_id, token_status, token_body?, count}: that many broken token answers
//   POST /_peer/kill              {token}: that access token dies, its grant lives on
//   POST /_peer/slow              {client_id, token_ms?, api_ms?}: delays
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const modules = createRequire(pathToFileURL(`${process.env.PEER_MODULES}/package.json`));
const { default: Provider } = await import(pathToFileURL(modules.resolve('oidc-provider')));

const host = '127.0.0.1';
const port = Number(process.env.PORT);
const issuer = `http://${host}:${port}`;
const scopes = ['openid', 'offline_access', 'profile', 'api:read', 'api:write'];

const configuration = {
  scopes,
  claims: { openid: ['sub'], profile: ['name'] },
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id, name: `User ${id}` }) }),
  pkce: { required: () => true },
  rotateRefreshToken: true,
  issueRefreshToken: (_ctx, client, code) =>
    client.grantTypeAllowed('refresh_token') && code.scopes.has('offline_access'),
  extraClientMetadata: { properties: ['access_ttl', 'wanted_secret'] },
  ttl: {
    AccessToken: (_ctx, _token, client) => client.access_ttl ?? 3600,
    AuthorizationCode: 60, RefreshToken: 86400, IdToken: 300, Session: 3600, Grant: 86400, Interaction: 600,
  },
  features: {
    devInteractions: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    registration: { enabled: true, secretFactory: (ctx) => ctx.oidc.body?.wanted_secret ?? randomBytes(32).toString('base64url') },
    revocation: { enabled: true },
  },
  cookies: { keys: ['loopback-peer'] },
};
const provider = new Provider(issuer, configuration);

// --- what the peer saw, by client ----------------------------------------------------------------------
const seen = new Map();
function of(client) {
  if (!seen.has(client)) {
    seen.set(client, {
      code_exchanges: 0, refreshes: 0, refused: [], revocation_requests: 0, grants_revoked: 0,
      token_requests: 0, api_calls: 0, access_tokens: [], refresh_tokens: [],
      fault: null, token_ms: 0, api_ms: 0,
    });
  }
  return seen.get(client);
}
provider.on('grant.success', (ctx) => {
  const kind = ctx.oidc.params.grant_type === 'refresh_token' ? 'refreshes' : 'code_exchanges';
  of(ctx.oidc.client.clientId)[kind] += 1;
});
provider.on('grant.error', (ctx, error) => {
  const client = ctx.oidc?.client?.clientId ?? ctx.oidc?.params?.client_id;
  if (client) of(client).refused.push(`${error.error}: ${error.error_detail ?? error.error_description}`);
});
provider.on('grant.revoked', (ctx) => {
  const client = ctx.oidc?.client?.clientId;
  if (client) of(client).grants_revoked += 1;
});
provider.on('access_token.saved', (token) => of(token.clientId).access_tokens.push(token.jti));
provider.on('refresh_token.saved', (token) => {
  const tokens = of(token.clientId).refresh_tokens;
  if (!tokens.includes(token.jti)) tokens.push(token.jti);
});
provider.on('server_error', (_ctx, error) => console.error('server_error', error));

// --- the protected API, and the peer's own switches ----------------------------------------------------
const notes = new Map();
function notesOf(account) {
  if (!notes.has(account)) {
    notes.set(account, Array.from({ length: 25 }, (_, n) => ({ id: `n${n + 1}`, text: `note ${n + 1} of ${account}` })));
  }
  return notes.get(account);
}
const wait = (ms) => new Promise((done) => { setTimeout(done, ms); });

async function body(ctx) {
  let text = '';
  for await (const chunk of ctx.req) text += chunk;
  return text;
}

async function api(ctx) {
  const bearer = /^Bearer (.+)$/i.exec(ctx.get('authorization'))?.[1];
  const token = bearer && await provider.AccessToken.find(bearer);
  if (!token || token.isExpired) {
    ctx.status = 401;
    ctx.set('WWW-Authenticate', 'Bearer error="invalid_token"');
    ctx.body = { error: 'invalid_token' };
    return;
  }
  of(token.clientId).api_calls += 1;
  await wait(of(token.clientId).api_ms);
  const needed = ctx.method === 'POST' ? 'api:write' : 'api:read';
  if (!token.scopes.has(needed)) {
    ctx.status = 403;
    ctx.set('WWW-Authenticate', `Bearer error="insufficient_scope", scope="${needed}"`);
    ctx.body = { error: 'insufficient_scope' };
  } else if (ctx.path === '/api/whoami') {
    ctx.body = { sub: token.accountId, scope: token.scope, client: token.clientId };
  } else if (ctx.path === '/api/notes' && ctx.method === 'POST') {
    const given = JSON.parse(await body(ctx));
    if (typeof given.text !== 'string' || given.text === '') {
      ctx.status = 422;
      ctx.body = { error: 'invalid_note', message: 'text must be a non-empty string' };
      return;
    }
    const all = notesOf(token.accountId);
    const note = { id: `n${all.length + 1}`, text: given.text };
    all.push(note);
    ctx.status = 201;
    ctx.body = note;
  } else if (ctx.path === '/api/notes') {
    const all = notesOf(token.accountId);
    const size = Math.min(Number(ctx.query.limit ?? 10), 100);
    const start = ctx.query.after ? all.findIndex((note) => note.id === ctx.query.after) + 1 : 0;
    const page = all.slice(start, start + size);
    ctx.body = { notes: page, next: start + size < all.length ? page.at(-1).id : null };
  } else if (ctx.path.startsWith('/api/notes/')) {
    const id = decodeURIComponent(ctx.path.slice('/api/notes/'.length));
    const note = notesOf(token.accountId).find((one) => one.id === id);
    ctx.status = note ? 200 : 404;
    ctx.body = note ?? { error: 'no_such_note', message: `no note ${id}` };
  } else {
    ctx.status = 404;
    ctx.body = { error: 'no_such_path' };
  }
}

// The client that a token request names, without reading its body twice: Basic only.
function basicClient(ctx) {
  const basic = /^Basic (.+)$/i.exec(ctx.get('authorization'))?.[1];
  return basic && decodeURIComponent(Buffer.from(basic, 'base64').toString().split(':')[0]);
}

provider.use(async (ctx, next) => {
  if (ctx.path.startsWith('/api/')) return api(ctx);
  if (ctx.path === '/_peer/stats') {
    ctx.body = of(ctx.query.client_id);
    return undefined;
  }
  if (ctx.path === '/_peer/faults') {
    const { client_id: client, ...fault } = JSON.parse(await body(ctx));
    of(client).fault = fault;
    ctx.body = {};
    return undefined;
  }
  if (ctx.path === '/_peer/kill') {
    const token = await provider.AccessToken.find(JSON.parse(await body(ctx)).token);
    await token?.destroy();
    ctx.body = {};
    return undefined;
  }
  if (ctx.path === '/_peer/slow') {
    const { client_id: client, ...delays } = JSON.parse(await body(ctx));
    Object.assign(of(client), delays);
    ctx.body = {};
    return undefined;
  }
  if (ctx.path === '/token' || ctx.path === '/token/revocation') {
    const client = basicClient(ctx);
    if (client) {
      const record = of(client);
      if (ctx.path === '/token/revocation') record.revocation_requests += 1;
      else {
        record.token_requests += 1;
        if (record.token_ms) await wait(record.token_ms);
        if (record.fault?.count > 0) {
          record.fault.count -= 1;
          ctx.status = record.fault.token_status;
          ctx.body = record.fault.token_body ?? { error: 'temporarily_unavailable' };
          return undefined;
        }
      }
    }
  }
  return next();
});

provider.listen(port, host, () => console.log(`listening ${issuer}`));
