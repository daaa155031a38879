// A code comes behind the # of the address, which no server and no log sees. It is taken out of the address at once, so that
// it stays in no history, and shown to the server, which says whose session it would be. Nobody is signed in by this.
const code = /^#code=([0-9a-f]{64})$/.exec(location.hash)
if (code) {
  history.replaceState(null, '', location.pathname)
  const form = document.getElementById('code-form')
  form.elements.code.value = code[1]
  form.submit()
}
