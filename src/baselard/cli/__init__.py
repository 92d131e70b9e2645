"""The command line: parse, start what is needed, print the result and nothing else on stdout."""
