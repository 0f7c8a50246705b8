"""The console's pages, each subject a module with its routes."""
