// A receiver of webhooks that verifies them with the library of Standard Webhooks, and prints what it found as a line of JSON. Lines of its
// input are secrets; the last one counts.
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { join } from 'node:path'

const { Webhook } = createRequire(join(process.env.NODE_MODULES, 'x.js'))('standardwebhooks')
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`)
let secret

const server = createServer(async (request, response) => {
  let body = ''
  for await (const chunk of request) body += chunk
  try {
    const told = new Webhook(secret).verify(body, request.headers)
    say({ isVerified: true, id: request.headers['webhook-id'], type: told.type, text: told.text })
    response.writeHead(200).end('verified')
  } catch (error) {
    say({ isVerified: false, error: error.message })
    response.writeHead(401).end('not verified')
  }
})
server.listen(0, '127.0.0.1', () => say({ port: server.address().port }))
const lines = createInterface({ input: process.stdin })
lines.on('line', (line) => { secret = line.trim(); say({ secret: true }) })
lines.on('close', () => process.exit(0))
