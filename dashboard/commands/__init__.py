"""The command line, one file per group of commands: each adds its parsers and turns arguments into calls on the rooms."""
