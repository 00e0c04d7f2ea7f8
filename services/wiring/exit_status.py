"""How a service tells its supervisor why it ended (the numbers are those of BSD's sysexits)."""

from typing import Final

EXIT_FOR_GOOD: Final = 78
"""Starting the service again cannot help: settings, a log that does not fit, a port or folder in use."""
EXIT_DEFECT: Final = 70
"""Something escaped that is not an error of ours."""
LAST_WORDS: Final = "the service stops"
DEFECT_WORDS: Final = "the service stops on a defect"
"""Messages of the log line with which a service says why it ends; the supervisor says so together with what it does."""
