// A worker that says what the test tells it to say, and nothing else.
process.on('message', ({ say }: { say?: object }) => say && process.send?.(say))
