// Gives every listing a button that copies it. Without this script a click into a listing selects it whole.
if (navigator.clipboard) {
  for (const listing of document.querySelectorAll('.listing')) {
    const button = document.createElement('button')
    button.type = 'button'
    button.textContent = 'Copy'
    button.addEventListener('click', async () => {
      try {
        await navigator.clipboard.writeText(listing.querySelector('pre').textContent)
        button.textContent = 'Copied'
      } catch {
        button.textContent = 'Not allowed'
      }
      setTimeout(() => { button.textContent = 'Copy' }, 1600)
    })
    listing.append(button)
  }
}
