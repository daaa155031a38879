// Opens the API page in a real browser, wide and narrow, light and dark, with and without script, and reports what it saw.
//
// Arguments: the module of playwright-core, the server's address, the folder for screenshots.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const [module, server, folder] = process.argv.slice(2)
const { chromium } = await import(pathToFileURL(module).href)
mkdirSync(folder, { recursive: true })

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
})
const views = []
try {
  for (const width of [1280, 390]) {
    for (const scheme of ['light', 'dark']) views.push(await view(width, scheme, true))
  }
  views.push(await view(1280, 'light', false))
} finally {
  await browser.close()
}
process.stdout.write(JSON.stringify(views))

async function view(width, scheme, script) {
  const context = await browser.newContext({
    viewport: { width, height: width < 500 ? 844 : 900 },
    colorScheme: scheme,
    javaScriptEnabled: script,
    reducedMotion: 'reduce',
  })
  const page = await context.newPage()
  const requests = []
  const complaints = []
  page.on('request', (request) => requests.push(request.url()))
  page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`))
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`))
  page.on('requestfailed', (request) => complaints.push(`failed: ${request.url()}`))
  const response = await page.goto(`${server}/docs`, { waitUntil: 'load' })

  const seen = await page.evaluate(look)
  await page.keyboard.press('Tab')
  const focus = await page.evaluate(() => {
    const style = getComputedStyle(document.activeElement)
    const box = document.activeElement.getBoundingClientRect()
    return { text: document.activeElement.textContent, outline: style.outlineStyle, isVisible: box.top >= 0 }
  })
  await page.evaluate(() => document.activeElement.blur())
  if (script) {
    for (const [name, anchor] of [['top', ''], ['create', '#post-api-admin-credentials'],
      ['change', '#patch-api-admin-credentials-id'], ['import', '#post-api-admin-credentials-import'], ['shapes', '#shapes']]) {
      await page.evaluate((to) => { to ? location.hash = to : scrollTo(0, 0) }, anchor)
      await page.screenshot({ path: join(folder, `docs-${width}-${scheme}-${name}.png`) })
    }
  }
  const policy = response.headers()['content-security-policy'] ?? ''
  await context.close()
  return { width, scheme, script, status: response.status(), policy, requests, complaints, focus, ...seen }
}

// Runs in the page.
function look() {
  const root = document.documentElement
  const tooWide = [...document.body.querySelectorAll('*')]
    .filter((element) => !element.closest('pre, thead, .skip'))
    .filter((element) => element.getBoundingClientRect().right > root.clientWidth + 0.5)
    .map((element) => element.outerHTML.slice(0, 120))

  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
  const channels = (color) => {
    canvas.clearRect(0, 0, 1, 1)
    canvas.fillStyle = color
    canvas.fillRect(0, 0, 1, 1)
    return [...canvas.getImageData(0, 0, 1, 1).data]
  }
  const luminance = (color) => {
    const [r, g, b] = channels(color).slice(0, 3).map((value) => {
      const part = value / 255
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const background = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor
      if (channels(color)[3] === 255) return color
    }
    return 'white'
  }
  const contrasts = new Map()
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement
    if (!node.data.trim() || ['SCRIPT', 'STYLE'].includes(element.tagName) || !element.getClientRects().length) continue
    const [front, back] = [getComputedStyle(element).color, background(element)]
    const [high, low] = [luminance(front), luminance(back)].sort((a, b) => b - a)
    const ratio = (high + 0.05) / (low + 0.05)
    const key = `${front} on ${back}`
    if (!contrasts.has(key)) contrasts.set(key, { ratio, colours: key, text: node.data.trim().slice(0, 40) })
  }

  const levels = [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].map((heading) => Number(heading.tagName[1]))
  return {
    lang: root.lang,
    pageWidth: root.scrollWidth,
    roomWidth: root.clientWidth,
    tooWide,
    contrasts: [...contrasts.values()],
    skippedHeading: levels.some((level, n) => level > (levels[n - 1] ?? 0) + 1),
    landmarks: ['header', 'nav[aria-label]', 'main', 'footer', 'h1'].map((one) => document.querySelectorAll(one).length),
    operations: [...document.querySelectorAll('article.operation')].map((article) => {
      const [verb, path] = [article.querySelector('.verb'), article.querySelector('.path')]
      return `${verb.innerText} ${path.innerText}`
    }),
    copyButtons: document.querySelectorAll('.listing button').length,
    listings: document.querySelectorAll('.listing').length,
  }
}
