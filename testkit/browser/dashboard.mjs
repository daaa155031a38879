// Signs in to the dashboard in a real browser and looks at its pages: wide and narrow, light and dark, with and without script.
//
// Arguments: the module of playwright-core, the file of axe-core, the server's address, the same for calls of the API, a token, the
// folder for screenshots, the pages as JSON: [name, path], the number of a credential, and other roles as JSON: [name, token, paths].
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'

const [module, axeFile, server, api, token, folder, pagesAsJson, credential, rolesAsJson] = process.argv.slice(2)
const pages = JSON.parse(pagesAsJson)
const axe = readFileSync(axeFile, 'utf8')
const { chromium } = await import(pathToFileURL(module).href)
mkdirSync(folder, { recursive: true })

// Ten tasks, each with the keyboard alone.
const tasks = [
  ['add a credential', '/dashboard/credentials', [['summary', 'Add a credential'], ['[name=name]', '', 'by-keyboard'], ['[name=provider]', '', 'openai'], ['[name=api_key]', '', 'sk-by-keyboard'], ['button', 'Store']], 'done=created'],
  ['freeze it', '', [['.change summary', 'Freeze'], ['.change button', 'Freeze']], 'done=frozen'],
  ['unfreeze it', '', [['.change summary', 'Unfreeze'], ['.change button', 'Unfreeze']], 'done=unfrozen'],
  ['show its key', '', [['a.button', 'Show the key'], ['[name=reason]', '', 'to enter it into the printer'], ['button', 'Show the key']], '/reveal'],
  ['set a limit', '/dashboard/limits', [['[name=credential]', '', 'by-keyboard'], ['[name=amount]', '', '12.5'], ['button', 'Set']], 'done=set'],
  ['raise it', '', [['.change summary', 'Raise'], ['[name=amount]', '', '20'], ['[name=reason]', '', 'the batch of March'], ['.change button', 'Raise']], 'done=raised'],
  ['make a token', '/dashboard/tokens', [['[name=name]', '', 'by-keyboard'], ['button', 'Make']], '/dashboard/tokens'],
  ['revoke a token', '/dashboard/tokens', [['.change summary', 'Revoke'], ['.change button', 'Revoke']], 'done=revoked'],
  ['add a user', '/dashboard/users', [['[name=name]', '', 'keyboardist'], ['button', 'Add']], 'done=created'],
  ['verify the trail', '/dashboard/audit', [['a', 'Verify the whole trail']], '/audit/verify'],
  ['ask about usage', '/dashboard/usage', [['[name=provider]', '', 'openai'], ['button', 'Show']], 'provider=openai'],
]

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
})
const views = []
let plain, quick, script, weight, print
try {
  for (const width of [1280, 390]) {
    for (const scheme of ['light', 'dark']) views.push(...await visit(width, scheme, true))
  }
  views.push(...await visit(320, 'light', true))
  views.push(...await visit(1280, 'light', false))
  for (const [role, of, paths] of JSON.parse(rolesAsJson)) {
    views.push(...await visit(1280, 'light', true, of, paths.map((path) => [`${role} ${path}`, path])))
  }
  plain = await tasksByKeyboard(false)
  quick = await tasksByKeyboard(true)
  script = await withScript(credential)
  weight = await weigh()
  print = await onPaper(['/dashboard', `/dashboard/credentials/${credential}`, '/dashboard/usage'])
} finally {
  await browser.close()
}
process.stdout.write(JSON.stringify({ views, plain, quick, script, weight, print }))

async function open(width, scheme, script) {
  const context = await browser.newContext({
    viewport: { width, height: width < 500 ? 844 : 900 },
    colorScheme: scheme,
    javaScriptEnabled: script,
    reducedMotion: 'reduce',
  })
  const page = await context.newPage()
  const seen = { requests: [], complaints: [] }
  page.on('request', (request) => seen.requests.push(request.url()))
  page.on('console', (message) => seen.complaints.push(`${message.type()}: ${message.text()}`))
  page.on('pageerror', (error) => seen.complaints.push(`error: ${error.message}`))
  page.on('requestfailed', (request) => {
    // Chromium fetches the icon when everything else is there, and gives it up when the next page is opened before; and the stream
    // of a page ends with the page.
    const isGivenUp = /\/(icon-|dashboard\/events)/.test(request.url()) && request.failure()?.errorText === 'net::ERR_ABORTED'
    if (!isGivenUp) seen.complaints.push(`failed: ${request.url()}`)
  })
  return { context, page, seen }
}

async function visit(width, scheme, script, of = token, shown = pages) {
  const { context, page, seen } = await open(width, scheme, script)
  const views = []
  const look = async (name, bytes = 0) => {
    const measured = await page.evaluate(measure)
    const findings = script ? await check(page) : []
    await page.screenshot({ path: join(folder, `dashboard-${width}-${scheme}${script ? '' : '-plain'}-${name.replaceAll(/[^a-z-]+/g, '_')}.png`), fullPage: true })
    views.push({ width, scheme, script, name, url: page.url(), findings, requests: seen.requests.splice(0), complaints: seen.complaints.splice(0), bytes, ...measured })
  }
  await page.goto(`${server}/dashboard`, { waitUntil: 'load' })
  await look('sign-in')
  await page.fill('input[name=token]', of)
  await page.click('form:has(input[name=token]) button')
  await page.waitForURL((url) => /\/dashboard(\/mine$|\?signed-in)/.test(url.href))
  for (const [name, path] of shown) {
    const response = await page.goto(server + path, { waitUntil: 'load' })
    await look(name, gzipSync(await response.body()).length)
  }
  await context.close()
  return views
}

// By DevTools and not by a script of the page, which its policy would refuse.
async function check(page) {
  await page.evaluate(axe)
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'] }))
  return violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 160)).join(' | ')}`)
}

// Runs in the page.
function measure() {
  const root = document.documentElement
  const tooWide = [...document.body.querySelectorAll('*')]
    .filter((element) => !element.closest('.scroll, .side nav, .tabs, .skip, .heard'))
    .filter((element) => element.getBoundingClientRect().right > root.clientWidth + 0.5)
    .map((element) => element.outerHTML.slice(0, 160))
  return {
    title: document.title,
    nodes: document.querySelectorAll('*').length,
    firstNodes: [...document.querySelectorAll('*')].filter((element) => element.checkVisibility?.() && element.getBoundingClientRect().top < innerHeight).length,
    pageWidth: root.scrollWidth,
    roomWidth: root.clientWidth,
    tooWide,
    styled: document.querySelectorAll('[style], style, script:not([src])').length,
    paper: getComputedStyle(document.body).backgroundColor,
  }
}

async function tasksByKeyboard(script) {
  const { context, page, seen } = await open(1280, 'light', script)
  await signIn(page)
  const done = []
  for (const [name, path, steps, arrived] of tasks) {
    // Names are taken by the first round.
    const again = script ? '-again' : ''
    if (path) await page.goto(server + path, { waitUntil: 'load' })
    for (const [selector, text, typed] of steps) {
      await tabTo(page, selector, text)
      if (typed === undefined) {
        await page.keyboard.press('Enter')
      } else {
        await page.keyboard.press('Control+A')
        await page.keyboard.type(/keyboard/.test(typed) && !/^sk-/.test(typed) ? typed + again : typed)
      }
    }
    await page.waitForURL((url) => url.href.includes(arrived))
    await page.waitForLoadState('load')
    done.push({ name, url: page.url(), text: await page.innerText('main') })
    if (name === 'show its key') {
      const back = page.url().replace('/reveal', '')
      await page.goto(back, { waitUntil: 'load' })
    }
  }
  await context.close()
  return { done, complaints: seen.complaints }
}

// What a page loads besides itself, compressed.
async function weigh() {
  const { context, page } = await open(1280, 'light', true)
  await signIn(page)
  const urls = await page.evaluate(() => [...document.querySelectorAll('script[src], link[href]')].map((element) => element.src || element.href))
  await context.close()
  let [files, script] = [0, 0]
  for (const url of urls) {
    const bytes = gzipSync(Buffer.from(await (await fetch(url.replace(server, api))).arrayBuffer())).length
    files += bytes
    if (url.endsWith('.js')) script += bytes
  }
  return { files, script }
}

// Paper: no navigation and no forms, and every table open.
async function onPaper(paths) {
  const { context, page } = await open(1280, 'light', true)
  await signIn(page)
  const seen = []
  for (const path of paths) {
    await page.goto(server + path, { waitUntil: 'load' })
    await page.emulateMedia({ media: 'print' })
    seen.push(await page.evaluate(() => ({
      navigation: document.querySelector('.side').checkVisibility(),
      forms: [...document.querySelectorAll('main form')].some((form) => form.checkVisibility()),
      tables: [...document.querySelectorAll('.numbers table')].filter((table) => table.getBoundingClientRect().height > 0).length,
      closed: [...document.querySelectorAll('.numbers table')].filter((table) => table.getBoundingClientRect().height === 0).length,
      pageWidth: document.documentElement.scrollWidth,
      roomWidth: document.documentElement.clientWidth,
    })))
    await page.screenshot({ path: join(folder, `dashboard-print${path.replaceAll(/[^a-z]+/g, '_')}.png`), fullPage: true })
    await page.emulateMedia({ media: null })
  }
  await context.close()
  return seen
}

// What the script adds.
async function withScript(credential) {
  const { context, page, seen } = await open(1280, 'light', true)
  await signIn(page)
  await page.keyboard.press('Control+K')
  await page.keyboard.type('openai-pri')
  await page.waitForSelector('#found li:has-text("openai-primary")')
  await page.screenshot({ path: join(folder, 'dashboard-1280-light-palette.png') })
  await page.keyboard.press('Enter')
  await page.waitForURL('**/dashboard/credentials/*')
  const palette = page.url()
  // A verb and a name lead to the open form, and do nothing yet.
  await page.keyboard.press('Control+K')
  await page.keyboard.type('freeze openai-pri')
  await page.waitForSelector('#found li:has-text("freeze openai-primary")')
  await page.keyboard.press('Enter')
  await page.waitForURL('**?open=freeze')
  const verb = page.url()
  const verbForm = await page.locator('details[open] form[action$="/freeze"]').isVisible()
  const went = {}
  for (const letter of ['o', 'c', 'l', 't', 'a', 'u']) {
    await page.keyboard.press('g')
    await Promise.all([page.waitForNavigation({ waitUntil: 'load' }), page.keyboard.press(letter)])
    went[letter] = page.url()
  }
  await page.goto(`${server}/dashboard/credentials`, { waitUntil: 'load' })
  await page.keyboard.press('/')
  const search = await page.evaluate(() => document.activeElement.name)
  await page.evaluate(() => document.activeElement.blur())
  const rows = []
  for (const key of ['j', 'j', 'k']) {
    await page.keyboard.press(key)
    rows.push(await page.evaluate(() => document.activeElement.textContent))
  }
  await Promise.all([page.waitForNavigation({ waitUntil: 'load' }), page.keyboard.press('Enter')])
  const opened = page.url()
  await page.goto(`${server}/dashboard/usage`, { waitUntil: 'load' })
  await page.waitForSelector('svg.chart[tabindex="0"]')
  await page.focus('svg.chart')
  await page.keyboard.press('End')
  await page.keyboard.press('ArrowLeft')
  const spoken = await page.innerText('p.heard[role=status]')
  const tip = await page.innerText('.tip')
  await page.screenshot({ path: join(folder, 'dashboard-1280-light-crosshair.png') })
  await page.keyboard.press('ArrowDown')
  const one = await page.innerText('p.heard[role=status]')
  await Promise.all([page.waitForNavigation({ waitUntil: 'load' }), page.keyboard.press('Enter')])
  const records = page.url()
  await page.goto(`${server}/dashboard/usage`, { waitUntil: 'load' })
  await page.keyboard.press('Tab')
  await page.keyboard.press('?')
  await page.waitForSelector('dialog.help[open]')
  await page.keyboard.press('Escape')
  // Something that happens elsewhere is seen without a touch.
  await page.goto(server + '/dashboard/audit', { waitUntil: 'load' })
  const before = await page.innerText('#entries')
  await fetch(`${api}/api/admin/credentials/${credential}/freeze`, { method: 'POST', headers: { authorization: `Bearer ${token}` } })
  await page.waitForFunction((text) => document.querySelector('#entries').innerText !== text, before, { timeout: 20000 })
  const live = await page.innerText('#entries')
  // What is paused stays as it is, and catches up when it goes on.
  const unfreeze = () => fetch(`${api}/api/admin/credentials/${credential}/unfreeze`, { method: 'POST', headers: { authorization: `Bearer ${token}` } })
  await page.click('button:has-text("Pause updates")')
  await unfreeze()
  await page.waitForTimeout(2500)
  const paused = await page.innerText('#entries') === live
  await page.click('button:has-text("Pause updates")')
  await page.waitForFunction((text) => document.querySelector('#entries').innerText !== text, live, { timeout: 20000 })
  const resumed = await page.innerText('#entries')
  // Letters do nothing once they are switched off.
  await page.goto(`${server}/dashboard/sessions`, { waitUntil: 'load' })
  await switchLetters(page)
  await page.goto(`${server}/dashboard/credentials`, { waitUntil: 'load' })
  await page.keyboard.press('/')
  await page.keyboard.press('g')
  await page.keyboard.press('u')
  await page.keyboard.press('?')
  const silent = await page.evaluate(() => document.activeElement === document.body && !document.querySelector('dialog[open]') && location.pathname === '/dashboard/credentials')
  await page.goto(`${server}/dashboard/sessions`, { waitUntil: 'load' })
  await switchLetters(page)
  // A key that is shown goes when the window is left.
  await page.goto(`${server}/dashboard/credentials/${credential}`, { waitUntil: 'load' })
  await page.goto(`${server}/dashboard/credentials/${credential}/reveal`, { waitUntil: 'load' })
  await page.fill('[name=reason]', 'to see whether it goes away')
  await page.click('form.fields button')
  await page.waitForSelector('[data-revealed] output')
  const shown = await page.innerText('main')
  const findings = await check(page)
  await page.evaluate(() => dispatchEvent(new Event('blur')))
  const hidden = await page.innerText('main')
  await context.close()
  return { palette, verb, verbForm, went, search, rows, opened, spoken, one, records, tip, live, paused, resumed, silent, shown, hidden, findings, complaints: seen.complaints }
}

// Switches single letters off, or on again.
async function switchLetters(page) {
  await page.click('input[name=letters]')
  await Promise.all([page.waitForNavigation({ waitUntil: 'load' }), page.click('form[action="/dashboard/display"] button')])
}

async function signIn(page) {
  await page.goto(`${server}/dashboard`, { waitUntil: 'load' })
  await tabTo(page, 'input[name=token]')
  await page.keyboard.type(token)
  await page.keyboard.press('Enter')
  await page.waitForURL('**/dashboard?signed-in')
}

async function tabTo(page, selector, text = '') {
  for (let presses = 0; presses < 400; presses++) {
    await page.keyboard.press('Tab')
    const look = page.evaluate(
      ([wanted, words]) => document.activeElement?.matches(wanted) && document.activeElement.textContent.trim().startsWith(words),
      [selector, text],
    )
    // What was pressed before may lead to another page in the middle of this.
    const isThere = await look.catch(() => page.waitForLoadState('load').then(() => false))
    if (isThere) return
  }
  await page.screenshot({ path: join(folder, 'dashboard-lost.png'), fullPage: true })
  throw new Error(`the Tab key never comes to ${selector} ${text} at ${page.url()}`)
}
