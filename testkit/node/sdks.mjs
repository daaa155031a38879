// The providers' own Node libraries as clients of the gateway: base URL and token are all that is changed.
//
// Environment: GATEWAY (base URL), TOKEN, EMPTY_TOKEN (one whose limit is used up). Ends with an exception, or prints `ok`
// and how many calls were to be refused by a limit.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

// The packages are installed elsewhere.
const require = createRequire(`${process.env.NODE_MODULES}/sdks.mjs`)
const load = async (name) => import(pathToFileURL(require.resolve(name)))

const { default: OpenAI } = await load('openai')
const { default: Anthropic } = await load('@anthropic-ai/sdk')
const { GoogleGenAI } = await load('@google/genai')
const { generateText, streamText, APICallError } = await load('ai')
const { createOpenAI } = await load('@ai-sdk/openai')
const { createAnthropic } = await load('@ai-sdk/anthropic')

const { GATEWAY, TOKEN, EMPTY_TOKEN } = process.env
const WORDS = 'Hello from the fake.'
const messages = [{ role: 'user', content: 'Hello?' }]
const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
let limited = 0

const overTheLimit = async (call, kind) => {
  limited += 1
  await assert.rejects(call, (error) => {
    if (kind) assert.ok(error instanceof kind, `${error.constructor.name}`)
    assert.match(JSON.stringify(error) + error.message, /Rate limit exceeded/)
    return true
  })
}

{
  const at = (apiKey) => new OpenAI({ baseURL: `${GATEWAY}/openai/v1`, apiKey })
  const client = at(TOKEN)
  const model = 'gpt-4o-mini'
  const answer = await client.chat.completions.create({ model, messages, max_tokens: 20 })
  assert.equal(answer.choices[0].message.content, WORDS)
  let said = ''
  const stream = await client.chat.completions.create({ model, messages, max_tokens: 20, stream: true })
  for await (const chunk of stream) said += chunk.choices[0]?.delta?.content ?? ''
  assert.equal(said, WORDS)
  const tools = [{ type: 'function', function: { name: 'weather', parameters: schema } }]
  const called = await client.chat.completions.create({ model, messages, max_tokens: 20, tools })
  assert.equal(called.choices[0].message.tool_calls[0].function.name, 'weather')
  const responded = await client.responses.create({ model, input: 'Hello?', max_output_tokens: 20 })
  assert.equal(responded.output_text, WORDS)
  await assert.rejects(
    client.chat.completions.create({ model: 'no-such-model', messages, max_tokens: 1 }),
    OpenAI.NotFoundError,
  )
  await assert.rejects(
    at('sk-not-ours').chat.completions.create({ model, messages, max_tokens: 1 }),
    OpenAI.AuthenticationError,
  )
  const empty = at(EMPTY_TOKEN)
  await overTheLimit(() => empty.chat.completions.create({ model, messages, max_tokens: 1 }), OpenAI.RateLimitError)
}

{
  const at = (apiKey) => new Anthropic({ baseURL: `${GATEWAY}/anthropic`, apiKey })
  const client = at(TOKEN)
  const model = 'claude-fake'
  const answer = await client.messages.create({ model, messages, max_tokens: 20 })
  assert.equal(answer.content[0].text, WORDS)
  const final = await client.messages.stream({ model, messages, max_tokens: 20 }).finalMessage()
  assert.equal(final.content[0].text, WORDS)
  const tools = [{ name: 'weather', input_schema: schema }]
  const called = await client.messages.create({ model, messages, max_tokens: 20, tools })
  assert.equal(called.content[0].name, 'weather')
  assert.equal((await client.messages.countTokens({ model, messages })).input_tokens, 12)
  await assert.rejects(
    client.messages.create({ model: 'no-such-model', messages, max_tokens: 1 }),
    Anthropic.NotFoundError,
  )
  await assert.rejects(
    at('sk-ant-not-ours').messages.create({ model, messages, max_tokens: 1 }),
    Anthropic.AuthenticationError,
  )
  const empty = at(EMPTY_TOKEN)
  await overTheLimit(() => empty.messages.create({ model, messages, max_tokens: 1 }), Anthropic.RateLimitError)
}

{
  const at = (apiKey) => new GoogleGenAI({ apiKey, httpOptions: { baseUrl: `${GATEWAY}/gemini` } })
  const client = at(TOKEN)
  const model = 'gemini-fake'
  const contents = 'Hello?'
  assert.equal((await client.models.generateContent({ model, contents })).text, WORDS)
  let said = ''
  for await (const chunk of await client.models.generateContentStream({ model, contents })) said += chunk.text
  assert.equal(said, WORDS)
  const config = { tools: [{ functionDeclarations: [{ name: 'weather', parametersJsonSchema: schema }] }] }
  const called = await client.models.generateContent({ model, contents, config })
  assert.equal(called.functionCalls[0].name, 'weather')
  await assert.rejects(client.models.generateContent({ model: 'no-such-model', contents }), { status: 404 })
  await assert.rejects(at('AIza-not-ours').models.generateContent({ model, contents }), { status: 401 })
  await overTheLimit(() => at(EMPTY_TOKEN).models.generateContent({ model, contents }))
}

{
  const openai = (apiKey) => createOpenAI({ baseURL: `${GATEWAY}/openai/v1`, apiKey }).chat('gpt-4o-mini')
  const anthropic = (apiKey) => createAnthropic({ baseURL: `${GATEWAY}/anthropic/v1`, apiKey })('claude-fake')
  for (const of of [openai, anthropic]) {
    assert.equal((await generateText({ model: of(TOKEN), prompt: 'Hello?' })).text, WORDS)
    let said = ''
    for await (const text of streamText({ model: of(TOKEN), prompt: 'Hello?' }).textStream) said += text
    assert.equal(said, WORDS)
    limited += 1
    // This library retries whatever has status 429 unless it is told not to.
    await assert.rejects(generateText({ model: of(EMPTY_TOKEN), prompt: 'Hello?', maxRetries: 0 }), (error) => {
      assert.ok(APICallError.isInstance(error), error.constructor.name)
      assert.equal(error.statusCode, 429)
      return true
    })
  }
}

console.log(`ok ${limited}`)
