"""Parts of pages: each draws one thing, and reports what the reader did through `dashboard.state`."""
