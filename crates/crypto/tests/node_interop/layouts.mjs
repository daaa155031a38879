// Every keyed layout of docs/format.md, written from that page alone. Reads one JSON object: the master key, the wrapped
// keys by purpose, and what to make; writes what it made.
import { createDecipheriv, createHash, createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'

const text = (value, lengthBytes = 4) => {
  const bytes = Buffer.from(value, 'utf8')
  const length = Buffer.alloc(lengthBytes)
  length.writeUInt32BE(bytes.length, lengthBytes - 4)
  return Buffer.concat([length, bytes])
}
const number = (value) => text(String(value))
const optional = (value, lengthBytes = 4) =>
  value === null ? Buffer.from([0]) : Buffer.concat([Buffer.from([1]), text(value, lengthBytes)])
const hmac = (key, fields) => createHmac('sha256', key).update(Buffer.concat(fields)).digest('hex')

const given = JSON.parse(readFileSync(0, 'utf8'))
const master = Buffer.from(given.master, 'hex')
const masterFingerprint = hmac(master, [text('strongroom/master-fingerprint/v1')]).slice(0, 16)

function unwrap(purpose) {
  const { id, wrapped } = given.keys[purpose]
  const [iv, tag, ciphertext] = wrapped.split(':').map((part) => Buffer.from(part, 'hex'))
  const cipher = createDecipheriv('aes-256-gcm', master, iv)
  cipher.setAAD(Buffer.concat([text('strongroom/wrap/v1'), text(id), text(purpose), text(masterFingerprint)]))
  cipher.setAuthTag(tag)
  return Buffer.concat([cipher.update(ciphertext), cipher.final()])
}

function crc32(bytes) {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return (crc ^ 0xffffffff) >>> 0
}

function checksum(body) {
  const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
  let rest = crc32(Buffer.from(body))
  let out = ''
  for (let n = 0; n < 6; n++) {
    out = digits[rest % 62] + out
    rest = Math.floor(rest / 62)
  }
  return out
}

const [tokenKey, auditKey] = [unwrap('token'), unwrap('audit')]
const { token, user, credential, version, entry, row } = given
const tokenHash = hmac(tokenKey, [text('strongroom/token-hash/v1'), text(token.text)])
const link = hmac(auditKey, [
  text('strongroom/audit-entry/v1'), text(entry.chain_id), number(entry.seq), text(entry.before), text(entry.uid),
  number(entry.at_ms), text(entry.action), text(entry.actor), text(entry.target_kind), optional(entry.target_id),
  optional(entry.target_name), text(entry.outcome), text(entry.detail), optional(entry.request_id),
  optional(entry.remote_address),
])
const grantOf = (format, state) => [
  text(format), text(credential.uid), text(credential.name), text(credential.provider),
  optional(credential.endpoint), text(state),
  text(credential.is_global ? 'global' : 'owned'), optional(credential.user_id), text(credential.version_uid),
]
const tokenGrantOf = (format) => [
  text(format), text(token.id), text(tokenHash), text(token.role), optional(token.user_id),
  optional(token.expires_at_ms), optional(token.revoked_at_ms), number(token.scope_credentials.length),
  ...token.scope_credentials.map((uid) => text(uid)), ...token.scope_providers.map((name) => text(name)),
]
const fingerprint = hmac(unwrap('fingerprint'), [text('strongroom/fingerprint/v1'), text(given.secret)])
const sha256 = (fields) => createHash('sha256').update(Buffer.concat(fields)).digest('hex')
const rowDigest = sha256([
  text('strongroom/row-digest/v1', 8), text(row.name, 8), text(row.provider, 8), optional(row.endpoint, 8),
  text(String(row.priority), 8), text(String(row.is_active), 8), text(String(row.is_global), 8),
  optional(row.user_id, 8), optional(row.rate_limit, 8), optional(row.api_key, 8), optional(row.api_secret, 8),
])

process.stdout.write(JSON.stringify({
  master_fingerprint: masterFingerprint,
  fingerprint,
  token_checksum: checksum(token.text.slice(0, -6)),
  token_hash: tokenHash,
  token_mac: hmac(tokenKey, tokenGrantOf('strongroom/token-grant/v1')),
  leased_token_mac: hmac(tokenKey, tokenGrantOf('strongroom/token-grant/v2-leased')),
  version_mac: hmac(tokenKey, [
    text('strongroom/version/v1'), text(credential.uid), text(version.uid), number(version.number), text(version.origin),
    optional(version.copied_from), text(version.created_by), number(version.created_at_ms),
    optional(version.activated_at_ms), optional(version.replaced_at_ms), optional(version.retired_at_ms),
    optional(version.ended_as), optional(version.ended_at_ms), optional(version.ended_reason),
    optional(version.erased_as), optional(version.erased_at_ms), optional(version.probe_outcome),
    optional(version.probed_at_ms), optional(version.provider_key), optional(version.revoked_at_ms),
    text(version.is_followed ? 'followed' : 'last'),
    text(version.field), text(version.fingerprint_key_id), text(fingerprint),
  ]),
  user_mac: hmac(tokenKey, [
    text('strongroom/user-grant/v1'), number(user.id), text(user.role), text(user.is_active ? 'active' : 'disabled'),
  ]),
  credential_mac: hmac(tokenKey, grantOf('strongroom/credential-grant/v1', credential.is_active ? 'active' : 'inactive')),
  later_credential_mac: hmac(tokenKey, [
    ...grantOf('strongroom/credential-grant/v2', credential.is_active ? 'frozen' : 'inactive frozen'), optional(credential.staged_version_uid),
    number(credential.canary_percent), optional(credential.expires_at_ms), optional(credential.deleted_at_ms),
    optional(credential.minter_uid), optional(credential.minter_project),
  ]),
  link,
  head_mac: hmac(auditKey, [text('strongroom/audit-head/v1'), text(entry.chain_id), number(entry.seq), text(link)]),
  row_digest: rowDigest,
  row_digests: sha256([
    text('strongroom/row-digests/v1', 8), ...[rowDigest, 'ff'.repeat(32)].sort().map((digest) => text(digest, 8)),
  ]),
}))
