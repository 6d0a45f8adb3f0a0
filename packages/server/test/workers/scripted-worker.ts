// A worker that says what the test tells it to say, and nothing else.
process.on('message', (message) => process.send?.(message))
