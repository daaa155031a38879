// What makes pages quicker to use. Each of them does everything without it.
const $ = (selector, root = document) => root.querySelector(selector)
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)]
const make = (tag, attributes = {}, ...inside) => {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
  element.append(...inside)
  return element
}
const isTyping = (target) => target.closest?.('input, select, textarea, [contenteditable]')
const said = make('p', { class: 'heard', role: 'status' })
document.body.append(said)
const say = (text) => { said.textContent = text }

// Copying: a button beside whatever is meant to be copied.
const dress = (root) => {
  for (const element of $$('[data-copy]', root)) {
    if (element.nextElementSibling?.matches('.copy')) continue
    const button = make('button', { type: 'button', class: 'copy quiet' }, 'Copy')
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText(element.textContent)
      say('Copied')
      button.textContent = 'Copied'
      setTimeout(() => { button.textContent = 'Copy' }, 2000)
    })
    element.after(button)
  }
  for (const svg of $$('svg.chart[data-points]', root)) crosshair(svg)
}

// A key that is shown goes after half a minute, and when the window is left.
const shown = $('[data-revealed]')
if (shown) {
  const hide = () => {
    if (!shown.isConnected) return
    const note = make('p', { class: 'note' }, 'The key is hidden again. Show it once more if you need it.')
    shown.replaceWith(note)
    say('The key is hidden again')
  }
  setTimeout(hide, 30000)
  addEventListener('blur', hide)
  addEventListener('pagehide', hide)
}

// A form that is under way is not sent twice.
addEventListener('submit', (event) => {
  if (event.target.method !== 'post') return
  if (event.target.dataset.sent) return event.preventDefault()
  event.target.dataset.sent = 'yes'
  setTimeout(() => delete event.target.dataset.sent, 5000)
})
addEventListener('pageshow', () => $$('form[data-sent]').forEach((form) => delete form.dataset.sent))

// Charts: the figures stand in the table behind each; the crosshair reads them there.
function crosshair(svg) {
  if (svg.tabIndex === 0) return
  const numbers = $('.numbers', svg.closest('figure'))
  if (!numbers) return
  const rows = $$('tbody tr', numbers).map((row) => [...row.cells].map((cell) => cell.textContent.trim()))
  const leads = $$('tbody tr', numbers).map((row) => $('th a', row))
  const heads = $$('thead th', numbers).map((cell) => cell.textContent.trim())
  const slots = $$('.slot', svg)
  if (!rows.length || rows.length < slots.length) return
  const tip = make('div', { class: 'tip', hidden: '' })
  svg.after(tip)
  svg.tabIndex = 0
  svg.classList.toggle('leads', leads.some(Boolean))
  let at = -1
  let only = 0
  const show = (next) => {
    at = Math.max(0, Math.min(slots.length - 1, next))
    slots.forEach((slot, number) => slot.classList.toggle('on', number === at))
    const [name, ...values] = rows[at]
    tip.replaceChildren(make('b', {}, name), ...values.map((value, number) => make('span', {}, `${heads[number + 1]}: ${value}`)))
    tip.hidden = false
    tip.classList.toggle('left', at > slots.length / 2)
    for (const other of $$('svg.chart[data-points]')) {
      if (other !== svg && $$('.slot', other).length === slots.length) {
        $$('.slot', other).forEach((slot, number) => slot.classList.toggle('on', number === at))
      }
    }
    if (only > 0) tip.children[only].classList.add('only')
    const told = values.map((value, number) => `${heads[number + 1]} ${value}`)
    return `${name}: ${only > 0 ? told[only - 1] : told.join(', ')}`
  }
  const hide = () => {
    tip.hidden = true
    $$('.slot.on').forEach((slot) => slot.classList.remove('on'))
  }
  slots.forEach((slot, number) => {
    slot.addEventListener('pointerenter', () => show(number))
    slot.addEventListener('click', () => leads[number]?.click())
  })
  svg.addEventListener('pointerleave', hide)
  svg.addEventListener('blur', hide)
  svg.addEventListener('keydown', (event) => {
    const to = { ArrowLeft: at < 0 ? slots.length - 1 : at - 1, ArrowRight: at + 1, Home: 0, End: slots.length - 1 }[event.key]
    if (event.key === 'Escape') return hide()
    if (event.key === 'Enter') return leads[at]?.click()
    const series = { ArrowUp: -1, ArrowDown: 1 }[event.key]
    if (series && at >= 0) {
      event.preventDefault()
      only = (only + series + heads.length) % heads.length
      return say(show(at))
    }
    if (to === undefined) return
    event.preventDefault()
    say(show(to))
  })
}

// The palette: pages, and whatever is found by name.
const places = $$('.side nav a, .who a').map((link) => ({ name: link.textContent.trim(), href: link.getAttribute('href'), kind: 'page' }))
let palette
function openPalette() {
  if (!palette) {
    const input = make('input', { type: 'search', 'aria-label': 'Go to', placeholder: 'A page, a name, or: freeze NAME, test NAME, limit NAME', autocomplete: 'off', spellcheck: 'false', role: 'combobox', 'aria-expanded': 'true', 'aria-controls': 'found' })
    const list = make('ul', { id: 'found', role: 'listbox', 'aria-label': 'Found' })
    palette = make('dialog', { class: 'palette', 'aria-label': 'Go to' }, input, list)
    document.body.append(palette)
    let at = 0
    let asked = 0
    const draw = (found) => {
      at = 0
      list.replaceChildren(...found.map((one, number) => make('li', { role: 'option', id: `found-${number}`, 'aria-selected': String(number === 0) }, make('a', { href: one.href, tabindex: '-1' }, one.name, make('span', { class: 'soft' }, ` ${one.kind}`)))))
      input.setAttribute('aria-activedescendant', found.length ? 'found-0' : '')
    }
    const search = async () => {
      const text = input.value.trim().toLowerCase()
      const own = places.filter((place) => place.name.toLowerCase().includes(text))
      draw(own)
      const mine = ++asked
      if (!text || !document.body.dataset.find) return
      const answer = await fetch(`${document.body.dataset.find}?q=${encodeURIComponent(text)}`, { redirect: 'error' }).catch(() => undefined)
      if (!answer?.ok || mine !== asked) return
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html')
      draw([...own, ...$$('[data-found]', page).map((link) => ({ name: link.textContent.trim(), href: link.getAttribute('href'), kind: link.dataset.found }))].slice(0, 12))
    }
    let waiting
    input.addEventListener('input', () => { clearTimeout(waiting); waiting = setTimeout(search, 120) })
    input.addEventListener('keydown', (event) => {
      const options = $$('li', list)
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
      if (event.key === 'Enter' && options[at]) { event.preventDefault(); $('a', options[at]).click() }
      if (!step || !options.length) return
      event.preventDefault()
      options[at].setAttribute('aria-selected', 'false')
      at = (at + step + options.length) % options.length
      options[at].setAttribute('aria-selected', 'true')
      input.setAttribute('aria-activedescendant', options[at].id)
    })
    palette.search = () => { input.value = ''; search() }
  }
  palette.search()
  palette.showModal()
}

// Keys.
const keys = [['Ctrl K', 'go to anything'], ['/', 'search in this page'], ['j k', 'next and previous row'], ['Enter', 'open the row'], ['g and a letter', `go to a page: ${$$('[data-letter]').map((link) => `${link.dataset.letter} ${link.textContent.trim()}`).join(', ')}`], ['← → ↑ ↓', 'points and series of a chart'], ['?', 'this list']]
let help
function openHelp() {
  help ??= make('dialog', { class: 'help', 'aria-label': 'Keys' }, make('h2', {}, 'Keys'), make('dl', { class: 'facts' }, ...keys.flatMap(([key, what]) => [make('dt', {}, make('kbd', {}, key)), make('dd', {}, what)])), make('form', { method: 'dialog' }, make('button', { class: 'main' }, 'Close')))
  document.body.append(help)
  help.showModal()
}
let isGoing = false
addEventListener('keydown', (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') { event.preventDefault(); return openPalette() }
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.body.dataset.letters === 'off' || $('dialog[open]')) return
  if (isGoing) {
    isGoing = false
    return $(`[data-letter="${CSS.escape(event.key)}"]`)?.click()
  }
  if (event.key === 'g') { isGoing = true; setTimeout(() => { isGoing = false }, 1500) }
  if (event.key === '?') openHelp()
  if (event.key === '/') { const field = $('main form[role=search] input:not([type=hidden])'); if (field) { event.preventDefault(); field.focus() } }
  if (event.key === 'j' || event.key === 'k') {
    const links = $$('main tbody th a')
    const now = links.indexOf(document.activeElement)
    links[Math.max(0, Math.min(links.length - 1, now + (event.key === 'j' ? 1 : -1)))]?.focus()
  }
})

// Live: the stream says what kinds of things have moved, and the page is fetched again with its own rights.
const main = $('main[data-live]')
if (main && globalThis.EventSource) {
  const wanted = new Set(main.dataset.live.split(' '))
  const button = make('button', { type: 'button', class: 'quiet', 'aria-pressed': 'false' }, 'Pause updates')
  const asOf = make('span', { class: 'sub asof' })
  $('#head').append(make('span', { class: 'row' }, asOf, button))
  const was = new WeakMap()
  let source
  const refresh = async () => {
    const answer = await fetch($('[data-at]')?.dataset.at ?? location.href, { redirect: 'error' }).catch(() => undefined)
    if (!answer?.ok) { asOf.textContent = 'not up to date'; asOf.classList.add('warn'); return }
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html')
    for (const part of $$('main [id].card')) {
      const next = page.getElementById(part.id)
      const isBusy = part.contains(document.activeElement) || $('details[open], [data-sent]', part) || 'keep' in part.dataset
      if (!next || isBusy || next.outerHTML === was.get(part)) continue
      was.set(next, next.outerHTML)
      part.replaceWith(document.adoptNode(next))
      dress(next)
    }
    asOf.classList.remove('warn')
    asOf.textContent = `updated ${new Date().toISOString().slice(11, 19)} UTC`
  }
  let waiting
  const soon = () => { waiting ??= setTimeout(() => { waiting = undefined; refresh() }, 1000) }
  const start = () => {
    source?.close()
    source = new EventSource('/dashboard/events')
    source.addEventListener('moved', (event) => {
      if (!event.data.split(' ').some((kind) => wanted.has(kind))) return
      soon()
    })
    // A stream that was refused, or whose session has ended, is not asked for again.
    source.addEventListener('error', () => { if (source.readyState === EventSource.CLOSED) asOf.textContent = 'updates have ended' })
  }
  const stop = () => { source?.close(); source = undefined }
  button.addEventListener('click', () => {
    const isPaused = button.getAttribute('aria-pressed') !== 'true'
    button.setAttribute('aria-pressed', String(isPaused))
    if (isPaused) stop()
    else { start(); soon() }
  })
  document.addEventListener('visibilitychange', () => {
    if (button.getAttribute('aria-pressed') === 'true') return
    if (document.hidden) return stop()
    start()
    soon()
  })
  addEventListener('pagehide', stop)
  if (!document.hidden) start()
}

dress(document)
