"""What can go wrong in the lab, in one line each."""


class LabError(Exception):
    """Something that the lab needs is missing or has failed; the text is one line for people."""
