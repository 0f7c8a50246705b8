"""The console's pages: a request in, HTML out; each subject a module with its routes."""
