// The console without a network: its own files, and nothing that anybody said. Both names are filled in when it is built.
'use strict'
const store = 'agentchat-' + 'VERSION'
const files = [/* FILES */].map(file => '/console/' + file)

self.addEventListener('install', event => {
  event.waitUntil(caches.open(store).then(cache => cache.addAll(['/console/', ...files].map(path => new Request(path, { cache: 'reload', headers: { accept: 'text/html,*/*' } })))).then(() => self.skipWaiting()))
})

self.addEventListener('activate', event => {
  event.waitUntil(caches.keys().then(names => Promise.all(names.filter(name => name.startsWith('agentchat-') && name !== store).map(name => caches.delete(name)))).then(() => self.clients.claim()))
})

self.addEventListener('fetch', event => {
  const { request } = event
  const url = new URL(request.url)
  if (request.method !== 'GET' || url.origin !== location.origin || !url.pathname.startsWith('/console/')) return
  // A page is asked of the relay first, so that a new version is seen; what has a name of its version never changes.
  if (request.mode === 'navigate') event.respondWith(fetch(request).catch(() => caches.match('/console/', { ignoreVary: true })))
  else event.respondWith(caches.match(request, { ignoreSearch: true, ignoreVary: true }).then(found => found || fetch(request)))
})
