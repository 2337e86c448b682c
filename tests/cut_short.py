"""A run that ends before its end, as if it had been killed."""


class CutShort(BaseException):
    """Passes by what catches errors, as a kill does."""


def after(part):
    """The ``progress`` of a run that ends once more than this part of a phase, or of the whole, is done."""

    def progress(_, done, total):
        if done > part * total:
            raise CutShort

    return progress
