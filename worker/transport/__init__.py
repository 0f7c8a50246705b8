"""The way out to other hosts: connections, proxies, and a time for the whole call."""
