"""The composition root: settings become adapters, adapters become services. Nothing is opened on import."""
