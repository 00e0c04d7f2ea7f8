"""The command line `parcours`: everything of it that is a client of the services.

What runs in this process (the platform, a service, diagnosis without a platform) comes from the composition root, as
`local_parts.LocalParts`.
"""
