"""Imported before everything else. Imports make a hundred thousand objects and hardly any garbage, and looking for it would
be an eighth of the function's start; so it is not looked for until `over`.
"""

import gc

gc.disable()


def over() -> None:
    """All is imported: garbage is collected from here on."""
    gc.enable()
