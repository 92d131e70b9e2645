"""How a query can fail: before anything of it ran, or at one place of its response."""

from collections.abc import Mapping, Sequence


class InvalidQuery(Exception):  # noqa: N818 -- it is the request that is invalid, and the name says so
    """The request's query cannot be run; ``errors`` are GraphQL's, as a response carries them."""

    def __init__(self, errors: Sequence[Mapping[str, object]]) -> None:
        super().__init__(errors[0]["message"])
        self.errors = list(errors)


class FieldError(Exception):
    """An error at one place of the response; ``__cause__`` says what it was."""

    def __init__(self, path: Sequence[str | int]) -> None:
        super().__init__(".".join(map(str, path)))
        self.path = list(path)
