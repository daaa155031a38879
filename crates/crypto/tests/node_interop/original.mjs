// The original application's own sealing, as it does it with Node's crypto: what is sealed here must open in strongroom,
// and what strongroom seals must open here. Reads one JSON array of jobs, writes one JSON array of answers.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'

function encrypt(key, ivLength, plain) {
  const iv = randomBytes(ivLength)
  const cipher = createCipheriv('aes-256-gcm', Buffer.from(key, 'hex'), iv)
  let encrypted = cipher.update(plain, 'utf8', 'hex')
  encrypted += cipher.final('hex')
  return `${iv.toString('hex')}:${cipher.getAuthTag().toString('hex')}:${encrypted}`
}

function decrypt(key, sealed) {
  const [iv, authTag, encrypted] = sealed.split(':')
  const decipher = createDecipheriv('aes-256-gcm', Buffer.from(key, 'hex'), Buffer.from(iv, 'hex'))
  decipher.setAuthTag(Buffer.from(authTag, 'hex'))
  let plain = decipher.update(encrypted, 'hex', 'utf8')
  plain += decipher.final('utf8')
  return plain
}

const jobs = JSON.parse(readFileSync(0, 'utf8'))
const answers = jobs.map(({ key, sealed, plain, ivLength }) =>
  sealed === undefined ? encrypt(key, ivLength, plain) : decrypt(key, sealed))
process.stdout.write(JSON.stringify(answers))
