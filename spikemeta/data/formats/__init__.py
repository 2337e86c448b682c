"""File formats that data are read from: whole and checked, or refused with every problem at once."""
