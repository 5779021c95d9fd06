"""What can go wrong for a user, as one tree.

BothwaysError                a bad input or setting: exit status 2
├── FactsError               a facts file, relation file or exam that cannot be used
├── RunError                 a run folder or checkpoint that cannot be used
├── EntityError              a question about an entity the run does not know
├── GuardError               a guard that failed while running (a loss that is not a number): exit status 3
└── Stopped                  the user asked to stop; what was under way is saved: exit status 130

Every message is one sentence that says what is wrong, where, and what to do.
"""


class BothwaysError(ValueError):
    """A bad input or setting; `exit_status` is what the command line ends with."""

    exit_status = 2


class FactsError(BothwaysError):
    """Facts, relations or an exam that cannot be used."""


class RunError(BothwaysError):
    """A run folder or checkpoint that cannot be used."""


class EntityError(BothwaysError):
    """A question about an entity that the run does not know."""


class GuardError(BothwaysError):
    """A guard failed while a run was under way, such as a loss that is not a number."""

    exit_status = 3


class Stopped(BothwaysError):
    """The user asked to stop; every run under way has saved its state."""

    exit_status = 130
