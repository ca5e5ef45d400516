// Runs in Bun: the same dialect as the bare ws broadcasters, by its own publish.
/* global Bun */
const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch: (request, server) => server.upgrade(request, { data: { tell: '' } }) ? undefined : new Response('WebSocket only', { status: 426 }),
  websocket: {
    message(ws, message) {
      if (ws.data.tell !== '') return void server.publish(ws.data.tell, message)
      const { hear, tell } = JSON.parse(message)
      ws.subscribe(hear)
      ws.data.tell = tell
      ws.send('{"type":"JOINED"}')
    },
  },
})
console.log(JSON.stringify({ url: `ws://127.0.0.1:${server.port}` }))
