"""`parcours run`: checks, starts, watches and stops the processes of a platform on one machine."""
