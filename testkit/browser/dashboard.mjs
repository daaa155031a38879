// Signs in to the dashboard in a real browser and looks at its pages: wide and narrow, light and dark, with and without script.
//
// Arguments: the module of playwright-core, the file of axe-core, the server's address, a token, the folder for screenshots, and
// the pages as JSON: [name, path].
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const [module, axeFile, server, token, folder, pagesAsJson] = process.argv.slice(2)
const pages = JSON.parse(pagesAsJson)
const axe = readFileSync(axeFile, 'utf8')
const { chromium } = await import(pathToFileURL(module).href)
mkdirSync(folder, { recursive: true })

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
})
const views = []
let freeze
try {
  for (const width of [1280, 390]) {
    for (const scheme of ['light', 'dark']) views.push(...await visit(width, scheme, true))
  }
  views.push(...await visit(320, 'light', true))
  views.push(...await visit(1280, 'light', false))
  freeze = await freezeByKeyboard()
} finally {
  await browser.close()
}
process.stdout.write(JSON.stringify({ views, freeze }))

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
    // Chromium fetches the icon when everything else is there, and gives it up when the next page is opened before.
    const isGivenUp = request.url().includes('/icon-') && request.failure()?.errorText === 'net::ERR_ABORTED'
    if (!isGivenUp) seen.complaints.push(`failed: ${request.url()}`)
  })
  return { context, page, seen }
}

async function visit(width, scheme, script) {
  const { context, page, seen } = await open(width, scheme, script)
  const views = []
  const look = async (name) => {
    const measured = await page.evaluate(measure)
    const findings = script ? await check(page) : []
    await page.screenshot({ path: join(folder, `dashboard-${width}-${scheme}${script ? '' : '-plain'}-${name}.png`), fullPage: true })
    views.push({ width, scheme, script, name, url: page.url(), findings, requests: seen.requests.splice(0), complaints: seen.complaints.splice(0), ...measured })
  }
  await page.goto(`${server}/dashboard`, { waitUntil: 'load' })
  await look('sign-in')
  await page.fill('input[name=token]', token)
  await page.click('form:has(input[name=token]) button')
  await page.waitForURL('**/dashboard?signed-in')
  for (const [name, path] of pages) {
    await page.goto(server + path, { waitUntil: 'load' })
    await look(name)
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
    .filter((element) => !element.closest('.scroll, .side nav, .skip, .heard'))
    .filter((element) => element.getBoundingClientRect().right > root.clientWidth + 0.5)
    .map((element) => element.outerHTML.slice(0, 160))
  return {
    title: document.title,
    nodes: document.querySelectorAll('*').length,
    bytes: root.outerHTML.length,
    pageWidth: root.scrollWidth,
    roomWidth: root.clientWidth,
    tooWide,
    styled: document.querySelectorAll('[style], style, script:not([src])').length,
    paper: getComputedStyle(document.body).backgroundColor,
  }
}

// The whole way from a page to a frozen credential, without a mouse and without a script.
async function freezeByKeyboard() {
  const { context, page } = await open(1280, 'light', false)
  await page.goto(`${server}/dashboard`, { waitUntil: 'load' })
  await tabTo(page, 'input[name=token]')
  await page.keyboard.type(token)
  await page.keyboard.press('Enter')
  await page.waitForURL('**/dashboard?signed-in')
  await tabTo(page, 'nav a[href="/dashboard/credentials"]')
  await page.keyboard.press('Enter')
  await page.waitForURL('**/dashboard/credentials')
  await tabTo(page, 'tbody th a')
  await page.keyboard.press('Enter')
  await page.waitForURL('**/dashboard/credentials/*')
  await tabTo(page, '.change summary')
  await page.keyboard.press('Enter')
  await tabTo(page, '.change form button')
  await page.keyboard.press('Enter')
  await page.waitForURL('**done=frozen')
  const text = await page.innerText('main')
  await page.screenshot({ path: join(folder, 'dashboard-1280-light-plain-frozen.png'), fullPage: true })
  await context.close()
  return text
}

async function tabTo(page, selector) {
  for (let presses = 0; presses < 200; presses++) {
    await page.keyboard.press('Tab')
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return
  }
  throw new Error(`the Tab key never comes to ${selector}`)
}
