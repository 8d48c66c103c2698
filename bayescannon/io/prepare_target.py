"""Where a preparation puts its store: a path of this machine, or a URL, to which the finished store is copied."""

from pathlib import Path

from bayescannon.data.preset import Preset
from bayescannon.io.output_lock import was_killed_on
from bayescannon.io.outputs import put_in_place, require_writable, saying_why
from bayescannon.io.paths import as_path
from bayescannon.io.store import store_attributes
from bayescannon.io.store_append import OldStore
from bayescannon.io.store_writer import check_output_store, place_to_write, upload
from bayescannon.io.urls import UrlPlace, url_of
from bayescannon.io.work_folder import work_folder_name
from bayescannon.numerics.errors import InputError
from bayescannon.numerics.typing import FloatArray


class PrepareTarget:
    """
    The store that a preparation is to write.

    Parameters
    ----------
    store : str or Path
    overwrite, append : bool
        Replace a store that exists, or add stars to it.

    Attributes
    ----------
    path : Path
        As it was given, for the report; a URL as a Path.
    folder : Path
        The path whose work folder has the unfinished store: of a URL its last name, in the working folder.
    was_begun : bool
        Stars are added by a command that was killed before, perhaps when it had added them already.

    Raises
    ------
    InputError
        Both `overwrite` and `append`, or one of them with a URL.
    OutputExistsError, OutputPermissionError
        As :class:`bayescannon.io.store_writer.StoreWriter`.
    """

    def __init__(self, store: str | Path, *, overwrite: bool, append: bool) -> None:
        if append and overwrite:
            raise InputError("stars are added to a store (append) or it is replaced (overwrite); got both")
        self._overwrite, self._append = overwrite, append
        # the same command was killed, perhaps when it had added the stars
        self.was_begun = False
        url = url_of(store)
        self._place = None if url is None else UrlPlace(url)
        if self._place is None:
            self.path = as_path(store, "the store to write")
            self.folder = check_output_store(self.path, overwrite=overwrite or append)
            self.was_begun = append and was_killed_on(self.folder)
            return
        if append:
            raise InputError(
                f"stars are added to a store on this machine only; {self._place.url} is a URL. Copy it here"
            )
        self.path = Path(self._place.url)
        self.folder = Path(self._place.url.rpartition("/")[2]).absolute()
        require_writable(self.folder.parent)
        if not work_folder_name(self.folder).exists():
            self.check()

    def check(self) -> None:
        """Raise an error unless the store can be written."""
        if self._place is None:
            check_output_store(self.path, overwrite=self._overwrite or self._append)
        else:
            place_to_write(self._place.url)

    def old(self, preset: Preset, grid: FloatArray) -> OldStore | None:
        """Return the store that stars are added to, None if a new one is made."""
        return OldStore(self.folder, preset, grid) if self._append else None

    def written(self) -> str | None:
        """Return the id of the store that is there, None if there is none."""
        found = store_attributes(self.path).get("store_id")
        return found if isinstance(found, str) else None

    def put(self, finished: Path) -> None:
        """Give a finished store its name, or copy it to the URL."""
        with saying_why(self.path):
            if self._place is None:
                put_in_place(finished, self.folder)
            else:
                upload(finished, self._place)
