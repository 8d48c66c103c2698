"""When a result was made, for its provenance: said only if it is asked for, so that equal work gives equal bytes."""

import os
from datetime import UTC, datetime


def creation_time() -> dict[str, str]:
    """
    Return the attribute ``created`` with the time in SOURCE_DATE_EPOCH; nothing if that is not set.

    A run that was interrupted and gone on with then gives the same file as one that was not. The time at which a file
    was written is that of the file.

    Examples
    --------
    >>> os.environ.pop("SOURCE_DATE_EPOCH", None) and None
    >>> creation_time()
    {}
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not epoch.isdigit():
        return {}
    return {"created": datetime.fromtimestamp(int(epoch), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
