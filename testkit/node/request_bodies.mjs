// Bodies of requests as the providers' own Node libraries and the AI SDK write them, for `testkit/golden/requests/`.
//
// Usage: NODE_MODULES=folder/that/has/node_modules node request_bodies.mjs FILE. One line per request, as
// `python/request_bodies.py` writes them: its path below the gateway, and its body as it was sent, to the byte.
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

// The packages are installed elsewhere.
const require = createRequire(`${process.env.NODE_MODULES}/sdks.mjs`)
const load = async (name) => import(pathToFileURL(require.resolve(name)))

const { default: OpenAI } = await load('openai')
const { default: Anthropic } = await load('@anthropic-ai/sdk')
const { GoogleGenAI } = await load('@google/genai')
const { generateText, jsonSchema, tool } = await load('ai')
const { createOpenAI } = await load('@ai-sdk/openai')
const { createAnthropic } = await load('@ai-sdk/anthropic')

const seen = []
const server = createServer(async (request, response) => {
  let body = ''
  for await (const piece of request.setEncoding('utf8')) body += piece
  seen.push(`{"path":${JSON.stringify(request.url.split('?')[0])},"body":${body}}\n`)
  response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":{"message":"recorded","code":400}}')
})
await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
const base = `http://127.0.0.1:${server.address().port}`

const refused = async (call) => {
  const before = seen.length
  await call().then(
    () => {
      throw new Error('it was not refused')
    },
    (error) => {
      if (seen.length !== before + 1) throw error
    },
  )
}

const messages = [{ role: 'user', content: 'How is the weather in Köln? Use "image_url" and {"type":"file"}.' }]
const schema = { type: 'object', properties: { file: { type: 'string' } }, required: ['file'], additionalProperties: false }

{
  const client = new OpenAI({ baseURL: `${base}/openai/v1`, apiKey: 'k', maxRetries: 0 })
  const model = 'gpt-4o-mini'
  const called = { type: 'function', function: { name: 'weather', parameters: schema } }
  for (const options of [
    {},
    { max_tokens: 20, stream: true },
    { max_completion_tokens: 20, n: 2, tools: [called], tool_choice: 'auto' },
    { stream: true, stream_options: { include_usage: true } },
    { response_format: { type: 'json_schema', json_schema: { name: 's', schema, strict: true } } },
  ])
    await refused(() => client.chat.completions.create({ model, messages, ...options }))
  await refused(() => client.responses.create({ model, input: messages, max_output_tokens: 20, instructions: 'Be brief.' }))
  await refused(() => client.embeddings.create({ model: 'text-embedding-3-small', input: ['a', 'b'] }))
}
{
  const client = new Anthropic({ baseURL: `${base}/anthropic`, apiKey: 'k', maxRetries: 0 })
  const model = 'claude-sonnet-4-5'
  for (const options of [{}, { stream: true, system: 'Be brief.' }, { tools: [{ name: 'weather', input_schema: schema }] }])
    await refused(() => client.messages.create({ model, messages, max_tokens: 20, ...options }))
  await refused(() => client.messages.countTokens({ model, messages }))
}
{
  const client = new GoogleGenAI({ apiKey: 'k', httpOptions: { baseUrl: `${base}/gemini` } })
  const model = 'gemini-2.5-flash'
  for (const config of [
    {},
    { maxOutputTokens: 20, candidateCount: 2, systemInstruction: 'Be brief.' },
    { tools: [{ functionDeclarations: [{ name: 'weather', parametersJsonSchema: schema }] }] },
    { responseMimeType: 'application/json', responseJsonSchema: schema, thinkingConfig: { thinkingBudget: 100 } },
  ])
    await refused(() => client.models.generateContent({ model, contents: 'Hello?', config }))
}
{
  const openai = createOpenAI({ baseURL: `${base}/openai/v1`, apiKey: 'k' })
  const anthropic = createAnthropic({ baseURL: `${base}/anthropic/v1`, apiKey: 'k' })
  const tools = { weather: tool({ description: 'w', inputSchema: jsonSchema(schema), execute: async () => '12 °C' }) }
  const answered = [
    ...messages,
    { role: 'assistant', content: [{ type: 'tool-call', toolCallId: 'c', toolName: 'weather', input: { file: 'a' } }] },
    { role: 'tool', content: [{ type: 'tool-result', toolCallId: 'c', toolName: 'weather', output: { type: 'text', value: '12 °C' } }] },
  ]
  for (const model of [openai('gpt-5-mini'), openai.chat('gpt-4o-mini'), anthropic('claude-sonnet-4-5')])
    for (const options of [{}, { maxOutputTokens: 20, instructions: 'Be brief.', tools }, { messages: answered, tools }])
      await refused(() => generateText({ model, messages, maxRetries: 0, ...options }))
  await refused(() =>
    generateText({
      model: anthropic('claude-sonnet-4-5'),
      messages,
      maxRetries: 0,
      providerOptions: { anthropic: { thinking: { type: 'enabled', budgetTokens: 2000 } } },
    }),
  )
}

server.close()
writeFileSync(process.argv[2], [...new Set(seen)].join(''))
console.log(seen.length)
