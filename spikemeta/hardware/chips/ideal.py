"""A computer without limits: what every rule is compared with."""

from spikemeta.hardware.profile import Hardware

hardware = Hardware("ideal", "No limits: float64 state, no noise, no price. The rule runs as it is written.")
