"""A count with its noun, for people."""


def counted(count: int, one: str, many: str = "") -> str:
    """`1 recipient`, `1,200 recipients`; with a verb `1 recipient waits`, `1,200 recipients wait`.

    Args:
        count: How many.
        one: The words for one of them.
        many: The words for any other count; the first with an s unless given.
    """
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"
