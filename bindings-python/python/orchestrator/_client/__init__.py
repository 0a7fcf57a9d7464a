"""What a program does with tasks: it opens a store or a server, submits, looks, waits and decides."""
