"""Spike trains as stimuli: kept as a list of spikes, and laid on a grid of steps where they are shown."""

import numpy as np

from spikemeta.errors import UserError

_EDGE = 1e-3  # of a step: times in files are rounded, and one this close before a step belongs to it


class Trains:
    """Spikes of many units in each of n stimuli; stands where a data set of images has its pixels.

    Parameters
    ----------
    times : (spikes,) float
        s, from the start of the stimulus.
    units : (spikes,) int
        Who fired, 0..n_units-1.
    starts : (n + 1,) int
        Where the spikes of each stimulus begin; the last is their number.
    n_units : int

    Attributes
    ----------
    shape : (int, int)
        Stimuli and units.
    nbytes : int
    """

    def __init__(self, times, units, starts, n_units):
        self.times, self.units = np.array(times, np.float32), np.array(units, np.int32)
        self.starts, self.shape = np.array(starts, np.int64), (len(starts) - 1, int(n_units))
        self.nbytes = sum(array.nbytes for array in (self.times, self.units, self.starts))
        for array in (self.times, self.units, self.starts):
            array.setflags(write=False)

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, rows):
        """The stimuli of a slice or of (m,) int, as `Trains`."""
        rows = np.atleast_1d(np.arange(len(self))[rows])
        places, starts = self._places(rows)
        return Trains(self.times[places], self.units[places], starts, self.shape[1])

    def _places(self, rows):
        """Places of the spikes of some stimuli, one after another, and where each one's begin."""
        counts = self.starts[rows + 1] - self.starts[rows]
        starts = np.concatenate([[0], np.cumsum(counts)])
        return np.arange(starts[-1]) + np.repeat(self.starts[rows] - starts[:-1], counts), starts

    @property
    def duration(self):
        """Time of the last spike of all, s; 0 without one."""
        return float(self.times.max(initial=0.0))

    def steps(self, step):
        """Steps that hold all spikes, at least 2.

        Parameters
        ----------
        step : float
            s.
        """
        return max(int(self.duration / step + _EDGE) + 1, 2)

    def reordered(self, orders):
        """Every stimulus in an order of its own.

        Parameters
        ----------
        orders : (n, n_units) int
            Place p shows what unit ``orders[n, p]`` does.

        Returns
        -------
        Trains
        """
        row = np.repeat(np.arange(len(self)), np.diff(self.starts))
        return Trains(self.times, np.argsort(orders, axis=1)[row, self.units], self.starts, self.shape[1])

    def codes(self, rows, step, steps):
        """Spikes of some stimuli on a grid, as numbers ``unit*steps + step`` in rising order.

        Two spikes of a unit in one step are one; those after the last step are left out.

        Parameters
        ----------
        rows : (m,) int
        step : float
            s.
        steps : int

        Returns
        -------
        codes : (spikes,) uint32
        starts : (m + 1,) int64
            Where those of each stimulus begin.

        Raises
        ------
        UserError
            For more units and steps than such a number holds.
        """
        if self.shape[1] * steps >= 2**32:
            raise UserError(f"{self.shape[1]} units in {steps} steps are too many: take a longer step")
        rows = np.asarray(rows)
        places, starts = self._places(rows)
        now = (self.times[places].astype(float) / step + _EDGE).astype(np.int64)
        row = np.repeat(np.arange(len(rows)), np.diff(starts))
        width = self.shape[1] * steps
        found = np.sort((row * width + self.units[places] * steps + now)[now < steps])
        found = found[np.diff(found, prepend=-1) > 0]
        return (found % width).astype(np.uint32), np.searchsorted(found, np.arange(len(rows) + 1) * width).astype(np.int64)

    def dense(self, rows, step, steps, places=None):
        """Spikes of some stimuli, each step written out.

        Parameters
        ----------
        rows, step, steps
            As for `codes`.
        places : (n_units,) int or None
            Which unit each input shows.

        Returns
        -------
        (steps, m, n_units) uint8, 0 or 1
        """
        codes, starts = self.codes(rows, step, steps)
        out = np.zeros((steps, len(rows), self.shape[1]), np.uint8)
        out[codes % steps, np.repeat(np.arange(len(rows)), np.diff(starts)), codes // steps] = 1
        return out if places is None else out[:, :, places]
