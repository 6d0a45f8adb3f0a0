// A worker that does nothing.
setInterval(() => {}, 60_000)
