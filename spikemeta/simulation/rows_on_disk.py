"""Rows of numbers that are written one by one, each on disk as soon as it is known."""

import os
from pathlib import Path

import numpy as np

from spikemeta.errors import UserError


class Rows:
    """A table of float64; a row that was written begins with 1.

    Parameters
    ----------
    shape : (int, int)
        Of the table, that first number of each row included.
    path : Path or None
        Its file; None to keep all in memory.
    """

    def __init__(self, shape, path=None):
        self.shape, self.path = shape, Path(path) if path else None
        self.held = None if path else np.zeros(shape)

    def begin(self):
        """Empty the table.

        Raises
        ------
        UserError
            If its file cannot be written.
        """
        if self.path:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self.path.write_bytes(b"")
            except OSError as error:
                raise self._unwritable(error) from None

    def _unwritable(self, error):
        return UserError(f"cannot write what is recorded to {self.path} ({error.strerror}): make room there")

    def write(self, place, values):
        """Write a row.

        Parameters
        ----------
        place : int
        values : sequence of ndarray
            What follows the 1, together as long as a row.

        Raises
        ------
        UserError
            If its file cannot be written.
        """
        row = np.concatenate([np.ones(1), *values])
        if self.held is not None:
            self.held[place] = row
            return
        try:
            with open(self.path, "r+b") as file:
                file.seek(place * self.shape[1] * 8)
                file.write(row.tobytes())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise self._unwritable(error) from None

    def all(self):
        """The table, (n_rows, width), 0 where nothing was written."""
        if self.held is not None:
            return self.held
        found = np.fromfile(self.path) if self.path.is_file() else np.empty(0)
        rows = np.zeros(self.shape).ravel()
        rows[: min(len(found), len(rows))] = found[: len(rows)]
        return rows.reshape(self.shape)

    def look(self, wanted):
        """Refuse a file that lacks any of these rows, (n_rows,) of bool.

        Raises
        ------
        UserError
        """
        if not np.all(self.all()[:, 0][wanted] == 1):
            raise UserError(f"{self.path} lacks what was recorded before: delete its folder to begin that run anew")
